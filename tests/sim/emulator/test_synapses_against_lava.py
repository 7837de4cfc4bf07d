"""Lava's Sparse, DelaySparse and Conv against the emulator: every state of every step, in one run of Lava."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.random import Generator
from random_networks import Options, draw_fixed, draw_stimulus
from small_chips import chip, neurons, wire

from neuroalign.chip import ChipNetwork, Convolution, Fixed
from neuroalign.recording import Stimulus
from neuroalign.sim.emulator import Emulator
from neuroalign.sim.lava_processes.backend import STATES, LavaBackend
from neuroalign.verify.synapses import convolution, draw_pattern, sparse, sparse_delayed

pytestmark = [
    pytest.mark.lava,
    pytest.mark.skipif(LavaBackend().missing() is not None, reason=LavaBackend().missing() or ""),
]
Case = tuple[ChipNetwork, Stimulus]


def drawn(seed: int) -> Case:
    """A random network, most of its connections thinned out, with a convolution beside them."""
    rng = np.random.default_rng(seed)
    options = Options(
        sizes=(5, 4, 3),
        max_delay=int(rng.choice([0, 3, 12])),
        exponents=[(0, 0), (-4, -1), (-3, 6)][seed % 3],
        graded=seed % 2 == 0,
        extreme=seed % 5 == 0,
    )
    network = draw_fixed(rng, options)
    for _ in network.connections:
        network = sparse(rng, sparse_delayed(rng, network))
    network = convolution(rng, network)
    return network, draw_stimulus(rng, network, samples=1, steps=25)


def wrapping(rng: Generator) -> Case:
    """A convolution whose sums leave 24 bits, but not the 32 that Lava's cast is defined for."""
    pattern = Convolution((2, 3, 4), 2, (2, 3), stride=(1, 2), padding=(1, 0))
    weight = rng.integers(-128, 128, pattern.weight_shape) * 2
    target = neurons("p", pattern.shape[0], du=900, dv=200, threshold=4000)
    kernel = replace(wire("in", "p", [[0]]), weight=weight, pattern=pattern, message_bits=19)
    network = chip([target], [kernel], pattern.shape[1], message_bits=19)
    return network, Stimulus({"in": rng.integers(-(1 << 18), 1 << 18, (1, 20, pattern.shape[1]))})


def wide(rng: Generator) -> Case:
    """Lava's Conv takes weights of any width as they are."""
    pattern = Convolution((1, 6, 3), 3, (3, 2), dilation=(2, 1))
    weight = rng.integers(-(1 << 17), 1 << 17, pattern.weight_shape)
    target = neurons("p", pattern.shape[0], du=4000, dv=2000, threshold=90000)
    kernel = replace(wire("in", "p", [[0]]), weight=weight, pattern=pattern, weight_format=Fixed(18))
    return chip([target], [kernel], pattern.shape[1]), Stimulus({"in": rng.integers(0, 2, (1, 20, pattern.shape[1]))})


def test_every_state_of_every_step_is_that_of_lava() -> None:
    rng = np.random.default_rng(3)
    cases = [*map(drawn, range(10)), wrapping(rng), wide(rng)]
    probes = [[(p.name, state) for p in network.populations for state in STATES] for network, _ in cases]
    recorded = LavaBackend().run_cases([(*case, p) for case, p in zip(cases, probes, strict=True)])
    for k, ((network, stimulus), lava) in enumerate(zip(cases, recorded, strict=True)):
        emulator = Emulator().run(network, stimulus, probes[k])
        for probe in probes[k]:
            np.testing.assert_array_equal(emulator.states[probe], lava.states[probe], err_msg=f"case {k}, {probe}")
    check_coverage([network for network, _ in cases])
    spiking = [
        any(r.states[p.name, "s"].any() for p in n.populations) for (n, _), r in zip(cases, recorded, strict=True)
    ]
    assert sum(spiking) > 0.8 * len(cases)
    assert np.abs(recorded[10].states["p", "a"]).max() > 1 << 22


def check_coverage(networks: list[ChipNetwork]) -> None:
    """All that a pattern may have occurs among the cases."""
    connections = [c for n in networks for c in n.connections]
    kernels = [c.pattern for c in connections if isinstance(c.pattern, Convolution)]
    for unlike in ("stride", "padding", "dilation", "kernel"):
        assert any(getattr(p, unlike)[0] != getattr(p, unlike)[1] for p in kernels), unlike
    assert any(p.groups > 1 for p in kernels)
    thin = [c for c in connections if c.pattern is not None and not isinstance(c.pattern, Convolution)]
    for delayed in (False, True):
        chosen = [c for c in thin if (c.max_delay > 0) == delayed]
        assert any(c.weight_exp < 0 for c in chosen)
        assert any(c.weight_exp > 0 for c in chosen)
        assert any(c.message_bits for c in chosen)


def test_drawn_patterns_are_of_every_kind() -> None:
    rng = np.random.default_rng(0)
    patterns = [draw_pattern(rng) for _ in range(50)]
    assert {p.groups for p in patterns} == {1, 2, 3}
    assert {p.stride for p in patterns} == {(a, b) for a in (1, 2) for b in (1, 2)}
