"""Energy of a run: counted events times the prices of one list. A used event without a price makes a total impossible."""

from __future__ import annotations

from dataclasses import dataclass

from neuroalign.energy.events import EventCounts
from neuroalign.errors import ProfileError
from neuroalign.profile import Price, PriceList, Profile, provenance_of
from neuroalign.profile.prices import Term
from neuroalign.profile.reading import nearest


@dataclass(frozen=True)
class TermCost:
    """One kind of event: how often, at what price, and what that makes.

    Parameters
    ----------
    left_out
        Whether the list leaves it out by its own account; ``energy_j`` is then None, and the total is without it.
    """

    term: Term
    event: str
    count: float
    price_j: float | None
    energy_j: float | None
    left_out: bool = False

    @property
    def unpriced(self) -> bool:
        """Whether it was used and has no price."""
        return self.energy_j is None and not self.left_out


@dataclass(frozen=True)
class EnergyReport:
    """What a run costs by one price list.

    Parameters
    ----------
    price_list, basis, operating_point, caveat
        Of the list; None where the profile has none.
    rows
        Every kind of event that the run had.
    total_j
        None where it is refused.
    refusal
        Why there is no total.
    without
        Events of the run that the list leaves out, so that the total is without them.
    static_w
        Static power of the chips in use, where the list has one; never part of the total.
    counted
        Whether the events were counted in a run, or are expected from rates.
    """

    profile_id: str
    price_list: str | None
    basis: str | None
    operating_point: str | None
    caveat: str | None
    source: str
    rows: tuple[TermCost, ...]
    total_j: float | None
    refusal: str | None
    without: tuple[str, ...]
    static_w: float | None
    counted: bool
    samples: int
    steps: int

    @property
    def unpriced(self) -> tuple[str, ...]:
        """Events that were used and have no price."""
        return tuple(row.event for row in self.rows if row.unpriced)

    @property
    def headline(self) -> str:
        """The total with its basis and caveats, or why there is none."""
        if self.total_j is None:
            return f"no total: {self.refusal}"
        stands = "; ".join(filter(None, (f"{self.basis}", self.caveat)))
        left = f"; without {', '.join(self.without)}" if self.without else ""
        events = "counted events" if self.counted else "events expected from rates"
        return f"{self.total_j:.4g} J by {self.price_list} ({stands}; {events}{left})"


def price_list(profile: Profile, name: str) -> PriceList:
    """The list called ``name``.

    Raises
    ------
    ProfileError
        If the profile has no such list, naming those that it has.
    """
    if name in profile.prices:
        return profile.prices[name]
    if not profile.prices:
        raise ProfileError(f"profile {profile.id!r} has no price list {name!r}: {no_prices(profile)}")
    raise ProfileError(
        f"profile {profile.id!r} has no price list {name!r}{nearest(name, profile.prices)}; it has {', '.join(profile.prices)}"
    )


def no_prices(profile: Profile) -> str:
    """Why a profile has no price list, as it says itself."""
    source = provenance_of(profile, "prices")
    return source.source if source is not None else "the profile gives no prices"


def energies(counts: EventCounts, profile: Profile) -> tuple[EnergyReport, ...]:
    """One report for each price list of the profile; a single one, refused, where it has none."""
    if not profile.prices:
        return (_refused(counts, profile),)
    return tuple(energy(counts, profile, name) for name in profile.prices)


def energy(counts: EventCounts, profile: Profile, name: str) -> EnergyReport:
    """What a run costs by the list ``name`` of a profile.

    Raises
    ------
    ProfileError
        If the profile has no such list.
    """
    prices = price_list(profile, name)
    rows = tuple(
        _row(prices, term, event, count, price) for term, event, count, price in _used(counts, prices) if count
    )
    unpriced = [f"{row.event} ({row.count:,.0f} of them)" for row in rows if row.unpriced]
    total = None if unpriced else sum(row.energy_j or 0.0 for row in rows)
    source = provenance_of(profile, f"prices.{name}.basis")
    static = prices.static_w_per_chip
    return EnergyReport(
        profile_id=profile.id,
        price_list=name,
        basis=prices.basis,
        operating_point=prices.operating_point,
        caveat=prices.caveat,
        source=source.source if source else "",
        rows=rows,
        total_j=total,
        refusal=f"{name} has no price for {', '.join(unpriced)}" if unpriced else None,
        without=tuple(row.event for row in rows if row.left_out),
        static_w=None if static is None else static * counts.chips,
        counted=counts.counted,
        samples=counts.samples,
        steps=counts.steps,
    )


def _refused(counts: EventCounts, profile: Profile) -> EnergyReport:
    reason = f"{profile.name} has no price list: {no_prices(profile)}"
    return EnergyReport(
        profile.id, None, None, None, None, "", (), None, reason, (), None, counts.counted, counts.samples, counts.steps
    )


def _row(prices: PriceList, term: Term, event: str, count: float, price: Price | None) -> TermCost:
    unit = None if price is None else price.j
    if unit is None:
        return TermCost(term, event, count, None, None, left_out=term in prices.without)
    return TermCost(term, event, count, unit, count * unit)


Used = list[tuple[Term, str, float, Price | None]]


def _used(counts: EventCounts, prices: PriceList) -> Used:
    """Every kind of event with its price in this list, as the list divides them."""
    barrier = None if prices.barrier is None else Price(prices.barrier.j)
    return [
        *_synaptic(counts, prices),
        *_neurons(counts, prices),
        *_messages(counts, prices),
        ("messages between chips", "messages between chips", counts.messages_between_chips, prices.inter_chip),
        ("messages from outside", "messages from outside", counts.messages_from_outside, None),
        ("learning updates", "learning updates", counts.learning_updates, prices.learning_update),
        ("barriers", "barriers", counts.barriers, barrier),
    ]


def _synaptic(counts: EventCounts, prices: PriceList) -> Used:
    if prices.syn_op is not None:
        total = sum(counts.synaptic_operations.values())
        return [("synaptic operations", "synaptic operations", total, prices.syn_op)]
    of = {"dense": prices.syn_op_dense, "sparse": prices.syn_op_sparse, "conv": prices.syn_op_conv}
    names = {"dense": "stored densely", "sparse": "stored sparsely", "conv": "with shared weights"}
    return [
        ("synaptic operations", f"synaptic operations {names[kind]}", count, of[kind])
        for kind, count in counts.synaptic_operations.items()
    ]


def _neurons(counts: EventCounts, prices: PriceList) -> Used:
    if prices.neuron_access is None and prices.neuron_update is None:
        return [
            ("neuron updates", "active neuron updates", counts.neuron_updates_active, prices.neuron_active),
            ("neuron updates", "inactive neuron updates", counts.neuron_updates_inactive, prices.neuron_inactive),
        ]
    rows: Used = [
        ("neuron updates", "neuron accesses", counts.neuron_updates, prices.neuron_access),
        ("neuron updates", "active neuron updates", counts.neuron_updates_active, prices.neuron_update),
    ]
    return rows + ([("spikes", "spikes", counts.spikes, prices.spike_out)] if prices.spike_out else [])


def _messages(counts: EventCounts, prices: PriceList) -> Used:
    """Messages by hop; a list that prices them where they leave a core needs no price within a tile."""
    rows: Used = []
    if prices.message_out is not None:
        rows.append(("messages", "messages leaving a core", counts.messages, prices.message_out))
    if prices.message_in is not None:
        entering = counts.messages + counts.messages_from_outside
        rows.append(("messages", "messages entering a core", entering, prices.message_in))
    if counts.messages_within_tile is None or counts.hops_ew is None or counts.hops_ns is None:
        return [*rows, ("messages", "messages whose hops are not known", counts.messages, None)]
    if prices.message_out is None or prices.spike_local is not None:
        rows.append(("messages", "messages within a tile", counts.messages_within_tile, prices.spike_local))
    return [
        *rows,
        ("messages", "hops east-west", counts.hops_ew, prices.hop_ew),
        ("messages", "hops north-south", counts.hops_ns, prices.hop_ns),
    ]
