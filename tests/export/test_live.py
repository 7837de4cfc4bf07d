"""Live figures know their limits: what would be too much for a page stays a still picture."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hand_made import deployment

from neuroalign.export.live import outputs as live_outputs
from neuroalign.export.live.embed import Zoomable
from neuroalign.export.live.outputs import errors, outputs
from neuroalign.export.live.placement import MOST_BLOCKS, MOST_FIELDS, cores, traffic
from neuroalign.placement import HOST, CoreUse, Limit, Placement, Slice, Traffic


def columns(figure: Zoomable, name: str) -> list[Any]:
    """Every column of that name in the figure's sources."""
    from bokeh.models import ColumnDataSource

    return [s.data[name] for s in figure.model.select({"type": ColumnDataSource}) if name in s.data]


def spread_over(count: int) -> Placement:
    """One neuron a core, in a ring; the host sends two messages a step to the first."""
    used = [
        CoreUse(k, k // 4, (Slice("a", k, k + 1),), {"neurons": k + 1}, {"neurons": (k + 1) / 8}, 1, 0, 1)
        for k in range(count)
    ]
    source = np.array([HOST, *range(count)])
    target = np.array([0, *np.roll(np.arange(count), -1)])
    messages = np.array([2.0, *np.ones(count)])
    limit = Limit("neurons", count, 8, count / 8, "fits", "core", "core 0", ("a",), "documented")
    sums = (0.0, float(count), 0.0, 2.0)
    return Placement(
        "small",
        None,
        -(-count // 4),
        tuple(used),
        {},
        (limit,),
        "neurons",
        "fits",
        Traffic(source, target, messages, "given", *sums),
    )


def test_a_core_has_its_share_its_use_and_its_neurons() -> None:
    made = cores(spread_over(6))
    assert made is not None
    (share,), (used,), (held,), (chip,) = (columns(made, name) for name in ("share", "used", "held", "chip"))
    np.testing.assert_allclose(share, [12.5 * k for k in range(1, 7)])
    assert list(used) == [1, 2, 3, 4, 5, 6]
    assert held[3] == "a[3:4]"
    assert list(chip) == [0, 0, 0, 0, 1, 1]


def test_messages_are_kept_whole_when_cores_share_a_field() -> None:
    for count in (5, 3 * MOST_BLOCKS + 7):
        made = traffic(spread_over(count))
        assert made is not None
        (messages,), (source,), (target,) = (columns(made, name) for name in ("n", "from", "to"))
        assert float(np.sum(messages)) == count + 2
        assert len(messages) <= MOST_BLOCKS * (MOST_BLOCKS + 1)
        assert source[0] == "outside"
        assert target[0].split(" to ")[0] == "0"
        assert max(int(cores_of.split(" to ")[-1]) for cores_of in target) == count - 1


def test_one_core_sends_nothing_and_too_many_are_still() -> None:
    assert traffic(spread_over(1)) is None
    assert cores(spread_over(MOST_FIELDS + 1)) is None


def test_the_matrix_has_the_counts_of_the_decisions(monkeypatch: pytest.MonkeyPatch) -> None:
    made = deployment()
    figure = outputs(made)
    assert figure is not None
    (counts,) = columns(figure, "n")
    assert int(np.sum(counts)) == made.stimulus.samples
    assert figure.columns == 2
    monkeypatch.setattr(live_outputs, "MOST_CLASSES", 2)
    assert outputs(made) is None


def test_what_has_no_figure_says_why() -> None:
    made = deployment()
    figure = errors(made)
    assert figure is not None
    assert any("does not spike" in list(told) for told in columns(figure, "told"))
    assert errors(replace(made, agreements=())) is None
