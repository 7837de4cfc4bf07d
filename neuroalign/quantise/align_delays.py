"""Delays and latencies: what the chip's obligatory connection delay does to the time axis.

Every chip connection takes ``min_steps`` (1 on Loihi) where the model's may take none. With ``lat`` the lag of a
population behind the model and ``extra >= 0`` the delay slots given to a connection::

    lat(target) - lat(source) = min_steps + extra - model_delay

A longest path from the inputs gives the smallest latencies; shorter branches get the difference as extra delay. A cycle
whose chip delay exceeds its model delay has no solution: its closing edge then lags by the difference, which is a
conversion row with the status "approximate".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from neuroalign.conversion import ConversionRow, ConversionTable
from neuroalign.errors import ConversionRefused
from neuroalign.network import Connection, Network
from neuroalign.profile import Delay


@dataclass(frozen=True)
class Alignment:
    """Latency of every input and population, extra delay and excess of every connection, all in steps."""

    latency: Mapping[str, int]
    extra: Mapping[str, int]
    excess: Mapping[str, int]


def align_delays(network: Network, delay: Delay, *, strict: bool = False) -> tuple[Alignment, ConversionTable]:
    """Latencies, extra delays and, for cycles the chip cannot close in time, their excess.

    Raises
    ------
    ConversionRefused
        If a delay exceeds the profile's slots, or a cycle lags and ``strict`` is set.
    """
    relaxed = _connections_that_cannot_keep_time(network, delay.min_steps)
    kept = [c for c in network.connections if c.name not in relaxed]
    latency = _longest_path(network, kept, delay.min_steps)
    if latency is None:
        raise ConversionRefused(
            f"network {network.name!r}: a cycle has no delay in the model; give one of its edges a delay"
        )
    extra, excess = {}, {}
    for c in network.connections:
        slack = latency[c.target] - latency[c.source] - delay.min_steps + c.delay_steps
        extra[c.name], excess[c.name] = max(slack, 0), max(-slack, 0)
        limit = delay.max_extra_steps
        if limit is not None and limit != "unlimited" and slack > limit:
            raise ConversionRefused(
                f"connection {c.name!r}: needs {slack} extra delay steps, the profile offers {limit}; "
                "insert a relay population on the shorter branch, or shorten the delay"
            )
    alignment = Alignment(latency, extra, excess)
    late = [name for name, steps in excess.items() if steps]
    if late and strict:
        raise ConversionRefused(
            f"connection {late[0]!r}: closes a cycle {excess[late[0]]} step(s) later than the model; --strict refuses it; "
            "train with that delay, or deploy without --strict and read its measured cost"
        )
    return alignment, ConversionTable(_rows(network, alignment, delay))


def _connections_that_cannot_keep_time(network: Network, min_steps: int) -> frozenset[str]:
    """Closing edges (model delay > 0) that make a cycle of positive length; the fewest in the order given."""
    forward = [c for c in network.connections if c.delay_steps == 0]
    closing = [c for c in network.connections if c.delay_steps > 0]
    kept, relaxed = list(forward), set()
    if _longest_path(network, forward + closing, min_steps) is not None:
        return frozenset()
    for c in sorted(closing, key=lambda c: (c.source != c.target, c.name)):
        if _longest_path(network, [*kept, c], min_steps) is None:
            relaxed.add(c.name)
        else:
            kept.append(c)
    return frozenset(relaxed)


def _longest_path(network: Network, connections: list[Connection], min_steps: int) -> dict[str, int] | None:
    """Smallest latencies >= 0 with lat(target) >= lat(source) + min_steps - model delay (Bellman-Ford), or None."""
    latency = {p.name: 0 for p in network.inputs} | {p.name: 0 for p in network.populations}
    inputs = {p.name for p in network.inputs}
    for _ in range(len(latency) + 1):
        changed = False
        for c in connections:
            needed = latency[c.source] + min_steps - c.delay_steps
            if needed > latency[c.target] and c.target not in inputs:
                latency[c.target], changed = needed, True
        if not changed:
            return latency
    return None


def _rows(network: Network, alignment: Alignment, delay: Delay) -> tuple[ConversionRow, ...]:
    rows = []
    for population in network.populations:
        steps = alignment.latency[population.name]
        if steps:
            rows.append(
                _row(
                    population.name,
                    "latency",
                    0,
                    steps,
                    "substituted",
                    f"lags the model by {steps} step(s): every chip connection takes {delay.min_steps}; declared and subtracted",
                )
            )
    for c in network.connections:
        chip = delay.min_steps + alignment.extra[c.name]
        if alignment.excess[c.name]:
            rows.append(
                _row(
                    c.name,
                    "delay",
                    c.delay_steps,
                    c.delay_steps + alignment.excess[c.name],
                    "approximate",
                    f"closes a cycle {alignment.excess[c.name]} step(s) later than the model; its cost is measured on the given input",
                )
            )
        elif alignment.extra[c.name] and delay.min_steps:
            rows.append(
                _row(
                    c.name,
                    "delay",
                    c.delay_steps,
                    chip,
                    "substituted",
                    f"{alignment.extra[c.name]} extra delay step(s) on a shorter branch keep it in time",
                )
            )
    return tuple(rows)


def _row(where: str, quantity: str, model: int, chip: int, status: str, note: str) -> ConversionRow:
    approximate = status == "approximate"
    return ConversionRow(
        where,
        quantity,
        1,
        float(model),
        str(chip),
        float(chip),
        float(abs(chip - model)) if approximate else 0.0,
        1.0 if approximate else 0.0,
        "steps",
        "",
        0,
        "approximate" if approximate else "substituted",
        note,
    )
