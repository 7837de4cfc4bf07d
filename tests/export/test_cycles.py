from __future__ import annotations

import numpy as np
import pytest

from neuroalign.errors import InputError
from neuroalign.export.cycles import Edge, check_closing, closing_edges


def test_feed_forward_skips_close_nothing() -> None:
    assert closing_edges(["in"], [("in", "a"), ("a", "b"), ("b", "c"), ("in", "c"), ("a", "c")]) == ()


def test_self_recurrence_closes_itself() -> None:
    assert closing_edges(["in"], [("in", "a"), ("a", "a"), ("a", "b")]) == (("a", "a"),)


def test_depth_first_from_the_inputs_decides_which_edge_closes() -> None:
    ring = [("a", "b"), ("b", "c"), ("c", "a")]
    assert closing_edges(["in"], [*ring, ("in", "a")]) == (("c", "a"),)
    assert closing_edges(["in"], [*ring, ("in", "b")]) == (("a", "b"),)


def test_unreached_nodes_come_last_in_sorted_order() -> None:
    assert closing_edges(["in"], [("in", "z"), ("b", "a"), ("a", "b"), ("a", "z")]) == (("b", "a"),)


def test_a_long_ring_does_not_meet_the_recursion_limit() -> None:
    names = [f"n{k:05}" for k in range(20_000)]
    edges = [("in", names[0]), *zip(names, [*names[1:], names[0]], strict=True)]
    assert closing_edges(["in"], edges) == ((names[-1], names[0]),)


def test_random_graphs_are_acyclic_without_the_closing_edges_and_each_closes_a_cycle() -> None:
    random = np.random.default_rng(0)
    for _ in range(100):
        names = [f"n{k}" for k in range(random.integers(1, 9))]
        edges: list[Edge] = [(a, b) for a in names for b in names if random.random() < 0.25] + [("in", names[0])]
        closing = closing_edges(["in"], edges)
        rest = set(edges) - set(closing)
        assert _is_acyclic(rest)
        for source, target in closing:
            assert source == target or source in _reachable(target, rest)


def test_chosen_edges_must_exist_and_leave_no_cycle() -> None:
    edges = [("in", "a"), ("a", "b"), ("b", "a"), ("b", "b")]
    assert check_closing(["in"], edges, [("b", "b"), ("a", "b")]) == (("a", "b"), ("b", "b"))
    with pytest.raises(InputError, match="b -> b has no delay"):
        check_closing(["in"], edges, [("a", "b")])
    with pytest.raises(InputError, match="a -> c does not exist"):
        check_closing(["in"], edges, [("a", "c")])


def _reachable(start: str, edges: set[Edge]) -> set[str]:
    found, waiting = set(), [start]
    while waiting:
        node = waiting.pop()
        for source, target in edges:
            if source == node and target not in found:
                found.add(target)
                waiting.append(target)
    return found


def _is_acyclic(edges: set[Edge]) -> bool:
    return not any(node in _reachable(node, edges) for edge in edges for node in edge)
