"""Latencies and delays: closed forms on small graphs, and the defining equation on random ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuroalign.errors import ConversionRefused
from neuroalign.network import Connection, InputPort, Network, Population
from neuroalign.profile import Delay
from neuroalign.quantise.align_delays import align_delays

ON_CHIP = Delay(min_steps=1, max_extra_steps=62)


def graph(*edges: tuple[str, str, int]) -> Network:
    """One-neuron LIF populations; nodes called "in..." are inputs."""
    names = sorted({n for a, b, _ in edges for n in (a, b)})
    one, zero = np.ones(1), np.zeros(1)
    populations = tuple(
        Population(n, "LIF", (1,), one, zero, one, one, zero, one, zero, zero, zero, zero)
        for n in names
        if not n.startswith("in")
    )
    connections = tuple(Connection(f"{a}->{b}", a, b, np.ones((1, 1)), d) for a, b, d in edges)
    return Network(
        "g", 1e-3, tuple(InputPort(n, (1,)) for n in names if n.startswith("in")), populations, connections, ()
    )


def test_a_skip_connection_gets_the_extra_delay_that_its_branch_lacks() -> None:
    alignment, table = align_delays(graph(("in", "a", 0), ("a", "b", 0), ("b", "c", 0), ("a", "c", 0)), ON_CHIP)
    assert dict(alignment.latency) == {"in": 0, "a": 1, "b": 2, "c": 3}
    assert {k: v for k, v in alignment.extra.items() if v} == {"a->c": 1}
    assert [row.stored for row in table.of("a->c")] == ["2"]


def test_self_recurrence_with_one_step_costs_nothing() -> None:
    alignment, table = align_delays(graph(("in", "a", 0), ("a", "a", 1)), ON_CHIP)
    assert alignment.extra["a->a"] == alignment.excess["a->a"] == 0
    assert not [row for row in table.rows if row.status == "approximate"]


def test_a_loop_through_two_populations_lags_and_says_so() -> None:
    network = graph(("in", "a", 0), ("a", "b", 0), ("b", "a", 1))
    alignment, table = align_delays(network, ON_CHIP)
    assert dict(alignment.excess) == {"in->a": 0, "a->b": 0, "b->a": 1}
    (row,) = table.of("b->a")
    assert (row.status, row.float_value, row.stored_value) == ("approximate", 1.0, 2.0)
    with pytest.raises(ConversionRefused, match=r"'b->a'.*1 step.*--strict"):
        align_delays(network, ON_CHIP, strict=True)


def test_a_loop_whose_model_delay_covers_the_chip_is_exact() -> None:
    alignment, table = align_delays(graph(("in", "a", 0), ("a", "b", 0), ("b", "a", 5)), ON_CHIP)
    assert not any(alignment.excess.values())
    assert alignment.extra["b->a"] == 3
    assert not [row for row in table.rows if row.status == "approximate"]


def test_more_extra_delay_than_the_profile_has_slots_is_refused() -> None:
    with pytest.raises(ConversionRefused, match=r"'in->a'.*64 extra.*offers 62"):
        align_delays(graph(("in", "a", 65)), ON_CHIP)


def test_without_an_obligatory_delay_nothing_lags() -> None:
    network = graph(("in", "a", 0), ("a", "b", 0), ("b", "a", 1), ("a", "c", 0), ("b", "c", 0))
    alignment, table = align_delays(network, Delay(min_steps=0, max_extra_steps="unlimited"))
    assert set(alignment.latency.values()) == {0}
    assert dict(alignment.extra) == {c.name: c.delay_steps for c in network.connections}
    assert not table.rows


def test_a_cycle_without_any_delay_in_the_model_is_refused() -> None:
    with pytest.raises(ConversionRefused, match="no delay in the model"):
        align_delays(graph(("in", "a", 0), ("a", "b", 0), ("b", "a", 0)), ON_CHIP)


edges = st.lists(st.tuples(st.integers(0, 5), st.integers(1, 5), st.integers(0, 2)), min_size=1, max_size=10)


@given(edges)
@settings(deadline=None, max_examples=200)
def test_the_defining_equation_holds_on_every_edge(drawn: Sequence[tuple[int, int, int]]) -> None:
    """lat(target) - lat(source) = 1 + extra - model delay - excess, nothing negative, extra and excess exclusive."""
    unique = {(a, b): (max(d, 1) if b <= a else d) for a, b, d in drawn}
    network = graph(*((f"p{a}" if a else "in", f"p{b}", d) for (a, b), d in unique.items()))
    alignment, _ = align_delays(network, ON_CHIP)
    lat = alignment.latency
    for c in network.connections:
        extra, excess = alignment.extra[c.name], alignment.excess[c.name]
        assert lat[c.target] - lat[c.source] == 1 + extra - c.delay_steps - excess
        assert extra >= 0
        assert excess >= 0
        assert not (extra and excess)
        assert not excess or c.delay_steps > 0
    assert min(lat.values()) == 0
