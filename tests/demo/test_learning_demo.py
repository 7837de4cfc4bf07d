"""The demonstration's end: integers learn as well as floats, and both better than a guess."""

from __future__ import annotations

import pytest

from neuroalign.command_line.demo_terminal import learning_rows
from neuroalign.demo import learning
from neuroalign.demo.learning import run_learning_demo
from neuroalign.sim.emulator import Emulator


def test_the_readable_form_shows_what_the_kernels_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learning, "SECONDS", 1.5)
    monkeypatch.setattr(learning, "ROOM", 20.0)  # the less has been learnt, the larger is a pair beside it
    shown = run_learning_demo().lines
    monkeypatch.setattr(learning, "_Readable", Emulator)
    for found, expected in zip(shown, run_learning_demo().lines, strict=True):
        assert found.name == expected.name
        assert found.r == pytest.approx(expected.r, rel=1e-9)
        assert (found.sign, found.angle) == pytest.approx((expected.sign, expected.angle), rel=1e-9)


def test_the_chip_learns_as_the_float_rule_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learning, "_Readable", Emulator)
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
