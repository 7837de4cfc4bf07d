"""Lava in processes of its own, as it is installed, and in threads of one: the same states, and nothing is left."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import numpy as np
import pytest
from random_networks import Options, draw_fixed, draw_stimulus
from random_plastic import draw_plastic

from neuroalign.chip import first_difference
from neuroalign.sim.lava_processes.backend import STATES, LavaBackend, Run
from neuroalign.verify.case import Case
from neuroalign.verify.draw import draw_case
from neuroalign.verify.features import FEATURES as FEATURES_OF_VERIFY

pytestmark = [
    pytest.mark.lava,
    pytest.mark.skipif(LavaBackend().missing() is not None, reason=LavaBackend().missing() or ""),
]
AS_INSTALLED = """
import sys
from pathlib import Path
from neuroalign.sim.lava_processes import one_process, worker
one_process.install = lambda *_: None
worker.main(Path(sys.argv[1]))
"""


FEATURES = ("convolution", "sparse delayed synapses", "sparse plastic synapses", "third factors", "escape noise")


def cases() -> list[Run]:
    """Networks without learning (delays, cycles, graded inputs), one with, and one of each other kind of model."""
    rng, made = np.random.default_rng(11), []
    for graded in (False, True):
        options = Options(sizes=(4, 3), loops=True, self_recurrence=True, max_delay=5, graded=graded)
        network = draw_fixed(rng, options)
        probes = [(p.name, state) for p in network.populations for state in STATES]
        made.append((network, draw_stimulus(rng, network, samples=2, steps=20), probes, None))
    learns = draw_plastic(rng, 2, 40)
    others = [small_case(name) for name in FEATURES]
    return [*made, *((c.network, c.stimulus, c.probes, c.read_steps) for c in (learns, *others))]


def small_case(name: str) -> Case:
    """The first short case that has a feature of ``neuroalign verify``."""
    (feature,) = (f for f in FEATURES_OF_VERIFY if f.name == name)
    for number in count():
        without, having = (draw_case(3, number, [replace(feature, share=share)]) for share in (0.0, 1.0))
        if having.steps <= 60 and first_difference(without.network, having.network) is not None:
            return having
    raise AssertionError(name)


def test_states_are_those_of_lava_as_it_is_installed() -> None:
    ours, theirs = LavaBackend().run_cases(cases()), LavaBackend(worker=("-c", AS_INSTALLED)).run_cases(cases())
    assert any(r.states[p].any() for r in theirs for p in r.states)
    for mine, lavas in zip(ours, theirs, strict=True):
        assert mine.states.keys() == lavas.states.keys()
        for probe, states in lavas.states.items():
            np.testing.assert_array_equal(mine.states[probe], states, err_msg=str(probe))


def test_messages_arrive_in_order_and_as_they_were_when_sent() -> None:
    """Within a step a channel holds one message; values read from outside come as many."""
    from neuroalign.sim.lava_processes.one_process import QueueChannel

    channel = QueueChannel(None, "from", "to", (2,), np.int32, 2)
    sent, received = channel.src_port, channel.dst_port
    assert not received.probe()
    message = np.zeros(2)
    for value in (1.0, 2.0, 3.0):
        message[:] = value
        sent.send(message)
    assert received.probe()
    assert received.peek().tolist() == received.recv().tolist() == [1, 1]
    assert [received.recv().tolist() for _ in range(2)] == [[2, 2], [3, 3]]
    assert not received.probe()
    with pytest.raises(AssertionError, match="Mismatch"):
        sent.send(np.zeros(3))


def test_the_worker_starts_no_process_and_leaves_no_thread() -> None:
    code = """
import os, sys, threading
from pathlib import Path
from neuroalign.sim.lava_processes import worker
stop = worker.run_and_stop
def run(processes, steps):
    threads = threading.active_count()
    stop(processes, steps)
    assert threading.active_count() == threads, "threads were left"
def fork():
    raise AssertionError("a process was started")
worker.run_and_stop = run
os.fork = fork
worker.main(Path(sys.argv[1]))
"""
    LavaBackend(worker=("-c", code)).run_cases(cases()[:1])
