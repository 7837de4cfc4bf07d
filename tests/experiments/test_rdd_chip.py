"""RDD's Loihi 2 form: what its integers stand for, and how near it comes to the float correlator."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from neuroalign.experiments.rdd import RddVariant, run_rdd, uniform_weights
from neuroalign.experiments.rdd_activity import RddProtocol
from neuroalign.experiments.rdd_chip import (
    CLEAR,
    FEEDBACK,
    INSIDE,
    OUTCOME,
    PRE,
    ChipChoices,
    RddOnChip,
    chip_layers,
    drive_chip,
    feedback_network,
    held,
)
from neuroalign.fidelity.learning import pearson, sign_agreement
from neuroalign.sim.emulator import Emulator
from neuroalign.sim.emulator.window_neurons import WindowRun


def start(network: Any) -> Any:
    return Emulator().start(network, [])


def test_weights_are_held_as_even_integers_of_eight_bits() -> None:
    weight = np.random.default_rng(0).standard_normal((30, 40)) * 700
    integers, exponent = held(weight)
    assert np.abs(integers).max() <= 254
    assert not (integers % 2).any()
    assert np.abs(integers * 2.0**exponent - weight).max() <= 2.0**exponent
    layers = chip_layers(weight, RddProtocol())
    # a source spike brings 4 x 0.6 / 7 of the threshold to both currents, within the grain of 8 bits
    brought = (layers.source_weight << layers.source_exponent << 6) / layers.driven.threshold
    assert brought == pytest.approx(4 * 0.6 / 7, rel=1 / 128)


def test_the_tag_holds_the_change_and_the_weight_the_correlator() -> None:
    """Synapses against sums in exact arithmetic over what was sent; traces and rounding take their share of noise."""
    driven, above = 10, 6
    weight = uniform_weights(driven, above, 3)
    protocol = RddProtocol(spread=1.5, active_share=0.5)
    sent = list(drive_chip(weight, 20.0, 3, WindowRun, protocol))
    whole = {name: np.concatenate([part[name] for part in sent]) for name in sent[0]}
    session = start(feedback_network(driven, above, ChipChoices(weight_exponent=-6)))
    session.advance(whole)
    found = session.read(FEEDBACK, "w").astype(float)

    spikes = whole[PRE].astype(float)
    q, x1, x2 = np.zeros_like(spikes), np.zeros(above), np.zeros(above)
    for t, row in enumerate(spikes):
        x1, x2 = x1 * np.exp(-1 / 10) + 32 * row, x2 * np.exp(-1 / 3) + 32 * row
        q[t] = np.minimum(x1, 127) - np.minimum(x2, 127)
    wanted = np.zeros((driven, above))
    for i in range(driven):
        tag = np.zeros(above)
        for t in range(len(q)):
            wanted[i] += whole[OUTCOME][t, i] * tag * 2.0**-6 / 32  # the engine divides y3 t by 32
            tag = tag + whole[INSIDE][t, i] / 4 * q[t] * 2.0**-3
            if whole[CLEAR][t, i]:
                tag = whole[INSIDE][t, i] / 4 * q[t] * 2.0**-3
    assert np.abs(wanted).max() < 250
    assert (pearson(wanted, found) or 0) > 0.97
    assert np.polyfit(wanted.ravel(), found.ravel(), 1)[0] == pytest.approx(1, abs=0.1)


def test_eight_bits_and_a_shared_draw_come_near_the_float_correlator() -> None:
    weight = uniform_weights(192, 10, 1)
    wanted = run_rdd(weight, [30.0], 1, RddVariant("correlator"))
    chip = RddOnChip(np.ones((192, 10)), WindowRun, start, choices=ChipChoices(weight_exponent=-4))
    chip.learn(weight, 30.0, 1)
    beta: NDArray[np.float64] = chip.beta.T.astype(float)
    assert (pearson(weight, beta) or 0) >= (pearson(weight, wanted.estimates[0]) or 0) - 0.02
    assert sign_agreement(weight, beta) >= 0.78
    assert chip.clipped < 0.005


def test_two_traces_do_as_well_as_the_tag() -> None:
    weight = uniform_weights(192, 10, 1)
    wanted = run_rdd(weight, [30.0], 1, RddVariant("correlator"))
    chip = RddOnChip(np.ones((192, 10)), WindowRun, start, choices=ChipChoices("traces", weight_exponent=-6))
    chip.learn(weight, 30.0, 1)
    assert (pearson(weight, chip.beta.T.astype(float)) or 0) >= (pearson(weight, wanted.estimates[0]) or 0)


def test_phases_go_on_from_what_was_learnt() -> None:
    initial = np.random.default_rng(1).standard_normal((12, 5))
    weight = uniform_weights(12, 5, 2)
    protocol = RddProtocol(spread=1.5, active_share=0.5)
    chip = RddOnChip(initial, WindowRun, start, protocol, ChipChoices(weight_exponent=-4))
    assert np.array_equal(chip.weight, initial)
    chip.learn(weight, 5.0, 1)
    first = chip.beta.copy()
    after = chip.learn(weight, 5.0, 2)
    assert first.any()
    assert (chip.beta != first).any()
    known = chip.beta != 0
    assert np.corrcoef(after[known], chip.beta[known])[0, 1] == pytest.approx(1)
