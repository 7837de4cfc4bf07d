"""Events against the emulator's own counters, and messages against every spike followed by itself."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from scattered_placements import scattered
from small_chips import chip, neurons, spikes_at, wire

from neuroalign.chip import ChipConnection, ChipNetwork
from neuroalign.chip.connection import Plasticity
from neuroalign.energy import EventCounts, FanOut, count_events, expected_events
from neuroalign.errors import InputError
from neuroalign.microcode import Factor, Product, Program, Trace
from neuroalign.placement import Placement
from neuroalign.profile import load_profile
from neuroalign.recording import Recording, Stimulus
from neuroalign.sim.emulator import Emulator
from neuroalign.sim.emulator.events import count_events as counted_one_by_one
from neuroalign.sim.emulator.events import stored
from neuroalign.verify.draw import draw_case

LOIHI1 = load_profile("loihi1")
CORES, PER_CHIP = 24, 16
"""Four tiles and two chips of a target with 16 cores a chip."""
CASES = 14
LARGEST = 4000
"""Synapses up to which a case is followed spike by spike."""


def recorded(network: ChipNetwork, stimulus: Stimulus) -> Recording:
    probes = [(p.name, state) for p in network.populations for state in "suva"]
    return Emulator().run(network, stimulus, probes, implementation="reference")


def totals_of(counts: dict[str, int]) -> Counter[str]:
    """The emulator's counters without the names of connections and populations."""
    found: Counter[str] = Counter()
    for name, count in counts.items():
        found[name.rpartition(".")[2]] += count
    return found


def followed(network: ChipNetwork, placement: Placement, stimulus: Stimulus, run: Recording) -> Counter[str]:
    """Every spike by itself: to which cores it goes, and how far they are."""
    found: Counter[str] = Counter()
    home = {p.name: placement.core_of(p.name, p.size) for p in network.populations}
    for c in network.connections:
        there = stored(c)
        sent = stimulus.inputs[c.source] if c.source in stimulus.inputs else run.states[c.source, "s"]
        for _, _, neuron in zip(*np.nonzero(sent), strict=True):
            for core in {int(home[c.target][target]) for target in np.flatnonzero(there[:, neuron])}:
                if c.source in stimulus.inputs:
                    found["from outside"] += 1
                    continue
                found["messages"] += 1
                here = int(home[c.source][neuron])
                if here // PER_CHIP != core // PER_CHIP:
                    found["between chips"] += 1
                    continue
                one, other = here % PER_CHIP // 4, core % PER_CHIP // 4
                found["ew"] += abs(one % 8 - other % 8)
                found["ns"] += abs(one // 8 - other // 8)
                found["within"] += one == other
    return found


def cases() -> list[tuple[ChipNetwork, Stimulus]]:
    found = []
    for number in range(200):
        case = draw_case(8, number)
        if sum(c.shape[0] * c.shape[1] for c in case.network.connections) <= LARGEST and case.stimulus.steps <= 80:
            found.append((case.network, case.stimulus))
        if len(found) == CASES:
            return found
    raise AssertionError("too few cases are small")


def test_counts_equal_the_emulators_own_counters_and_every_spike_followed() -> None:
    total: Counter[str] = Counter()
    for number, (network, stimulus) in enumerate(cases()):
        placement = scattered(np.random.default_rng(number), network, CORES, PER_CHIP)
        run = recorded(network, stimulus)
        events = count_events(network, placement, LOIHI1, run, stimulus)
        own = totals_of(dict(counted_one_by_one(network, stimulus)))
        assert sum(events.synaptic_operations.values()) == own["synaptic_operations"], number
        assert (events.neuron_updates_active, events.neuron_updates_inactive) == (own["active"], own["inactive"]), (
            number
        )
        assert (events.spikes, events.learning_updates) == (own["spikes"], own["learning_updates"]), number
        assert events.barriers == own["barriers"], number
        sent = followed(network, placement, stimulus, run)
        assert events.messages_from_outside == sent["from outside"], number
        assert (events.messages, events.messages_between_chips) == (sent["messages"], sent["between chips"]), number
        assert (events.messages_within_tile, events.hops_ew, events.hops_ns) == (
            sent["within"],
            sent["ew"],
            sent["ns"],
        ), number
        check_by_core(events)
        total += own + sent
        total.update({kind: int(n) for kind, n in events.synaptic_operations.items()})
    for kind in ("dense", "sparse", "conv", "learning_updates", "between chips", "ew", "within"):
        assert total[kind] > 0, f"no case had {kind}"


def check_by_core(events: EventCounts) -> None:
    """What belongs to cores adds up to the totals."""
    load = events.by_core
    assert sum(float(v.sum()) for v in load.synaptic_operations.values()) == sum(events.synaptic_operations.values())
    assert load.messages_in.sum() == events.messages + events.messages_from_outside
    assert load.neuron_updates.sum() == events.neuron_updates


def with_dead_sources(network: ChipNetwork) -> list[ChipConnection]:
    """The connections, and full matrices once more without the weights of every third source."""
    full = [c for c in network.connections if c.pattern is None]
    dead = [replace(c, weight=np.where(np.arange(c.shape[1]) % 3, c.weight, 0)) for c in full]
    return [*network.connections, *dead]


def test_sources_without_any_weight_have_no_synapses_unless_they_learn() -> None:
    """Of 3 x 4 weights 8 are not 0 and one source has none: 9 are stored, the 0 in a live row with them."""
    weight = np.array([[0, 1, 2, 3], [0, 4, 5, 6], [0, 7, 8, 0]])
    still = wire("a", "b", weight)
    assert stored(still).tolist() == [[False, True, True, True]] * 3
    assert (FanOut(still).total(), FanOut(still).storage) == (9, "dense")
    assert FanOut(still).into(0, 2).tolist() == [0, 2, 2, 2]
    rule = Program(dw=(Product("x0", 1, 0, (Factor("y1"),)),), y1=Trace(16, 10), t_epoch=2)
    learns = replace(still, weight=0 * weight, plasticity=Plasticity(rule, 0 * weight, 1.0))
    assert stored(learns).all()
    assert FanOut(learns).into(0, 3).tolist() == [3, 3, 3, 3]


@pytest.mark.parametrize("number", range(12))
def test_fan_out_of_runs_of_targets_is_what_is_stored(number: int) -> None:
    rng = np.random.default_rng(number)
    for c in with_dead_sources(draw_case(9, number).network):
        cuts = sorted(rng.integers(0, c.shape[0] + 1, 2).tolist())
        np.testing.assert_array_equal(FanOut(c).into(*cuts), stored(c)[cuts[0] : cuts[1]].sum(axis=0))
        assert FanOut(c).total() == stored(c).sum()


def test_a_neuron_with_nothing_to_compute_is_inactive() -> None:
    """One input spike: it arrives in step 2, the current is gone after it (du = 4095) and the membrane stays."""
    network = chip([neurons("a", 3, du=4095, bias_mant=np.array([0, 0, 1]))], [wire("in", "a", [[2], [0], [0]])], 1)
    stimulus = spikes_at(5, {0: 1})
    placement = scattered(np.random.default_rng(0), network, 2, 2)
    events = count_events(network, placement, LOIHI1, recorded(network, stimulus), stimulus)
    own = totals_of(dict(counted_one_by_one(network, stimulus)))
    assert (events.neuron_updates_active, events.neuron_updates_inactive) == (4 + 5, 1 + 5)
    assert (own["active"], own["inactive"]) == (4 + 5, 1 + 5)


def test_links_carry_what_passes_them() -> None:
    """Core 0 to core 13 (tile 3) passes three links east; from core 13 back, three west; the busiest has 5 messages."""
    network = chip([neurons("a", 1), neurons("b", 1)], [wire("a", "b", [[1]]), wire("b", "a", [[1]])])
    placement = scattered(np.random.default_rng(0), network, 14, 128)
    placed = place_by_hand(placement, {"a": 0, "b": 13})
    events = expected_events(network, placed, LOIHI1, {"a": np.array([0.5]), "b": np.array([0.2])}, 10)
    assert (events.hops_ew, events.hops_ns, events.messages_within_tile) == (3 * 5 + 3 * 2, 0, 0)
    assert (events.busiest_link_ew, events.busiest_link_ns) == (5, 0)
    assert (events.tiles, events.counted) == (4, False)


def place_by_hand(placement: Placement, homes: dict[str, int]) -> Placement:
    from neuroalign.placement import Slice

    cores = tuple(
        replace(core, slices=tuple(Slice(name, 0, 1) for name, at in homes.items() if at == core.index))
        for core in placement.cores
    )
    return replace(placement, cores=cores)


def test_a_missing_state_is_named() -> None:
    network = chip([neurons("a", 1)], [wire("in", "a", [[2]])], 1)
    stimulus = spikes_at(3, {})
    run = Emulator().run(network, stimulus, [("a", "s")], implementation="reference")
    with pytest.raises(InputError, match="state 'u' of 'a'"):
        count_events(network, scattered(np.random.default_rng(0), network, 1, 1), LOIHI1, run, stimulus)
