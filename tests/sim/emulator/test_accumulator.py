"""One loop in 16 bits for a whole row against the definition, for every weight, tag and delay."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import pytest
from numpy.typing import NDArray

from neuroalign.sim.emulator.accumulator import finish_shared, may_rest
from neuroalign.sim.emulator.plastic_tables import VARIABLE
from neuroalign.sim.emulator.products import ACCUMULATOR_MAX, ACCUMULATOR_MIN

INT32_MIN = np.iinfo(np.int32).min
CHANGES = (*range(-40000, 40001, 397), *range(-300, 301, 7), ACCUMULATOR_MIN, ACCUMULATOR_MAX, 2**30, -(2**30))
OFFSETS = (0, 1, 63, 64, 126, 127)
# sign, lowest and highest value, restless value of weights, delays and tags
RANGES = {
    "mixed": (0, -256, 255, INT32_MIN),
    "excitatory": (1, 0, 255, INT32_MIN),
    "inhibitory": (-1, -255, 0, INT32_MIN),
    "delay": (1, 0, 63, INT32_MIN),
    "tag": (0, -257, 255, -257),
}


@numba.njit  # type: ignore[untyped-decorator]
def _finished(held: Any, change: Any, flags: Any, variable: Any, offset: Any) -> Any:
    return finish_shared(held, change, flags, variable[0], offset)


@numba.njit  # type: ignore[untyped-decorator]
def _may_rest(variable: Any, offset: Any) -> Any:
    return may_rest(variable[0], offset)


def _variable(kind: str) -> NDArray[Any]:
    row = np.zeros(1, dtype=VARIABLE)
    row["sign"], row["low"], row["high"], row["restless"] = RANGES[kind]
    return row


def _defined(
    values: NDArray[np.int64], change: int, flags: NDArray[np.int64], kind: str, offset: int
) -> tuple[NDArray[np.int64], int]:
    """New values and how many were limited, as Lava has it."""
    sign, low, high, _ = RANGES[kind]
    before = [change * flags]
    after = [np.clip(before[0], ACCUMULATOR_MIN, ACCUMULATOR_MAX)]
    for bounds in ((ACCUMULATOR_MIN, ACCUMULATOR_MAX), (0 if sign > 0 else -(2**40), 0 if sign < 0 else 2**40)):
        before.append(values * 128 + after[0] if len(before) == 1 else after[-1])
        after.append(np.clip(before[-1], *bounds))
    before.append((after[-1] + offset) >> 7)
    after.append(np.clip(before[-1], low, high))
    return after[-1], int(np.any([a != b for a, b in zip(after, before, strict=True)], axis=0).sum())


@pytest.mark.parametrize("kind", RANGES)
def test_a_row_in_one_loop_is_what_is_defined(kind: str) -> None:
    _, low, high, restless = RANGES[kind]
    values = np.arange(low + (low == restless), high + 1)
    flags = np.repeat([0, 1], values.size)
    values = np.tile(values, 2)
    limited_somewhere = 0
    for change in CHANGES:
        for offset in OFFSETS:
            wanted, limited = _defined(values, change, flags, kind, offset)
            if not _may_rest(_variable(kind), offset):
                assert (kind, offset) == ("tag", 0)
                continue
            held = values.astype(np.int16)
            found = _finished(held, np.int32(change), flags.astype(np.int16), _variable(kind), offset)
            np.testing.assert_array_equal(held, wanted, err_msg=f"change {change}, offset {offset}")
            assert found == limited, (change, offset)
            assert restless not in held
            limited_somewhere += limited
    assert limited_somewhere > 0


def test_rows_longer_than_a_16_bit_counter_are_counted() -> None:
    held, flags = np.full(70_001, 255, dtype=np.int16), np.ones(70_001, dtype=np.int16)
    assert _finished(held, np.int32(128), flags, _variable("mixed"), 64) == 70_001
    assert np.all(held == 255)
