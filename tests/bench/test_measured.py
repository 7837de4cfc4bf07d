"""Chunks, figures and their marks."""

from __future__ import annotations

import pytest
from synthetic_benchmark import EMULATOR, LAVA, result

from neuroalign.bench.measured import Figure


def test_a_series_counts_every_chunk_by_its_own_steps() -> None:
    assert EMULATOR.per_step == pytest.approx((2e-6, 1e-6, 4e-6))
    assert (EMULATOR.median, EMULATOR.best) == pytest.approx((2e-6, 1e-6))
    assert EMULATOR.spread == pytest.approx((4 - 1) / 2)
    assert LAVA.best == pytest.approx(4e-4)


@pytest.mark.parametrize(("value", "verdict"), [(99.9, "missed"), (100, "must"), (249, "must"), (250, "stretch")])
def test_more_is_better_unless_it_is_at_most(value: float, verdict: str) -> None:
    assert Figure("ratio", value, "", 100, 250).verdict == verdict
    assert Figure("seconds", -value, "", -100, -250, at_most=True).verdict == verdict


def test_a_figure_without_a_mark_has_no_verdict() -> None:
    assert Figure("ratio", 5.0).verdict == ""
    assert Figure("ratio", 5.0, "", 2.0).verdict == "must"


def test_figures_are_found_by_name() -> None:
    assert result(128).figure("growth").value == 120.0
    with pytest.raises(KeyError):
        result(128).figure("shrinkage")
