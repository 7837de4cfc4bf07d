"""Neurons beyond plain LIF, emulator against Lava: every state of every step; Lava's own processes where it has them."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from random_networks import Options, draw_fixed, draw_stimulus
from random_neurons import COMBINATIONS, with_kinds

from neuroalign.chip import ChipNetwork, ChipPopulation
from neuroalign.recording import Probe, Recording, Stimulus
from neuroalign.sim.emulator.driver import Emulator, Implementation
from neuroalign.sim.lava_processes.backend import STATES, LavaBackend
from neuroalign.verify.plastic import draw_plastic

pytestmark = [
    pytest.mark.lava,
    pytest.mark.skipif(LavaBackend().missing() is not None, reason=LavaBackend().missing() or ""),
]
BOTH: tuple[Implementation, ...] = ("kernels", "reference")
LAVAS_OWN = (("ternary",), ("reset",))
NETWORKS = [*LAVAS_OWN, *COMBINATIONS[1:]]


def probes_of(network: ChipNetwork) -> tuple[Probe, ...]:
    return tuple(
        (p.name, name) for p in network.populations for name in (*STATES, *(["r"] if p.refractory_steps else []))
    )


@cache
def cases() -> tuple[tuple[ChipNetwork, Stimulus, tuple[Probe, ...]], ...]:
    drawn = []
    for number, kinds in enumerate(NETWORKS):
        rng = np.random.default_rng(number)
        graded = number % 2 == 1
        network = with_kinds(rng, draw_fixed(rng, Options(sizes=(4, 3), graded=graded, extreme=number % 3 == 2)), kinds)
        if number < len(LAVAS_OWN):  # one pair of thresholds, which Lava's TernaryLIF asks for
            network = replace(network, populations=tuple(uniform(p) for p in network.populations))
        network = replace(network, connections=tuple(replace(c, message_bits=8 * graded) for c in network.connections))
        drawn.append((network, draw_stimulus(rng, network, samples=2, steps=40), probes_of(network)))
    return tuple(drawn)


def uniform(p: ChipPopulation) -> ChipPopulation:
    low = p.threshold_low
    return replace(
        p,
        threshold=np.full(p.size, p.threshold[0]),
        threshold_low=None if low is None else np.full(p.size, min(low[0], p.threshold[0])),
    )


@cache
def lava() -> list[Recording]:
    return LavaBackend().run_cases(cases())


@pytest.mark.parametrize("implementation", BOTH)
@pytest.mark.parametrize("number", range(len(NETWORKS)), ids=[f"{n}-{'+'.join(k)}" for n, k in enumerate(NETWORKS)])
def test_every_state_of_every_step_is_lavas(number: int, implementation: Implementation) -> None:
    network, stimulus, probes = cases()[number]
    recording = Emulator().run(network, stimulus, probes, implementation=implementation)
    for probe in probes:
        np.testing.assert_array_equal(recording.states[probe], lava()[number].states[probe], err_msg=str(probe))


def test_the_networks_compared_are_lively() -> None:
    """Three in four of the populations spike, and among the ternary ones some in each direction."""
    spiking = [array.any() for r in lava() for (_, name), array in r.states.items() if name == "s"]
    assert np.mean(spiking) > 0.75
    signs = {int(v) for r in lava() for (_, name), array in r.states.items() if name == "s" for v in np.unique(array)}
    assert signs == {-1, 0, 1}
    rests = [array.max() for r in lava() for (_, name), array in r.states.items() if name == "r"]
    assert max(rests) > 2


def test_learning_sees_negative_spikes_as_lava_does() -> None:
    """Ternary, resting and stochastic neurons before and after plastic synapses: every state of every step."""
    runs = []
    for seed, kinds in enumerate((("ternary",), ("ternary", "refractory"), ("escape", "refractory"))):
        rng = np.random.default_rng(seed)
        case = draw_plastic(rng, 3, 40)
        pulled = tuple(replace(p, bias_mant=p.bias_mant * (-1) ** np.arange(p.size)) for p in case.network.populations)
        network = with_kinds(rng, replace(case.network, populations=pulled), kinds)
        runs.append((network, case.stimulus, (*probes_of(network), *case.probes), case.read_steps))
    expected = LavaBackend().run_cases(runs)
    for (network, stimulus, probes, read_steps), lavas in zip(runs, expected, strict=True):
        for how in BOTH:
            recording = Emulator().run(network, stimulus, probes, read_steps=read_steps, implementation=how)
            for probe in probes:
                np.testing.assert_array_equal(recording.states[probe], lavas.states[probe], err_msg=str(probe))
    ternary, learned = expected[0], [name for name, state in runs[0][2] if state == "w"]
    assert any((array == -1).any() for (_, name), array in ternary.states.items() if name == "s")
    assert any(np.ptp(ternary.states[name, "w"], axis=1).any() for name in learned)
