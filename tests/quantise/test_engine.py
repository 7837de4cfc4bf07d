"""What a Program asks of a synapse's memory: the ranges that its variables really have."""

from __future__ import annotations

import math

import pytest

from neuroalign.microcode.text import program_from_text
from neuroalign.quantise.engine import engine_needs
from neuroalign.sim.emulator.learning_reference import DELAY_MAX, DELAY_MIN, TAG_MAX

WEIGHT, TAG, DELAY = 512, 2 * (TAG_MAX + 1), DELAY_MAX - DELAY_MIN + 1  # the tag's -257 is Lava's slip


@pytest.mark.parametrize(
    ("texts", "values"),
    [
        ({"dw": "x0"}, [WEIGHT]),
        ({"dw": "x0*t"}, [WEIGHT, TAG]),
        ({"dw": "x0", "dt": "y0"}, [WEIGHT, TAG]),
        ({"dw": "x0*d", "dt": "y0"}, [WEIGHT, TAG, DELAY]),
        ({"dd": "y0"}, [WEIGHT, DELAY]),
    ],
)
def test_bits_hold_every_value_of_the_variables_in_use(texts: dict[str, str], values: list[int]) -> None:
    program = program_from_text(texts.get("dw", ""), dd=texts.get("dd", ""), dt=texts.get("dt", ""))
    assert engine_needs(program).state_bits == sum(int(math.log2(n)) for n in values)
