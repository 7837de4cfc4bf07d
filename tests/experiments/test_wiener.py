"""The Wiener experiment: closed forms of the process, and what the estimators find in a short run."""

from __future__ import annotations

import numpy as np
import pytest

from neuroalign.errors import InputError
from neuroalign.experiments.wiener import METHODS, run_wiener
from neuroalign.fidelity.learning import pearson


def test_the_process_fires_at_its_drift() -> None:
    """The mean rate of a drifting Wiener process with unit steps back is its drift plus what the synapse adds."""
    result = run_wiener(20.0, 1, [20.0], neurons=101)
    assert abs(result.output_rate - 10.0) < 5 * np.sqrt(0.5 / 20.0 / 101)


def test_every_method_finds_the_weights_and_bayes_leads_early() -> None:
    result = run_wiener(30.0, 2, [30.0], neurons=201)
    r = {method: pearson(result.weight, e[0]) for method, e in zip(METHODS, result.estimates, strict=True)}
    assert all(value is not None and value > 0.85 for value in r.values()), r
    assert (r["Bayes"] or 0) > max(r[m] or 0 for m in METHODS[:2])


def test_bayes_estimates_are_in_units_of_the_weight() -> None:
    result = run_wiener(30.0, 3, [30.0], neurons=201)
    slope = np.polyfit(result.weight, result.estimates[2, 0], 1)[0]
    assert 0.7 < slope < 1.1


def test_chunks_do_not_show() -> None:
    """Reads in one run are those of runs that end there: what follows changes nothing before."""
    long = run_wiener(6.0, 4, [4.0, 6.0], neurons=11)
    assert (long.estimates[:, 0] != long.estimates[:, 1]).any()
    assert (run_wiener(6.0, 4, [4.0], neurons=11).estimates[:, 0] == long.estimates[:, 0]).all()


@pytest.mark.parametrize("times", [[], [2.0, 1.0], [0.0], [3.0]])
def test_read_times_are_checked(times: list[float]) -> None:
    with pytest.raises(InputError, match="read times"):
        run_wiener(2.0, 1, times, neurons=3)
