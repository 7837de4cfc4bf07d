"""The local spike-train rule in Lava: everything the loop sent, shown to Lava's processes, gives every state of the emulator.

What is sent depends on spikes only, so a backend with the same spikes and states closes the same loop.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from neuroalign.chip import ChipNetwork
from neuroalign.experiments.spike_train_chip import HIDDEN, INPUT, OUTPUT
from neuroalign.experiments.spike_train_hidden import run_hidden
from neuroalign.experiments.spike_train_local import LocalProtocol, LocalResult, run_local
from neuroalign.learners import chip_weights
from neuroalign.profile import load_profile
from neuroalign.recording import Probe, Stimulus
from neuroalign.sim.emulator import Emulator
from neuroalign.sim.lava_processes.backend import LavaBackend

pytestmark = [
    pytest.mark.lava,
    pytest.mark.slow,
    pytest.mark.skipif(LavaBackend().missing() is not None, reason=LavaBackend().missing() or ""),
]
SHORT = LocalProtocol(inputs=30, mean=20.0, spread=60.0, pattern=180, pause=30, shows=10)
STEPS = 2100


def run(hidden: bool) -> tuple[ChipNetwork, LocalResult]:
    """The loop on the emulator, and the network that it began with."""
    made: list[ChipNetwork] = []

    def start(network: ChipNetwork, probes: Sequence[tuple[str, str]]) -> Any:
        made.append(network)
        return Emulator().start(network, list(probes))

    if hidden:
        weights = chip_weights(Emulator(), load_profile("ideal"))
        result = run_hidden(start, weights, 3, "chip", "transpose", protocol=SHORT, record=True).learnt
    else:
        result = run_local(start, 3, "chip", protocol=SHORT, outputs=2, record=True)
    return made[-1], result


@pytest.mark.parametrize("hidden", [False, True])
def test_lava_and_the_emulator_are_bit_equal(hidden: bool) -> None:
    network, result = run(hidden)
    stimulus = Stimulus({name: values[None] for name, values in result.sent.items()})
    assert stimulus.steps == STEPS
    plastic, target = (f"{INPUT} to {HIDDEN}", HIDDEN) if hidden else (f"{INPUT} to {OUTPUT}", OUTPUT)
    probes: list[Probe] = [(plastic, state) for state in ("w", "t", "x1", "x2")]
    probes += [(target, state) for state in ("u", "v", "s")] + [(OUTPUT, "s")]
    reads = tuple(range(20, STEPS + 1, 20))
    lava, emulator = (
        backend.run(network, stimulus, probes, read_steps=reads) for backend in (LavaBackend(), Emulator())
    )
    for probe in probes:
        np.testing.assert_array_equal(lava.states[probe], emulator.states[probe], err_msg=str(probe))
    np.testing.assert_array_equal(lava.states[plastic, "w"][0, -1], result.weights[plastic])
    assert (lava.states[plastic, "w"][0, 0] != lava.states[plastic, "w"][0, -1]).mean() > 0.2
    assert np.abs(lava.states[plastic, "t"]).max() > 0
    assert lava.states[OUTPUT, "s"].any()
