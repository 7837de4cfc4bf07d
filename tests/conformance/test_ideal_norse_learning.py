"""Learning on the ideal profile against learning on Norse's neurons: the same order, times and rule, in double precision.

The emulator runs what ``compile_network`` made for the ideal profile, in chip times; Norse runs the model. Weights are
compared after every step, in the model's unit, after subtracting the latency that the ChipNetwork declares.
"""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from plastic_models import deep_target, driving, estimating, spike_input

from neuroalign.chip import ChipNetwork
from neuroalign.compile import compile_network, float_model
from neuroalign.learners import in_model_units
from neuroalign.network import Network
from neuroalign.profile import load_profile
from neuroalign.quantise.graded import chip_stimulus
from neuroalign.recording import Probe, Stimulus
from neuroalign.rule import LearningRule
from neuroalign.rules import pair_stdp, stdwi
from neuroalign.sim.emulator.driver import Emulator, Implementation
from neuroalign.sim.norse_reference.backend import NorseReference

pytestmark = pytest.mark.norse
pytest.importorskip("torch")
pytest.importorskip("norse")

STEPS = 1000
TOLERANCE = 1e-9
IMPLEMENTATIONS: tuple[Implementation, ...] = ("reference", "kernels")
RULES = (stdwi(learning_rate=0.02, decay=0.1), pair_stdp(0.05, 0.03))
"""Rates at which the weights of these small networks change by much in a second."""


def rule_name(rule: LearningRule) -> str:
    return rule.name


@pytest.mark.parametrize("filtered", [False, True], ids=["plain", "filtered"])
@pytest.mark.parametrize("drives", [True, False], ids=["drives", "estimates"])
@pytest.mark.parametrize("recurrent", [False, True], ids=["feed-forward", "self-recurrent"])
@pytest.mark.parametrize("rule", RULES, ids=rule_name)
def test_weights_and_spikes_are_the_models(rule: LearningRule, recurrent: bool, drives: bool, filtered: bool) -> None:
    for seed in range(2):
        network = driving(rule, seed, recurrent=recurrent, drives=drives, filtered=filtered)
        chip, weights = compare(network, spike_input(network, seed, STEPS))
        assert moved(weights) > 0.05
        plastic = {c.name: c for c in chip.connections}["learns"]
        assert plastic.drives == drives
        assert chip.population(plastic.source).latency_steps == chip.population(plastic.target).latency_steps


@pytest.mark.parametrize("rule", RULES, ids=rule_name)
def test_an_input_waits_for_the_deeper_path_to_its_plastic_target(rule: LearningRule) -> None:
    network = deep_target(rule, 3)
    chip, weights = compare(network, spike_input(network, 3, STEPS))
    assert moved(weights) > 0.05
    latency = {port.name: port.latency_steps for port in chip.inputs}
    assert latency == {"x": 0, "z": chip.population("p2").latency_steps}
    assert latency["z"] == 3


@pytest.mark.parametrize("rule", RULES, ids=rule_name)
def test_learning_phases_are_the_models(rule: LearningRule) -> None:
    weight = np.random.default_rng(4).uniform(-0.3, 0.3, (3, 2))
    network = estimating(rule, weight, learning=((100, 250), (600, 800)))
    _, weights = compare(network, spike_input(network, 4, STEPS))
    changed = (np.diff(weights, axis=0) != 0).any(axis=(1, 2))
    steps = np.flatnonzero(changed) + 2  # from 1, and the first difference is what step 2 did
    inside = ((steps >= 100) & (steps < 250)) | ((steps >= 600) & (steps < 800))
    assert steps.size > 50
    assert inside.all()
    np.testing.assert_array_equal(weights[0], weight)


@pytest.mark.parametrize("rule", RULES, ids=rule_name)
def test_the_float_model_learns_as_norse_in_model_time(rule: LearningRule) -> None:
    for network in (driving(rule, 5, recurrent=True), deep_target(rule, 5)):
        chip = float_model(network, load_profile("ideal"))
        assert chip.connection_delay_steps == chip.latency_steps == 0
        compare(network, spike_input(network, 5, STEPS), chip)


def ideal(network: Network) -> ChipNetwork:
    chip, _ = compile_network(network, load_profile("ideal"))
    assert chip.connection_delay_steps == 1
    return chip


def compare(
    network: Network, stimulus: Stimulus, chip: ChipNetwork | None = None
) -> tuple[ChipNetwork, NDArray[np.float64]]:
    """Assert that weights and spikes agree; return the chip and Norse's weights (steps, N_target, N_source)."""
    chip = chip or ideal(network)
    plastic = next(c for c in network.connections if c.rule is not None)
    lag = chip.population(plastic.target).latency_steps
    spiking = [(p.name, "s") for p in network.populations]
    probes: list[Probe] = [*spiking, (plastic.name, "w")]
    steps = np.arange(1, STEPS + 1)
    model = NorseReference().run_model(network, stimulus, probes, read_steps=list(steps))
    reads = [int(step) + lag for step in steps]
    wanted = model.states[plastic.name, "w"]
    for implementation in IMPLEMENTATIONS:
        emulated = Emulator().run(
            chip, chip_stimulus(stimulus, chip), probes, read_steps=reads, implementation=implementation
        )
        for name, _ in spiking:
            np.testing.assert_array_equal(emulated.aligned(name, "s", STEPS), model.states[name, "s"])
            assert model.states[name, "s"].sum() >= 20
        found = in_model_units(chip, emulated, plastic.name)
        assert found.shape == wanted.shape == (stimulus.samples, STEPS, *plastic.weight.shape)
        np.testing.assert_allclose(found, wanted, rtol=TOLERANCE, atol=0)
    return chip, wanted[0]


def moved(weights: NDArray[np.float64]) -> float:
    """By how much the weights changed on the way, relative to what they were."""
    return float(np.ptp(weights, axis=0).mean() / np.abs(weights[0]).mean())
