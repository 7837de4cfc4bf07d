"""What is drawn, and that it is drawn."""

from __future__ import annotations

import struct
from dataclasses import replace

import pytest
from synthetic_benchmark import benchmark

from neuroalign.bench.curves import panels
from neuroalign.export.figures.bench import benchmark_picture


def test_panels_hold_ratios_marks_times_and_costs() -> None:
    ratios, times, *costs = panels(benchmark())
    assert [line.name for line in ratios.lines] == ["best of Lava / median", "median / median", "must", "stretch"]
    assert ratios.lines[0].y == (200.0, 200.0)
    assert ratios.lines[2].y == (100.0, 100.0)
    lava, band = times.lines[:2]
    assert lava.y == pytest.approx((500.0, 500.0))
    assert band.kind == "band"
    assert band.y == pytest.approx((400.0, 400.0))
    assert band.high == pytest.approx((600.0, 600.0))
    assert [panel.title for panel in costs] == ["learning, 128 x 128", "learning, 1024 x 1024"]
    assert costs[0].lines[0].x == pytest.approx((0.2, 2.0))
    assert costs[0].lines[1].y == pytest.approx((2.0, 20.0))


def test_nothing_measured_gives_nothing_to_draw() -> None:
    assert panels(replace(benchmark(), results=[])) == ()


def test_the_picture_is_a_png_of_the_size_stated() -> None:
    drawn = panels(benchmark())
    picture = benchmark_picture(drawn)
    assert picture.png[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", picture.png[16:24]) == (picture.width, picture.height)
    assert benchmark_picture(drawn[:1]).height < picture.height
