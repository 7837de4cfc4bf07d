"""The emulator against Lava itself: every state of every neuron at every step, on random static networks.

The oracle is Lava 0.10 with its own bit-accurate models. A difference names the case; ``cases(COUNT)[case]`` rebuilds it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from random_networks import Options, draw_fixed, draw_stimulus

from neuroalign.chip import ChipNetwork
from neuroalign.recording import Probe, Recording, Stimulus
from neuroalign.sim.emulator.driver import Emulator, Implementation
from neuroalign.sim.lava_processes.backend import STATES, LavaBackend

pytestmark = [
    pytest.mark.lava,
    pytest.mark.slow,
    pytest.mark.skipif(LavaBackend().missing() is not None, reason=LavaBackend().missing() or ""),
]

COUNT = 210


@dataclass(frozen=True)
class Case:
    """A network with its stimulus, and the options it was drawn with."""

    options: Options
    network: ChipNetwork
    stimulus: Stimulus

    @property
    def probes(self) -> tuple[Probe, ...]:
        return tuple((p.name, state) for p in self.network.populations for state in STATES)


@st.composite
def a_case(draw: st.DrawFn) -> Case:
    """A network of one to four populations with whatever a static network can have."""
    lowest = draw(st.integers(-6, 2))
    options = Options(
        sizes=draw(st.sampled_from(((4,), (5, 3), (2, 6), (1, 4, 2), (3, 5, 4), (2, 3, 3, 2)))),
        channels=draw(st.integers(3, 8)),
        skips=draw(st.booleans()),
        loops=draw(st.booleans()),
        self_recurrence=draw(st.booleans()),
        max_delay=draw(st.sampled_from((0, 1, 2, 3, 5, 9, 63))),
        exponents=(lowest, lowest + draw(st.integers(0, 6))),
        graded=draw(st.booleans()),
        extreme=draw(st.integers(0, 3)) == 3,
        silent=draw(st.integers(0, 3)) == 3,
    )
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    network = draw_fixed(rng, options)
    return Case(options, network, draw_stimulus(rng, network, samples=draw(st.integers(1, 2)), steps=50))


@cache
def cases(count: int) -> tuple[Case, ...]:
    """The same ``count`` cases at every call, drawn by Hypothesis; run together since Lava starts slowly."""
    drawn: list[Case] = []

    @settings(
        max_examples=count,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(a_case())
    def collect(case: Case) -> None:
        drawn.append(case)

    collect()
    return tuple(drawn)


@cache
def lava(count: int) -> tuple[Recording, ...]:
    """Lava's recordings of :func:`cases`."""
    return tuple(LavaBackend().run_cases([(case.network, case.stimulus, case.probes) for case in cases(count)]))


def first_difference(case: int, probe: Probe, ours: NDArray[Any], theirs: NDArray[Any]) -> str:
    """The earliest difference of a state, in words."""
    sample, step, neuron = min(np.argwhere(ours != theirs).tolist(), key=lambda at: at[1])
    values = f"emulator {ours[sample, step, neuron]}, Lava {theirs[sample, step, neuron]}"
    return f"case {case}: {probe[1]} of {probe[0]}[{neuron}], sample {sample}, step {step}: {values}"


def changing(states: NDArray[Any]) -> int:
    """How many values belong to neurons whose state is not the same at all steps of the sample."""
    series = (states != states[:, :1]).any(axis=1)
    steps: int = states.shape[1]
    return int(np.count_nonzero(series)) * steps


@pytest.mark.parametrize("implementation", ["kernels", "reference"])
def test_every_state_of_every_step_equals_lava(
    implementation: Implementation, capsys: pytest.CaptureFixture[str]
) -> None:
    differences: list[str] = []
    compared = counted = mismatches = 0
    for k, (case, theirs) in enumerate(zip(cases(COUNT), lava(COUNT), strict=True)):
        ours = Emulator().run(case.network, case.stimulus, case.probes, implementation=implementation)
        for probe in case.probes:
            a, b = ours.states[probe], theirs.states[probe]
            assert a.shape == b.shape
            compared, counted = compared + b.size, counted + changing(b)
            if not np.array_equal(a, b):
                mismatches += int((a != b).sum())
                differences.append(first_difference(k, probe, a, b))
    with capsys.disabled():
        print(
            f"\nemulator ({implementation}) vs Lava: {COUNT} networks, {mismatches} mismatches in {counted} values "
            f"of changing states ({compared} with constant ones)"
        )
    assert not differences, "\n".join([f"{mismatches} values in {len(differences)} states", *differences[:10]])
    assert counted > compared // 2


def test_the_cases_are_lively_and_reach_every_corner() -> None:
    spiking = sum(any(r.states[p, "s"].any() for p, s in r.states if s == "s") for r in lava(COUNT))
    assert len(cases(COUNT)) == COUNT >= 200
    assert spiking >= 0.9 * COUNT, f"only {spiking} of {COUNT} cases spike"
    seen: Counter[str] = Counter()
    for case in cases(COUNT):
        seen.update(corners(case.network))
        counts = Emulator().run(case.network, case.stimulus, ()).counts
        seen.update({name.partition(".")[2] for name, value in counts.items() if value})
    rare = {corner: seen[corner] for corner in CORNERS if seen[corner] < 5}
    assert not rare, f"in fewer than 5 cases: {rare}"


CORNERS = (
    *("mixed", "excitatory", "inhibitory", "negative exponent", "positive exponent", "delays", "graded"),
    *("self-recurrence", "loop", "skip", "fan-in", "bias", "initial state", "u_wrapped", "v_saturated"),
)


def corners(network: ChipNetwork) -> set[str]:
    """Which of :data:`CORNERS` a network has."""
    index = {p.name: k for k, p in enumerate(network.populations)}
    edges = [(index.get(c.source, -1), index[c.target]) for c in network.connections]
    found = {str(c.sign_mode) for c in network.connections}
    found |= {
        name
        for name, present in {
            "negative exponent": any(c.weight_exp < 0 for c in network.connections),
            "positive exponent": any(c.weight_exp > 0 for c in network.connections),
            "delays": any(c.max_delay > 0 for c in network.connections),
            "graded": any(c.message_bits for c in network.connections),
            "self-recurrence": any(a == b for a, b in edges),
            "loop": any(a > b for a, b in edges),
            "skip": any(b > a + 1 for a, b in edges),
            "fan-in": len({b for _, b in edges}) < len(edges),
            "bias": any(p.bias_mant.any() for p in network.populations),
            "initial state": any(p.u0.any() or p.v0.any() for p in network.populations),
        }.items()
        if present
    }
    return found
