"""The demonstration's end: integers learn as well as floats, and both better than a guess."""

from __future__ import annotations

from neuroalign.command_line.demo_terminal import learning_rows
from neuroalign.demo.learning import run_learning_demo


def test_the_chip_learns_as_the_float_rule_does() -> None:
    told: list[tuple[int, int]] = []
    demo = run_learning_demo(lambda what, done, total: told.append((done, total)))
    real, chip = demo.lines
    assert real.r > 0.8
    assert abs(chip.r - real.r) < 0.02
    assert min(real.sign, chip.sign) > demo.chance
    assert told[0] == (0, 3)
    assert told[-1] == (3, 3)
    rows = learning_rows(demo)
    assert [row.measured for row in rows[:3]] == [real.r, real.sign, real.angle]
    assert len({row.case for row in rows}) == 6
    assert learning_rows(None) == []
