"""What Lava's neurons and ours do not hold is refused in one line, before Lava is imported."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from small_chips import chip, neurons

from neuroalign.chip import EscapeNoise
from neuroalign.errors import ConversionRefused
from neuroalign.sim.lava_processes.holdable import check_network

NOISE = EscapeNoise("logistic", np.ones(2), np.array([0, 65536]))
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"threshold_low": np.array([0, 2**25]), "threshold": 2**25 - 1}, "threshold_low 33554432"),
    ({"threshold_low": np.array([0, 0]), "threshold": 2**25}, "threshold 33554432"),
    ({"threshold_low": np.array([0, 6]), "threshold": 5}, r"threshold_low\[1\] 6"),
    ({"threshold_low": np.array([0])}, r"threshold_low of shape \(1,\)"),
    ({"threshold_low": np.array([0.0, 1.0])}, "threshold_low of type float64"),
    ({"reset_interval": -1}, "reset_interval -1"),
    ({"refractory_steps": -1}, "refractory_steps -1"),
    ({"window_steps": 4, "reset_interval": 3}, "a window and a reset_interval of 3"),
    ({"reset": "subtract", "threshold_low": np.array([0, 0])}, "reset subtract"),
    ({"escape": replace(NOISE, table=np.array([0, 1, 2]))}, "length 3"),
    ({"escape": replace(NOISE, table=np.array([0, 65537]))}, "escape table 65537"),
    ({"escape": replace(NOISE, table_shift=64)}, "table_shift 64"),
    ({"escape": replace(NOISE, seed=-3)}, "escape seed -3"),
]


@pytest.mark.parametrize(("fields", "said"), REFUSED, ids=[said for _, said in REFUSED])
def test_refusals(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(ConversionRefused, match=said) as refusal:
        check_network(chip([neurons("n", 2, **fields)], []))
    assert "\n" not in str(refusal.value)
    assert "'n'" in str(refusal.value)


def test_everything_at_once_is_held() -> None:
    low = np.array([-5, -7])
    every = neurons("n", 2, threshold_low=low, reset_interval=5, refractory_steps=2, escape=NOISE)
    check_network(chip([every], []))
    check_network(chip([neurons("n", 2, threshold_low=low, window_steps=3, escape=NOISE)], []))
