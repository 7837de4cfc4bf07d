"""Delays and latencies: what the chip's obligatory connection delay does to the time axis.

Every chip connection takes ``min_steps`` (1 on Loihi) where the model's may take none. With ``lat`` the lag of a
population behind the model and ``extra >= 0`` the delay slots given to a connection::

    lat(target) - lat(source) = min_steps + extra - model_delay

A longest path from the inputs gives the smallest latencies; shorter branches get the difference as extra delay. A cycle
whose chip delay exceeds its model delay has no solution: its closing edge then lags by the difference, which is a
conversion row with the status "approximate".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from neuroalign.conversion import ConversionRow, ConversionTable
from neuroalign.errors import ConversionRefused
from neuroalign.network import Connection, Network
from neuroalign.profile import Delay

Constraint = tuple[str, str, int]
"""(a, b, n): lat(b) >= lat(a) + n."""


@dataclass(frozen=True)
class Alignment:
    """Latency of every input and population; extra delay, excess and learning shift of every connection, in steps.

    ``excess`` is by how much a connection arrives too late; ``shift`` by how much a plastic connection, which has no
    delay slots, sees its target later than in the model and arrives too early; ``third`` by how much its third factor
    lags its target (negative: leads).
    """

    latency: Mapping[str, int]
    extra: Mapping[str, int]
    excess: Mapping[str, int]
    shift: Mapping[str, int]
    third: Mapping[str, int]


def align_delays(network: Network, delay: Delay, *, strict: bool = False) -> tuple[Alignment, ConversionTable]:
    """Latencies, extra delays and, for what the chip cannot keep in time, the excess.

    A plastic connection compares spikes of its source and target, so on chip both must lag the model alike; the one
    that lags less waits, an input included.

    Raises
    ------
    ConversionRefused
        If a delay exceeds the profile's slots, a plastic connection needs slots, or something lags and ``strict`` is set.
    """
    latency = _latencies(network, delay.min_steps)
    extra, excess, shift = {}, {}, {}
    for c in network.connections:
        slack = latency[c.target] - latency[c.source] - delay.min_steps + c.delay_steps
        no_slots = c.rule is not None and delay.min_steps > 0
        if no_slots and c.delay_steps != delay.min_steps:
            raise ConversionRefused(
                f"connection {c.name!r}: is plastic with a delay of {c.delay_steps} steps, and plastic connections have no delay slots; "
                f"give it {delay.min_steps}"
            )
        extra[c.name], excess[c.name] = 0 if no_slots else max(slack, 0), max(-slack, 0)
        shift[c.name] = max(slack, 0) if no_slots else 0
        limit = delay.max_extra_steps
        if limit is not None and limit != "unlimited" and extra[c.name] > limit:
            raise ConversionRefused(
                f"connection {c.name!r}: needs {slack} extra delay steps, the profile offers {limit}; "
                "insert a relay population on the shorter branch, or shorten the delay"
            )
    third = {c.name: latency[c.third_factor] - latency[c.target] for c in network.connections if c.third_factor}
    alignment = Alignment(latency, extra, excess, shift, third)
    if strict:
        _refuse_late(alignment)
    return alignment, ConversionTable(_rows(network, alignment, delay))


def _refuse_late(alignment: Alignment) -> None:
    for name, steps in alignment.excess.items():
        if steps:
            raise ConversionRefused(
                f"connection {name!r}: closes a cycle {steps} step(s) later than the model; --strict refuses it; "
                "train with that delay, or deploy without --strict and read its measured cost"
            )
    for name, steps in alignment.shift.items():
        if steps:
            raise ConversionRefused(
                f"connection {name!r}: would learn with its target {steps} step(s) later than in the model; --strict refuses it; "
                "give the other paths between the two a delay of one step more"
            )
    for name, steps in alignment.third.items():
        if steps:
            raise ConversionRefused(
                f"connection {name!r}: its third factor would come {steps} step(s) later than in the model; --strict refuses it; "
                "send it from an input, which waits"
            )


def _latencies(network: Network, min_steps: int) -> dict[str, int]:
    """Smallest latencies that keep everything in time; where nothing does, closing edges and then learning give way."""
    firm = [_forward(c, min_steps) for c in network.connections if c.delay_steps == 0]
    closing = [c for c in network.connections if c.delay_steps > 0]
    soft = [_forward(c, min_steps) for c in sorted(closing, key=lambda c: (c.source != c.target, c.name))]
    if min_steps:
        soft += [(b, a, -n) for a, b, n in (_forward(c, min_steps) for c in network.connections if c.rule is not None)]
        for c in (c for c in network.connections if c.third_factor):
            soft += [(c.target, c.third_factor, 0), (c.third_factor, c.target, 0)]
    best = _longest_path(network, firm + soft)
    if best is not None:
        return best
    best = _longest_path(network, firm)
    if best is None:
        raise ConversionRefused(
            f"network {network.name!r}: a cycle has no delay in the model; give one of its edges a delay"
        )
    for constraint in soft:
        found = _longest_path(network, [*firm, constraint])
        if found is not None:
            firm.append(constraint)
            best = found
    return best


def _forward(c: Connection, min_steps: int) -> Constraint:
    return c.source, c.target, min_steps - c.delay_steps


def _longest_path(network: Network, constraints: Sequence[Constraint]) -> dict[str, int] | None:
    """Smallest latencies >= 0 that meet all constraints (Bellman-Ford), or None where a cycle is too long."""
    latency = {p.name: 0 for p in network.inputs} | {p.name: 0 for p in network.populations}
    for _ in range(len(latency) + 1):
        changed = False
        for before, after, steps in constraints:
            if latency[before] + steps > latency[after]:
                latency[after], changed = latency[before] + steps, True
        if not changed:
            return latency
    return None


def _rows(network: Network, alignment: Alignment, delay: Delay) -> tuple[ConversionRow, ...]:
    rows = []
    for port in network.inputs:
        steps = alignment.latency[port.name]
        if steps:
            note = f"presented {steps} step(s) later, so that a plastic connection sees both its ends alike"
            rows.append(_row(port.name, "latency", 0, steps, "substituted", note))
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
        if alignment.third.get(c.name):
            late = alignment.third[c.name]
            note = f"its third factor from {c.third_factor!r} comes {late} step(s) later than in the model"
            rows.append(_row(c.name, "third factor time", 0, late, "approximate", note))
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
        elif alignment.shift[c.name]:
            steps = alignment.shift[c.name]
            note = f"the synapse sees its target {steps} step(s) later than in the model, and its spikes arrive as much too early"
            rows.append(_row(c.name, "learning time", 0, steps, "approximate", note))
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
