"""Our recording models against Lava's unmodified ones."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from random_networks import Options, draw_fixed, draw_stimulus
from random_neurons import changed
from small_chips import chip, neurons, wire

from neuroalign.recording import Stimulus
from neuroalign.sim.lava_processes.backend import STATES, LavaBackend
from neuroalign.sim.lava_processes.job import Case, write_job
from neuroalign.sim.lava_processes.process_group import run_in_own_session

pytestmark = [
    pytest.mark.lava,
    pytest.mark.skipif(LavaBackend().missing() is not None, reason=LavaBackend().missing() or ""),
]
HERE = Path(__file__).resolve().parent


def some_case(seed: int, options: Options) -> Case:
    rng = np.random.default_rng(seed)
    network = draw_fixed(rng, options)
    stimulus = draw_stimulus(rng, network, samples=2, steps=12)
    return Case(network, stimulus, tuple((p.name, state) for p in network.populations for state in STATES))


def spikes_under_way(delays: NDArray[np.int64] | None) -> Case:
    """Spikes in the last steps of a sample, which must not arrive in the next one."""
    network = chip([neurons("p0", 1, du=1000, dv=100)], [wire("in", "p0", [[20, 30]], delays=delays)], channels=2)
    spikes = np.zeros((2, 6, 2))
    spikes[0, 2:] = 1
    return Case(network, Stimulus({"in": spikes}), (("p0", "u"), ("p0", "v"), ("p0", "a")))


def other_neurons() -> Case:
    """Lava's TernaryLIF and LIFReset, and our ExtendedLIF, whose model Lava finds by searching its folder."""
    case = some_case(4, Options(sizes=(2, 2, 3), max_delay=0, self_recurrence=False))
    rng = np.random.default_rng(0)
    kinds = (("ternary",), ("reset",), ("reset", "refractory", "escape", "ternary"))
    populations = [changed(rng, p, kind) for p, kind in zip(case.network.populations, kinds, strict=True)]
    populations[0] = replace(populations[0], threshold=np.full(2, 40), threshold_low=np.full(2, -30))
    from neuroalign.sim.lava_processes.neurons import neuron_process  # imports Lava

    found = [type(neuron_process(p)).__name__ for p in populations]
    assert found == ["TernaryLIF", "LIFReset", "ExtendedLIF"]
    return replace(case, network=replace(case.network, populations=tuple(populations)))


def test_recorded_states_equal_those_of_unmodified_models(tmp_path: Path) -> None:
    """Also tests samples run back to back: the unmodified models are built anew for each sample."""
    cases = [
        some_case(1, Options(sizes=(3, 2), max_delay=0)),
        some_case(2, Options(sizes=(2, 3), max_delay=4, exponents=(-4, -1))),
        some_case(3, Options(sizes=(3,), graded=True, extreme=True)),
        other_neurons(),
        spikes_under_way(None),
        spikes_under_way(np.array([[3, 0]])),
    ]
    write_job(tmp_path, cases)
    environment = {**os.environ, "PYTHONPATH": str(HERE.parents[2])}
    code = run_in_own_session(
        [sys.executable, str(HERE / "unmodified.py"), str(tmp_path)], tmp_path, 120.0, environment
    )
    assert code == 0, (tmp_path / "stderr.txt").read_text(errors="replace")[-2000:]
    recorded = LavaBackend().run_cases([(c.network, c.stimulus, c.probes) for c in cases])
    for index, (case, recording) in enumerate(zip(cases, recorded, strict=True)):
        for k, probe in enumerate(case.probes):
            np.testing.assert_array_equal(
                recording.states[probe], np.load(tmp_path / f"unmodified_{index}_{k}.npy"), err_msg=f"{index} {probe}"
            )
    for recording, case in zip(recorded[:4], cases, strict=False):
        for state in STATES:
            assert any(np.ptp(recording.states[p.name, state].astype(int)) for p in case.network.populations), state
