"""Which edge of a cycle carries the one step that makes the cycle computable."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from neuroalign.errors import InputError

Edge = tuple[str, str]


def closing_edges(inputs: Iterable[str], edges: Iterable[Edge]) -> tuple[Edge, ...]:
    """The edges that close a cycle.

    Depth-first from ``inputs``, nodes in sorted name order; an edge back to a node that is still being visited closes
    a cycle. Nodes that no input reaches are visited afterwards, in sorted order.

    Parameters
    ----------
    inputs
        Names of the inputs.
    edges
        Pairs (source, target) between inputs and populations.

    Returns
    -------
    tuple of pairs
        Sorted; without them the graph has no cycle.
    """
    after: dict[str, list[str]] = {}
    for source, target in sorted(set(edges)):
        after.setdefault(source, []).append(target)
        after.setdefault(target, [])
    starts = sorted(inputs)
    closing: list[Edge] = []
    visiting: set[str] = set()
    done: set[str] = set()
    for start in [*starts, *sorted(set(after) - set(starts))]:
        if start not in done:
            _visit(start, after, visiting, done, closing)
    return tuple(sorted(closing))


def _visit(start: str, after: dict[str, list[str]], visiting: set[str], done: set[str], closing: list[Edge]) -> None:
    """Depth-first from one node, without recursion: chains may be longer than Python's stack."""
    visiting.add(start)
    stack = [(start, iter(after.get(start, [])))]
    while stack:
        node, rest = stack[-1]
        target = next(rest, None)
        if target is None:
            visiting.discard(node)
            done.add(node)
            stack.pop()
        elif target in visiting:
            closing.append((node, target))
        elif target not in done:
            visiting.add(target)
            stack.append((target, iter(after[target])))


def check_closing(inputs: Iterable[str], edges: Iterable[Edge], chosen: Sequence[Edge]) -> tuple[Edge, ...]:
    """``chosen`` closing edges, checked: each exists, and without them no cycle is left.

    Raises
    ------
    InputError
        If an edge does not exist, or a cycle remains that would have no delay.
    """
    edges = set(edges)
    for edge in chosen:
        if tuple(edge) not in edges:
            known = ", ".join(f"{a} -> {b}" for a, b in sorted(edges)[:8])
            raise InputError(f"closing edge {edge[0]} -> {edge[1]} does not exist; the connections are {known}")
    wanted = {(a, b) for a, b in chosen}
    left = closing_edges(inputs, edges - wanted)
    if left:
        raise InputError(
            f"with the closing edges given, a cycle through {left[0][0]} -> {left[0][1]} has no delay; add one of its edges"
        )
    return tuple(sorted(wanted))
