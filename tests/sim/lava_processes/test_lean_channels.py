"""Lava's own channels and ours between the same processes: the same states, and no thread that listens."""

from __future__ import annotations

import numpy as np
import pytest
from random_networks import Options, draw_fixed, draw_stimulus
from random_plastic import draw_plastic

from neuroalign.sim.lava_processes.backend import STATES, LavaBackend, Run

pytestmark = [
    pytest.mark.lava,
    pytest.mark.skipif(LavaBackend().missing() is not None, reason=LavaBackend().missing() or ""),
]
AS_INSTALLED = """
import sys
from pathlib import Path
from neuroalign.sim.lava_processes import lean_channels, worker
lean_channels.install = lambda: None
worker.main(Path(sys.argv[1]))
"""


def cases() -> list[Run]:
    """Networks without learning (delays, cycles, graded inputs) and one with."""
    rng, made = np.random.default_rng(11), []
    for graded in (False, True):
        options = Options(sizes=(4, 3), loops=True, self_recurrence=True, max_delay=5, graded=graded)
        network = draw_fixed(rng, options)
        probes = [(p.name, state) for p in network.populations for state in STATES]
        made.append((network, draw_stimulus(rng, network, samples=2, steps=20), probes, None))
    learns = draw_plastic(rng, 2, 40)
    return [*made, (learns.network, learns.stimulus, learns.probes, learns.read_steps)]


def test_states_are_those_of_lavas_own_channels() -> None:
    ours, theirs = LavaBackend().run_cases(cases()), LavaBackend(worker=("-c", AS_INSTALLED)).run_cases(cases())
    assert any(r.states[p].any() for r in theirs for p in r.states)
    for mine, lavas in zip(ours, theirs, strict=True):
        assert mine.states.keys() == lavas.states.keys()
        for probe, states in lavas.states.items():
            np.testing.assert_array_equal(mine.states[probe], states, err_msg=str(probe))


def test_the_worker_uses_them_and_no_end_has_a_thread() -> None:
    code = """
import sys, threading
from pathlib import Path
from neuroalign.sim.lava_processes import worker
from lava.magma.compiler.channels import pypychannel
stop = worker.run_and_stop
def run(processes, steps):
    threads = threading.active_count()
    stop(processes, steps)
    assert threading.active_count() == threads, "threads were left or listen"
    assert pypychannel.CspSendPort.send.__module__.endswith("lean_channels")
worker.run_and_stop = run
worker.main(Path(sys.argv[1]))
"""
    LavaBackend(worker=("-c", code)).run_cases(cases()[:1])
