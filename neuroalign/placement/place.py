"""``place``: from what a chip holds to which core holds it, and what binds; it reads top to bottom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroalign.chip import ChipNetwork
from neuroalign.placement.capacity import NEURONS, OUT_SLOTS, Capacity, core_capacities
from neuroalign.placement.chips import chip_order
from neuroalign.placement.cutting import Room
from neuroalign.placement.demand import POP16_AXONS, Demand, demand_of
from neuroalign.placement.layer_limits import is_layered, layer_limits
from neuroalign.placement.layouts import Indices, SharedRows
from neuroalign.placement.limits import (
    binding_of,
    board_of,
    core_limits,
    cores_limit,
    cores_per_chip,
    in_order,
    learning_limits,
    verdict_of,
)
from neuroalign.placement.messages import equal_rates, messages, sums_of, traffic_of
from neuroalign.placement.meter import Meter, Use, cores_reached
from neuroalign.placement.neuron_limits import neuron_limits
from neuroalign.placement.packing_cores import Bin, pack_alone, pack_one_after_another, pack_whole
from neuroalign.placement.rates import rates_of
from neuroalign.placement.types import AxonMode, CoreUse, Placement, Slice, Traffic
from neuroalign.profile import Profile

ROUNDS = 6
"""Times that runs are cut again because they reach more cores than was thought."""
MOST_SYNAPSES_IN_SEQUENCE = 5_000_000
"""Synapses up to which populations are also tried one after another."""


def place(
    chip: ChipNetwork,
    profile: Profile,
    *,
    board: str | None = None,
    rates: Mapping[str, Any] | None = None,
) -> Placement:
    """Put a network onto as few cores of a target as can be, then as many messages as can be onto one chip.

    Parameters
    ----------
    chip
        What the chip is to hold.
    profile
        Whose capacities; what it does not know is not checked.
    board
        Name of a board of the profile; None takes as many chips as are needed.
    rates
        Spikes a step, as :func:`neuroalign.placement.rates.rates_of` takes them; None weighs all neurons alike.

    Returns
    -------
    Placement
        Without remedies; :func:`neuroalign.placement.remedies.with_remedies` finds them.

    Raises
    ------
    ProfileError
        If the profile has no such board.
    InputError
        If rates name what is not there.

    Examples
    --------
    >>> import neuroalign
    >>> profile = neuroalign.load_profile("loihi2")
    >>> chip, _ = neuroalign.compile_network(neuroalign.read_nir("network.nir").network, profile)
    >>> len(neuroalign.place(chip, profile).cores)
    1
    """
    if board is not None:
        board_of(profile, board)
    spikes = equal_rates(chip) if rates is None else rates_of(chip, rates)
    capacities = core_capacities(profile)
    filled = _filled(chip, profile, capacities)
    per_chip = cores_per_chip(profile)
    per_chip = per_chip if isinstance(per_chip, int) else None
    cores = [[u.piece for u in uses] for uses in filled.cores]
    rows = messages(filled.demand, cores, spikes)
    order, searched = chip_order(rows, len(cores), per_chip) if rows else (np.arange(len(cores)), False)
    ordered = [filled.cores[k] for k in order]
    chip_of = np.arange(len(cores)) // (per_chip or max(len(cores), 1))
    if rows is None:
        traffic = sums_of(filled.demand, cores, spikes, chip_of, given=rates is not None)
    else:
        traffic = traffic_of(_renumbered(rows, order), chip_of, given=rates is not None)
    limits = in_order(
        [
            *core_limits(filled.meter, ordered, capacities, learns=any(c.plasticity for c in chip.connections)),
            cores_limit(profile, board, len(ordered)),
            *learning_limits(chip, profile),
            *neuron_limits(chip, profile),
            *layer_limits(chip, profile),
        ]
    )
    return Placement(
        profile_id=profile.id,
        board=board,
        chips=int(chip_of.max(initial=-1)) + 1,
        cores=tuple(_core(filled.meter, k, int(chip_of[k]), uses, capacities) for k, uses in enumerate(ordered)),
        axon_modes=filled.modes,
        limits=limits,
        binding_limit=binding_of(limits),
        verdict=verdict_of(limits),
        traffic=traffic,
        notes=(
            *_notes(profile, max((c.max_delay for c in chip.connections), default=0), traffic, searched, len(ordered)),
            *_often(spikes),
        ),
    )


@dataclass(frozen=True, eq=False)
class _Filled:
    """Runs of neurons by core, measured with the cores that they really reach."""

    demand: Demand
    meter: Meter
    cores: list[list[Use]]
    modes: dict[str, AxonMode]
    exceeds: bool


def _filled(chip: ChipNetwork, profile: Profile, capacities: Mapping[str, Capacity]) -> _Filled:
    """Cores filled; with 16-bit population messages where 32-bit ones do not fit and those do."""
    first = _fill(demand_of(chip, profile), profile, capacities)
    if not first.exceeds:
        return first
    shorter: dict[str, AxonMode] = dict.fromkeys(_shorter(first.demand), "pop16")
    if not shorter:
        return first
    second = _fill(demand_of(chip, profile, shorter), profile, capacities)
    return second if not second.exceeds and _told_apart(second) else first


def _shorter(demand: Demand) -> list[str]:
    """Connections that could use 16-bit population messages."""
    incoming = [c for p in demand.populations for c in p.incoming if isinstance(c.layout, SharedRows)]
    return [c.name for c in incoming if isinstance(c.layout, SharedRows) and c.layout.atoms <= POP16_AXONS[0]]


def _told_apart(filled: _Filled) -> bool:
    """Whether 16-bit messages can name all axons of every core that they reach."""
    pop16 = {c.name: c for p in filled.demand.populations for c in p.incoming if c.mode == "pop16"}
    for uses in filled.cores:
        axons = sum(
            c.layout.axons_into(u.piece.start, u.piece.stop).size
            for u in uses
            for c in pop16.values()
            if c.target == u.piece.population
        )
        if axons > POP16_AXONS[1]:
            return False
    return True


def _fill(demand: Demand, profile: Profile, capacities: Mapping[str, Capacity]) -> _Filled:
    """Runs on cores; cut anew while axons reach more cores than was thought."""
    room = Room.of(capacities)
    free = profile.delay.extra_steps_free
    reached = _guessed(demand, room, free)
    for round_ in range(ROUNDS):
        meter = Meter(demand, reached, free)
        bins = pack_alone(meter) if is_layered(profile) else _fewest(meter, room)
        found = cores_reached(demand, [[u.piece for u in b.uses] for b in bins])
        meter = Meter(demand, found, free)
        cores = [[replace(u, out_slots=meter.out_slots(u.piece)) for u in b.uses] for b in bins]
        exceeds = any(_too_many_out(meter, uses, room) for uses in cores)
        if not exceeds:
            break
        reached = _expected(demand, found, reached, round_)
    modes = {c.name: c.mode for p in demand.populations for c in p.incoming}
    return _Filled(demand, meter, cores, modes, exceeds)


def _guessed(demand: Demand, room: Room, free: int | None) -> dict[str, Indices] | None:
    """Cores that axons reach where runs are only searched, of large sparse populations; None where there are none."""
    meter = Meter(demand, None, free)
    runs: list[list[Slice]] = []
    for name in meter.populations:
        search = meter.search(name, room.bounds[NEURONS])
        stops = [] if search is None else search.stops(room.bounds)
        runs += [[Slice(name, start, stop)] for start, stop in zip([0, *stops], stops, strict=False)]
    if not runs:
        return None
    found = cores_reached(demand, runs)
    least = {c.name: c.layout.least_cores() for p in demand.populations for c in p.incoming}
    return _expected(demand, {name: np.maximum(cores, least[name]) for name, cores in found.items()}, None, 1)


def _expected(
    demand: Demand, found: Mapping[str, Indices], before: Mapping[str, Indices] | None, round_: int
) -> dict[str, Indices]:
    """How many cores axons are taken to reach next time: a little more than they did, in the end all they ever can."""
    connections = {c.name: c for p in demand.populations for c in p.incoming}
    expected = {}
    for name, cores in found.items():
        most = connections[name].layout.most_cores()
        more = cores if round_ == 0 else cores + 1 + cores // 50
        if round_ >= ROUNDS // 2 and most is not None:
            more = most
        more = np.where(cores > 0, more if most is None else np.minimum(more, most), 0)
        expected[name] = more if before is None else np.maximum(more, before[name])
    return expected


def _too_many_out(meter: Meter, uses: Sequence[Use], room: Room) -> bool:
    """Whether a core sends more than it can, unless it is one neuron, which cannot be cut."""
    return len(uses) + uses[0].piece.size > 2 and meter.total(uses)[OUT_SLOTS] > room.bounds[OUT_SLOTS]


def _fewest(meter: Meter, room: Room) -> list[Bin]:
    """Runs of whole populations, or populations one after another, whichever takes fewer cores."""
    whole = pack_whole(meter, room)
    synapses = sum(u.synapses for b in whole for u in b.uses)
    if len(meter.populations) < 2 or len(whole) < 2 or synapses > MOST_SYNAPSES_IN_SEQUENCE:
        return whole
    sequence = pack_one_after_another(meter, room)
    return sequence if len(sequence) < len(whole) else whole


def _renumbered(rows: tuple[Indices, Indices, Any], order: Indices) -> tuple[Indices, Indices, Any]:
    """Rows with the new numbers of the cores; the host stays -1."""
    number = np.empty(order.size + 1, dtype=np.int64)
    number[order] = np.arange(order.size)
    number[-1] = -1
    source, target = number[rows[0]], number[rows[1]]
    by = np.lexsort((target, source))
    return source[by], target[by], rows[2][by]


def _core(meter: Meter, index: int, chip: int, uses: Sequence[Use], capacities: Mapping[str, Capacity]) -> CoreUse:
    used = meter.total(uses)
    known = {name: capacity.number for name, capacity in capacities.items()}
    return CoreUse(
        index,
        chip,
        tuple(u.piece for u in uses),
        used,
        {name: used[name] / number for name, number in known.items() if number},
        in_axons=sum(u.in_axons for u in uses),
        learning_axons=sum(u.learning_axons for u in uses),
        synapses=sum(u.synapses for u in uses),
    )


def _notes(profile: Profile, slow: int, traffic: Traffic, searched: bool, cores: int) -> tuple[str, ...]:
    """What the figures rest on."""
    notes = []
    packing = profile.synapse.packing
    if packing is None and profile.arithmetic == "fixed" and profile.core.memory != "unlimited":
        notes.append("Synapse words assume the entries of Loihi 1: the profile names no packing.")
    elif packing is not None and packing.assumed:
        notes.append(
            f"Synapse words assume a packing: the profile's scheme {packing.scheme!r} is not a documented one."
        )
    if is_layered(profile):
        notes.append(
            f"A core of {profile.id} holds one layer: each population has a core of its own, and convolutions count as one "
            "by one pixel where they are full matrices."
        )
    if slow > (free := profile.delay.extra_steps_free or slow):
        notes.append(
            f"Delays above {free} steps are taken to halve the neurons of a core for every "
            "further bit; the exact cost is not public."
        )
    if traffic.rates == "equal":
        notes.append("No rates were given: messages count one spike of every neuron in every step.")
    if not searched and cores > 1:
        notes.append(
            f"{cores} cores exchange too many kinds of messages to search their order; they follow the populations."
        )
    return tuple(notes)


def _often(spikes: Mapping[str, NDArray[np.float64]]) -> tuple[str, ...]:
    """A note where rates are so high that they may be meant by the second."""
    name, most = max(
        ((name, float(of.max(initial=0.0))) for name, of in spikes.items()), key=lambda x: x[1], default=("", 0.0)
    )
    if most <= 1:
        return ()
    return (f"Rates of {name!r} reach {most:.6g} spikes a step. Rates in Hz must be multiplied by the time step.",)
