"""RDD on chip: neurons, third factors, tags and weights of the emulator's three stages are those of Lava, all at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from neuroalign.experiments.rdd import uniform_weights
from neuroalign.experiments.rdd_activity import RddProtocol, source_stretches
from neuroalign.experiments.rdd_chip import (
    FEEDBACK,
    PRE,
    TRACES,
    ChipChoices,
    chip_layers,
    drive_chip,
    feedback_network,
)
from neuroalign.reproduce.rdd_tasks import on_chip
from neuroalign.sim.emulator import Emulator
from neuroalign.sim.emulator.window_neurons import WindowRun

pytestmark = pytest.mark.lava

SECONDS, SEED, READS = 2.4, 4, (1, 700, 1500, 2378, 2400)
DRIVEN, ABOVE = 12, 5


def emulated(protocol: RddProtocol, choices: ChipChoices, implementation: Any) -> dict[str, NDArray[Any]]:
    weight = uniform_weights(DRIVEN, ABOVE, SEED)
    sent = list(drive_chip(weight, SECONDS, SEED, lambda n: WindowRun(n, implementation), protocol))
    whole = {name: np.concatenate([part[name] for part in sent]) for name in sent[0]}
    session = Emulator().start(feedback_network(DRIVEN, ABOVE, choices), [])
    found: dict[str, Any] = {state: [] for state in ("w", "t", "x1", "x2")}
    done = 0
    for step in READS:
        session.advance({name: values[done:step] for name, values in whole.items()})
        done = step
        for state, values in found.items():
            values.append(session.read(FEEDBACK, state))
    return {name: np.array(values) for name, values in (whole | found).items()}


def test_neurons_third_factors_and_learning_equal_lava() -> None:
    pytest.importorskip("lava")
    from neuroalign.sim.lava_processes.window_circuit import WindowCircuit, run_circuit

    protocol, choices = RddProtocol(spread=1.5, active_share=0.5), ChipChoices(weight_exponent=-4)
    layers = chip_layers(uniform_weights(DRIVEN, ABOVE, SEED), protocol)
    circuit = WindowCircuit(
        layers.driven, layers.above, (layers.source_weight, layers.source_exponent),
        (layers.weight, layers.weight_exponent), feedback_network(DRIVEN, ABOVE, choices), TRACES,
    )  # fmt: skip
    sources = np.concatenate(list(source_stretches(protocol, DRIVEN, SECONDS, SEED)))
    lava = run_circuit(circuit, sources, READS)
    for implementation in ("kernels", "reference"):
        ours = emulated(protocol, choices, implementation)
        for name, values in ours.items():
            assert np.array_equal(lava["next" if name == PRE else name], values), (implementation, name)
    assert {-120, 4} <= set(np.unique(lava["inside"]))
    assert (lava["outcome"] > 0).any()
    assert (lava["outcome"] < 0).any()
    assert np.count_nonzero(lava["w"][-1]) > DRIVEN * ABOVE / 2
    assert np.count_nonzero(lava["t"][-1]) > 0


def test_an_experiment_runs_in_lava_as_on_the_emulator() -> None:
    """With the window in two traces, by way of the experiment's own tasks."""
    pytest.importorskip("lava")
    found = [
        on_chip(1, 0.8, backend=backend, driven=40, above=6, weight_exponent=-5, synapse="traces", report=[0.35, 0.8])
        for backend in ("emulator", "lava")
    ]
    assert found[0] == found[1]
    assert found[0]["figures"]["angle, 0.8 s"] < 90
