"""What happened in a run, counted for what it costs: synaptic operations, neuron updates, messages, learning, barriers.

======================  ==============================================================================================
synaptic operation      a spike (or graded message) at one synapse, counted when it is sent
neuron update           one neuron in one step; *active* where input, current, bias or membrane is not 0
spike                   of a neuron on the chips
message                 a spike of one axon on its way to one core
learning update         one synapse at the end of an epoch in which its rule has a product to form
barrier                 the end of a step
======================  ==============================================================================================
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from neuroalign.chip import ChipConnection, ChipNetwork, ChipPopulation
from neuroalign.energy.routes import Mesh, Routes, mesh_of
from neuroalign.errors import InputError
from neuroalign.placement import HOST, Placement
from neuroalign.placement.fan_out import FanOut, Storage
from neuroalign.profile import Profile
from neuroalign.recording import Recording, Stimulus

Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CoreLoad:
    """Events by core over the whole run, (cores,)."""

    synaptic_operations: Mapping[Storage, Values]
    neuron_updates: Values
    active_updates: Values
    spikes: Values
    messages_in: Values
    messages_out: Values
    learning_updates: Values


@dataclass(frozen=True, eq=False)
class EventCounts:
    """Events of a whole run; whole numbers where they were counted, expectations where rates were given.

    Parameters
    ----------
    samples, steps
        Samples, and chip steps of each.
    counted
        Whether a run was counted; False: expected from rates, every neuron taken as active.
    synaptic_operations
        By how the synapses are stored.
    messages_within_tile, hops_ew, hops_ns
        None where the profile does not say how tiles lie.
    messages, messages_between_chips, messages_from_outside
        Messages from core to core (those to the same core included); of these from chip to chip; and from outside.
    busiest_link_ew, busiest_link_ns
        Messages over the link that carries most.
    tiles, chips
        In use.
    by_core
        The same by core, as far as it belongs to one.
    """

    samples: int
    steps: int
    counted: bool
    synaptic_operations: Mapping[Storage, float]
    neuron_updates_active: float
    neuron_updates_inactive: float
    spikes: float
    messages: float
    messages_within_tile: float | None
    hops_ew: float | None
    hops_ns: float | None
    messages_between_chips: float
    messages_from_outside: float
    learning_updates: float
    barriers: float
    busiest_link_ew: float
    busiest_link_ns: float
    tiles: int | None
    chips: int
    by_core: CoreLoad = field(repr=False)

    @property
    def neuron_updates(self) -> float:
        """Active and inactive ones."""
        return self.neuron_updates_active + self.neuron_updates_inactive


@dataclass(frozen=True, eq=False)
class _Activity:
    """Spikes of each neuron and channel, and active steps of each neuron, over all samples."""

    spikes: Mapping[str, Values]
    active: Mapping[str, Values]
    samples: int
    steps: int
    counted: bool


def count_events(
    chip: ChipNetwork, placement: Placement, profile: Profile, recording: Recording, stimulus: Stimulus
) -> EventCounts:
    """Events of a recorded run.

    Parameters
    ----------
    recording
        With the states "s", "u", "v" and "a" of every population, in the chip's own numbers.
    stimulus
        What entered, as the backend got it.

    Raises
    ------
    InputError
        If a state was not recorded.
    """
    steps = stimulus.steps + chip.latency_steps
    spikes = {port.name: _sent(stimulus.inputs[port.name]) for port in chip.inputs}
    active = {}
    for p in chip.populations:
        for state in ("s", "u", "v", "a"):
            if (p.name, state) not in recording.states:
                raise InputError(
                    f"events need state {state!r} of {p.name!r}, which was not recorded; add it to the probes"
                )
        spikes[p.name] = _sent(recording.states[p.name, "s"])
        active[p.name] = _active(p, recording)
    return _counted(chip, placement, profile, _Activity(spikes, active, stimulus.samples, steps, True))


def expected_events(
    chip: ChipNetwork, placement: Placement, profile: Profile, rates: Mapping[str, Values], steps: int
) -> EventCounts:
    """Events of ``steps`` steps expected from ``rates`` (spikes a step of every neuron and channel); all neurons active."""
    spikes = {name: np.asarray(rate, dtype=np.float64) * steps for name, rate in rates.items()}
    active = {p.name: np.full(p.size, float(steps)) for p in chip.populations}
    return _counted(chip, placement, profile, _Activity(spikes, active, 1, steps, False))


def _sent(array: NDArray[np.generic]) -> Values:
    """How often each channel of (samples, steps, channels) sent something."""
    return np.asarray(np.count_nonzero(array, axis=(0, 1)), dtype=np.float64)


def _active(p: ChipPopulation, recording: Recording) -> Values:
    """Steps in which each neuron had something to compute."""
    u, v, a = (recording.states[p.name, state] for state in ("u", "v", "a"))
    bias = np.broadcast_to(np.asarray(p.bias_mant) != 0, (p.size,))
    total = np.zeros(p.size)
    for sample in range(len(v)):
        active = (a[sample] != 0) | (u[sample] != 0) | bias
        active[1:] |= _left(p, v[sample])[:-1] | _left(p, u[sample])[:-1]
        active[:1] |= (p.v0 != 0) | (p.u0 != 0)
        total += active.sum(axis=0)
    return total


def _left(p: ChipPopulation, states: NDArray[np.generic]) -> NDArray[np.bool_]:
    """Whether a state after each step is still there in the next one (a reset at its start clears it)."""
    found = states != 0
    if p.reset_interval:
        following = np.arange(len(states)) + 2  # steps count from 1
        found[(following - p.reset_offset) % p.reset_interval == 0] = False
    return np.asarray(found)


def _counted(chip: ChipNetwork, placement: Placement, profile: Profile, activity: _Activity) -> EventCounts:
    mesh = mesh_of(placement, profile)
    cores = len(placement.cores)
    home = {p.name: placement.core_of(p.name, p.size) for p in chip.populations}
    home |= {i.name: np.full(i.size, HOST, dtype=np.int64) for i in chip.inputs}
    routes = Routes(mesh)
    operations, learning = _synapses(chip, placement, activity, home, routes)
    every = {p.name: np.full(p.size, float(activity.samples * activity.steps)) for p in chip.populations}
    updates, active, spikes = (_by_core(home, of, cores) for of in (every, activity.active, activity.spikes))
    load = CoreLoad(operations, updates, active, spikes, routes.entering, routes.leaving, learning)
    return _totals(activity, mesh, routes, load, placement.chips)


def _by_core(home: Mapping[str, NDArray[np.int64]], of: Mapping[str, Values], cores: int) -> Values:
    """Sums of what belongs to neurons, over those of each core; what comes from outside is left out."""
    total = np.zeros(cores + 1)
    for name, values in of.items():
        total += np.bincount(home[name] + 1, values, minlength=cores + 1)
    return total[1:]


def _totals(activity: _Activity, mesh: Mesh, routes: Routes, load: CoreLoad, chips: int) -> EventCounts:
    meshed = mesh.column is not None
    return EventCounts(
        samples=activity.samples,
        steps=activity.steps,
        counted=activity.counted,
        synaptic_operations={kind: float(values.sum()) for kind, values in load.synaptic_operations.items()},
        neuron_updates_active=float(load.active_updates.sum()),
        neuron_updates_inactive=float(load.neuron_updates.sum() - load.active_updates.sum()),
        spikes=float(load.spikes.sum()),
        messages=float(routes.leaving.sum()),
        messages_within_tile=routes.within_tile if meshed else None,
        hops_ew=routes.hops_ew if meshed else None,
        hops_ns=routes.hops_ns if meshed else None,
        messages_between_chips=routes.inter_chip,
        messages_from_outside=routes.from_outside,
        learning_updates=float(load.learning_updates.sum()),
        barriers=float(activity.samples * activity.steps),
        busiest_link_ew=routes.busiest_ew,
        busiest_link_ns=routes.busiest_ns,
        tiles=mesh.tiles,
        chips=chips,
        by_core=load,
    )


def _synapses(
    chip: ChipNetwork, placement: Placement, activity: _Activity, home: Mapping[str, NDArray[np.int64]], routes: Routes
) -> tuple[dict[Storage, Values], Values]:
    """Synaptic operations by storage and core, and learning updates by core; messages are added to ``routes``."""
    cores = len(placement.cores)
    operations: dict[Storage, Values] = {"dense": np.zeros(cores), "sparse": np.zeros(cores), "conv": np.zeros(cores)}
    learning = np.zeros(cores)
    into: dict[str, list[FanOut]] = {}
    for c in chip.connections:
        into.setdefault(c.target, []).append(FanOut(c))
    for k, core in enumerate(placement.cores):
        messages = np.zeros(cores + 1)
        for name in dict.fromkeys(piece.population for piece in core.slices):
            pieces = [piece for piece in core.slices if piece.population == name]
            for fan in into.get(name, ()):
                c = fan.connection
                reached = sum((fan.into(p.start, p.stop) for p in pieces), np.zeros(c.shape[1], dtype=np.int64))
                sent = activity.spikes[c.source]
                operations[fan.storage][k] += float(sent @ reached)
                learning[k] += float(reached.sum()) * _epochs(c, activity.steps) * activity.samples
                messages += np.bincount(home[c.source] + 1, np.where(reached > 0, sent, 0.0), minlength=cores + 1)
        routes.add(k, messages)
    return operations, learning


def _epochs(c: ChipConnection, steps: int) -> int:
    """Epochs, of those that end within ``steps`` steps, in which a synapse of the connection is updated."""
    if c.plasticity is None:
        return 0
    program = c.plasticity.program
    products = program.products
    always = any(p.dependency != "u" for p in products)
    every = 2**program.k if program.k is not None else 1
    due = [
        step
        for step in range(program.t_epoch, steps + 1, program.t_epoch)
        if c.plasticity.learns_at(step) and (always or step // program.t_epoch % every == 0)
    ]
    return len(due) if products else 0
