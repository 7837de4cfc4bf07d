"""The Deployment as strict JSON."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hand_made import deployment

from neuroalign.chip import Fixed, Float64
from neuroalign.deployment import SCHEMA, Deployment, plain, to_json


def refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is not JSON")


def read_back(made: Deployment) -> Any:
    return json.loads(json.dumps(to_json(made), allow_nan=False), parse_constant=refuse)


def test_json_is_strict_where_figures_are_not_finite() -> None:
    made = deployment()
    made = replace(made, runs=(replace(made.runs[0], seconds=float("nan")), made.runs[1]))
    found = read_back(made)
    assert found["schema"] == SCHEMA
    assert found["runs"][0]["seconds"] is None
    readout = found["network"]["populations"][1]
    assert readout["v_threshold"]["values"] == [None] * 5  # infinite: it never spikes


def test_every_field_of_the_deployment_is_there() -> None:
    made, found = deployment(), to_json(deployment())
    lying = {"placement", "events", "energy", "step_time"}  # for the one field "placed"
    assert set(found) == (set(made.__dataclass_fields__) - {"placed"}) | {"schema", "verdict"} | lying
    assert len(found["table"]) == len(made.table.rows)
    assert found["agreements"][0]["populations"][0]["spikes"]["bins"] == 24 * 40 * 30
    assert found["bit_equality"][0]["states"]["mismatches"] == 0
    assert found["runs"][1]["chip"] == "as the deployment's"
    assert found["runs"][0]["chip"]["profile_id"] == "ideal"
    assert found["verdict"]["facts"] == list(found["verdict"]["facts"])


def test_the_same_deployment_gives_the_same_json() -> None:
    assert json.dumps(to_json(deployment())) == json.dumps(to_json(deployment()))


def test_large_arrays_are_told_apart_by_their_hash() -> None:
    array = np.arange(1000.0)
    changed = array.copy()
    changed[500] += 1e-12
    assert plain(array) == plain(array.copy())
    assert plain(array)["sha256"] != plain(changed)["sha256"]
    assert plain(array)["sha256"] == plain(array.astype(">f8"))["sha256"]
    assert (plain(array)["min"], plain(array)["max"]) == (0.0, 999.0)


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (np.float64("inf"), None),
        (np.int8(3), 3),
        (np.bool_(True), True),
        ((1, "a", None), [1, "a", None]),
        ({("a", 1): np.array([1.0, np.nan])}, {"('a', 1)": {"shape": [2], "dtype": "float64", "values": [1.0, None]}}),
        (Float64(), {"format": "Float64"}),
        (Fixed(8), {"format": "Fixed", "bits": 8, "shift": 0, "rounding": "nearest", "on_excess": "saturate"}),
    ],
)
def test_plain_values(value: object, wanted: object) -> None:
    assert plain(value) == wanted


def test_empty_arrays_are_described() -> None:
    assert plain(np.zeros((0, 3)))["shape"] == [0, 3]
