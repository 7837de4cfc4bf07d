"""How long a step takes at least: cores, links and the barrier work at the same time, and the slowest of them decides.

    step >= max(neuron updates, synaptic operations, learning updates, messages in and out, busiest link, barrier)

each of the busiest core (or link), as a mean over the steps of the run; the mean of the maxima is never less. The form,
a maximum of terms, is that of Timcheck et al. 2026 (arXiv 2601.10035), who find it in step with silicon of the second
generation; what they call memory reads has no public rate and is listed as not checked.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neuroalign.energy.cost import no_prices, price_list
from neuroalign.energy.events import EventCounts
from neuroalign.profile import Barrier, Price, PriceList, Profile

NO_RATE = ("reads of synaptic memory",)


@dataclass(frozen=True)
class TimeTerm:
    """Seconds a step that one part needs at least; None: used, but no time is known."""

    name: str
    where: str
    seconds: float | None


@dataclass(frozen=True)
class StepTime:
    """The bound of a step by one price list.

    Parameters
    ----------
    terms
        The longest first; those without a time last.
    bound_s
        None where no time is known at all.
    largest
        Name of the term that sets it.
    not_checked
        What could take longer, but has no time.
    run_s
        The bound times all steps of all samples.
    """

    profile_id: str
    price_list: str | None
    basis: str | None
    caveat: str | None
    terms: tuple[TimeTerm, ...]
    bound_s: float | None
    largest: str | None
    not_checked: tuple[str, ...]
    run_s: float | None
    refusal: str | None

    @property
    def headline(self) -> str:
        """The bound with its largest term, or why there is none."""
        if self.bound_s is None:
            return f"no bound: {self.refusal}"
        stands = "; ".join(filter(None, (self.basis, self.caveat)))
        return (
            f"a step takes at least {self.bound_s:.3g} s by {self.price_list} ({stands}); largest term: {self.largest}"
        )


def step_times(counts: EventCounts, profile: Profile) -> tuple[StepTime, ...]:
    """One bound for each price list of the profile; a single one, refused, where it has none."""
    if not profile.prices:
        reason = f"{profile.name} has no price list: {no_prices(profile)}"
        return (StepTime(profile.id, None, None, None, (), None, None, (), None, reason),)
    return tuple(step_time(counts, profile, name) for name in profile.prices)


def step_time(counts: EventCounts, profile: Profile, name: str) -> StepTime:
    """The bound of a step by the list ``name`` of a profile (ProfileError if it has no such list)."""
    prices = price_list(profile, name)
    terms = [t for t in _terms(counts, prices) if t.seconds is None or t.seconds > 0]
    known = sorted((t for t in terms if t.seconds is not None), key=lambda t: -(t.seconds or 0.0))
    missing = [t for t in terms if t.seconds is None]
    bound = known[0].seconds if known else None
    return StepTime(
        profile_id=profile.id,
        price_list=name,
        basis=prices.basis,
        caveat=prices.caveat,
        terms=(*known, *missing),
        bound_s=bound,
        largest=f"{known[0].name} ({known[0].where})" if known else None,
        not_checked=(*(t.name for t in missing), *NO_RATE),
        run_s=None if bound is None else bound * counts.barriers,
        refusal=None if known else f"{name} has no times",
    )


Loads = NDArray[np.float64]


def _terms(counts: EventCounts, prices: PriceList) -> list[TimeTerm]:
    load, steps = counts.by_core, max(counts.barriers, 1.0)
    operations = load.synaptic_operations
    one = prices.syn_op
    synaptic = [
        (operations["dense"], one or prices.syn_op_dense),
        (operations["sparse"], one or prices.syn_op_sparse),
        (operations["conv"], one or prices.syn_op_conv),
    ]
    found = [
        _busiest("neuron updates", _neuron_parts(counts, prices), steps),
        _busiest("synaptic operations", synaptic, steps),
        _busiest("learning updates", [(load.learning_updates, prices.learning_update)], steps),
        TimeTerm("busiest link east-west", "one link", _times(counts.busiest_link_ew / steps, prices.hop_ew)),
        TimeTerm("busiest link north-south", "one link", _times(counts.busiest_link_ns / steps, prices.hop_ns)),
        _barrier(prices.barrier, counts.tiles),
    ]
    if prices.message_out is not None:
        found.append(_busiest("messages out", [(load.messages_out, prices.message_out)], steps))
    if prices.message_in is not None:
        found.append(_busiest("messages in", [(load.messages_in, prices.message_in)], steps))
    if counts.messages_between_chips:
        found.append(TimeTerm("links between chips", "not known", None))
    return found


def _neuron_parts(counts: EventCounts, prices: PriceList) -> list[tuple[Loads, Price | None]]:
    load = counts.by_core
    if prices.neuron_access is None and prices.neuron_update is None:
        return [
            (load.active_updates, prices.neuron_active),
            (load.neuron_updates - load.active_updates, prices.neuron_inactive),
        ]
    parts: list[tuple[Loads, Price | None]] = [
        (load.neuron_updates, prices.neuron_access),
        (load.active_updates, prices.neuron_update),
    ]
    return parts + ([(load.spikes, prices.spike_out)] if prices.spike_out else [])


def _busiest(name: str, parts: list[tuple[Loads, Price | None]], steps: float) -> TimeTerm:
    """The core with most to do; no time where a part that is used has none."""
    used = [(loads, price) for loads, price in parts if loads.any()]
    if any(price is None or price.s is None for _, price in used):
        return TimeTerm(name, "not known", None)
    seconds = sum((loads * (price.s or 0.0) for loads, price in used if price), np.zeros(1)) / steps
    core = int(np.argmax(seconds)) if seconds.size else 0
    return TimeTerm(name, f"core {core}", float(seconds[core]) if seconds.size else 0.0)


def _times(count: float, price: Price | None) -> float | None:
    if not count:
        return 0.0
    return None if price is None or price.s is None else count * price.s


def _barrier(barrier: Barrier | None, tiles: int | None) -> TimeTerm:
    """What the barrier takes at least: the time of the largest listed count of tiles that is in use."""
    if barrier is None:
        return TimeTerm("barrier", "not known", None)
    listed = [s for count, s in zip(barrier.tiles, barrier.s, strict=True) if tiles is None or count <= tiles]
    if tiles is None:
        listed = listed[:1]
    return TimeTerm("barrier", f"{tiles or 'unknown'} tile{'' if tiles == 1 else 's'}", listed[-1] if listed else None)
