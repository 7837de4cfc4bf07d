"""Alignment phases whose rule runs as a Program: near the float phase on the same activity, from phase to phase."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neuroalign.errors import InputError
from neuroalign.feedback.chip_phases import (
    MirrorChipPhase,
    RddChipPhase,
    SalChipPhase,
    StdwiChipPhase,
    chip_method_named,
)
from neuroalign.feedback.forms import FORMS, forms_table
from neuroalign.feedback.methods import methods
from neuroalign.feedback.phases import RddPhase, SalPhase, StdwiPhase
from neuroalign.fidelity.learning import angle_degrees, pearson
from neuroalign.rules.weight_mirror import weight_mirror

WEIGHT = np.random.default_rng(0).standard_normal((12, 20)) / 4


def after(phase: Any, phases: int = 2) -> np.ndarray:
    estimate = phase.start(WEIGHT.T.shape, np.random.default_rng(1))
    rng = np.random.default_rng(2)
    for number in range(phases):
        estimate = phase(estimate, WEIGHT, number, rng)
    return np.asarray(phase.used(estimate))


def angle(found: np.ndarray) -> float:
    degrees = angle_degrees(WEIGHT.T, found)
    return 90.0 if degrees is None else degrees


def test_stdwi_on_chip_learns_what_the_float_rule_learns_from_the_same_spikes() -> None:
    chip, real = after(StdwiChipPhase(20.0, 5.0), 1), after(StdwiPhase(20.0, 5.0), 1)
    assert (pearson(real, chip) or 0) > 0.97


@pytest.mark.parametrize(
    ("chip", "real"),
    [
        (StdwiChipPhase(20.0, 5.0), StdwiPhase(20.0, 5.0)),
        (RddChipPhase(40.0, 10.0), RddPhase(40.0, 10.0)),
        (SalChipPhase(60_000, 20_000), SalPhase(60_000, 20_000)),
    ],
)
def test_chip_phases_align_as_well_as_float_ones(chip: Any, real: Any) -> None:
    assert angle(after(chip)) < angle(after(real)) + 5 < 70


def test_the_mirror_in_spikes_aligns() -> None:
    assert angle(after(MirrorChipPhase(40.0, 5.0))) < 45


def test_a_phase_goes_on_from_the_weights_of_the_one_before() -> None:
    phase = StdwiChipPhase(20.0, 0.05)
    first, second = after(phase, 1), after(phase, 2)
    assert (pearson(first, second) or 0) > 0.99


def test_the_spiking_mirror_is_a_covariance_of_four_products() -> None:
    rule = weight_mirror(learning_rate=0.5, decay=0.0)
    values = {"fast_pre": 3.0, "slow_pre": 1.0, "fast": 5.0, "slow": 1.5, "w": 7.0}
    total = sum(term.coefficient * np.prod([values[f] for f in term.factors]) for term in rule.weight)
    assert total == pytest.approx(0.5 * (3.0 - 1.0) * (5.0 - 1.5))


def test_methods_without_a_phase_on_chip_are_refused() -> None:
    with pytest.raises(InputError, match="no phase on chip"):
        chip_method_named("bp")


def test_every_method_has_a_row_of_forms_and_every_row_a_reason() -> None:
    assert [form.name for form in FORMS] == list(methods())
    assert all(form.chip for form in FORMS)
    assert forms_table().count("\n") == len(FORMS) + 1
