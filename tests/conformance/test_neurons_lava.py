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

pytestmark = [
    pytest.mark.lava,
    pytest.mark.skipif(LavaBackend().missing() is not None, reason=LavaBackend().missing() or ""),
]
PER_COMBINATION = 2
NETWORKS = [(kinds, n) for kinds in COMBINATIONS[1:] for n in range(PER_COMBINATION)]


def probes_of(network: ChipNetwork) -> tuple[Probe, ...]:
    return tuple(
        (p.name, name) for p in network.populations for name in (*STATES, *(["r"] if p.refractory_steps else []))
    )


@cache
def cases() -> tuple[tuple[ChipNetwork, Stimulus, tuple[Probe, ...]], ...]:
    drawn = []
    for number, (kinds, n) in enumerate(NETWORKS):
        rng = np.random.default_rng(number)
        network = with_kinds(rng, draw_fixed(rng, Options(sizes=(4, 3), graded=n == 1, extreme=n == 1)), kinds)
        if n == 0:  # one pair of thresholds, which Lava's TernaryLIF asks for
            network = replace(network, populations=tuple(uniform(p) for p in network.populations))
        network = replace(network, connections=tuple(replace(c, message_bits=8 * (n == 1)) for c in network.connections))
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


@pytest.mark.parametrize("implementation", ["kernels", "reference"])
@pytest.mark.parametrize("number", range(len(NETWORKS)), ids=["+".join(kinds) + f"-{n}" for kinds, n in NETWORKS])
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
