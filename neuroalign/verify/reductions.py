"""Smaller cases from a case: each function yields candidates, the boldest first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroalign.chip import ChipConnection, ChipInput, ChipNetwork, ChipPopulation, Convolution, Fixed, SparsePattern
from neuroalign.recording import Stimulus
from neuroalign.verify.case import Case
from neuroalign.verify.compare import Difference

Reduction = Callable[[Case, Difference], Iterator[Case]]


def steps(case: Case, difference: Difference) -> Iterator[Case]:
    """Nothing after the first difference, and less before it; one sample; no latency."""
    lag = case.network.latency_steps
    if lag:
        populations = tuple(replace(p, latency_steps=0) for p in case.network.populations)
        inputs = tuple(replace(i, latency_steps=0) for i in case.network.inputs)
        yield _with_network(case, replace(case.network, populations=populations, inputs=inputs))
    if case.stimulus.samples > 1:
        for sample in (difference.sample, *range(case.stimulus.samples)):
            yield _with_inputs(case, {n: a[sample : sample + 1] for n, a in case.stimulus.inputs.items()})
    wanted = difference.step - lag
    if 0 < wanted < case.stimulus.steps:
        yield _with_inputs(case, {n: a[:, :wanted] for n, a in case.stimulus.inputs.items()})
    for cut in _halves(case.stimulus.steps - 1):
        yield _with_inputs(case, {n: a[:, cut:] for n, a in case.stimulus.inputs.items()})


def connections(case: Case, difference: Difference) -> Iterator[Case]:
    """Fewer connections."""
    held = case.network.connections
    for dropped in _parts(len(held)):
        kept = tuple(c for k, c in enumerate(held) if k not in dropped)
        yield _with_network(case, replace(case.network, connections=kept))


def nodes(case: Case, difference: Difference) -> Iterator[Case]:
    """Fewer populations and inputs, together with their connections."""
    for name in [*(p.name for p in case.network.populations), *(i.name for i in case.network.inputs)]:
        yield without_node(case, name)


def without_node(case: Case, name: str) -> Case:
    """The case without a population or input, and without what it is connected to."""
    network = case.network
    populations = tuple(p for p in network.populations if p.name != name)
    inputs = tuple(i for i in network.inputs if i.name != name)
    left = tuple(_without_factor(c, name) for c in network.connections if name not in (c.source, c.target))
    outputs = tuple(o for o in network.outputs if o[1] != name)
    smaller = replace(network, populations=populations, inputs=inputs, connections=left, outputs=outputs)
    given = {n: a for n, a in case.stimulus.inputs.items() if n != name}
    return _with_inputs(_with_network(case, smaller), given or _empty(case))


def _without_factor(connection: ChipConnection, name: str) -> ChipConnection:
    held = connection.plasticity
    if held is None or name not in [sender for _, sender in held.modulators]:
        return connection
    left = tuple(pair for pair in held.modulators if pair[1] != name)
    return replace(connection, plasticity=replace(held, modulators=left))


def neurons(case: Case, difference: Difference) -> Iterator[Case]:
    """Fewer neurons, and fewer channels."""
    network = case.network
    fixed = {n for c in network.connections if isinstance(c.pattern, Convolution) for n in (c.source, c.target)}
    for name, size in [*((p.name, p.size) for p in network.populations), *((i.name, i.size) for i in network.inputs)]:
        if name in fixed:
            continue
        for dropped in _parts(size):
            if len(dropped) < size:
                yield with_neurons(case, name, np.array([k for k in range(size) if k not in dropped]))


def with_neurons(case: Case, name: str, kept: NDArray[Any]) -> Case:
    """The case with the neurons ``kept`` of a population or input, and third factors of the same size cut alike."""
    network = case.network
    also = {
        sender
        for c in network.connections
        if c.plasticity is not None and c.target == name
        for _, sender in c.plasticity.modulators
        for i in network.inputs
        if i.name == sender and i.size == c.shape[0] > 1
    }
    cut = {name, *also}
    populations = tuple(_fewer_neurons(p, kept) if p.name in cut else p for p in network.populations)
    inputs = tuple(replace(i, size=len(kept)) if i.name in cut else i for i in network.inputs)
    changed = tuple(_fewer_synapses(c, cut, kept) for c in network.connections)
    smaller = replace(network, populations=populations, inputs=inputs, connections=changed)
    given = {n: a[:, :, kept] if n in cut else a for n, a in case.stimulus.inputs.items()}
    return _with_inputs(_with_network(case, smaller), given)


def _fewer_neurons(population: ChipPopulation, kept: NDArray[Any]) -> ChipPopulation:
    names = ("du", "dv", "threshold", "bias_mant", "bias_exp", "u0", "v0", "volts_per_unit", "volts_offset")
    changes: dict[str, Any] = {name: getattr(population, name)[kept] for name in names}
    if population.threshold_low is not None:
        changes["threshold_low"] = population.threshold_low[kept]
    if population.escape is not None:
        changes["escape"] = replace(population.escape, width=population.escape.width[kept])
    return replace(population, shape=(len(kept),), **changes)


def _fewer_synapses(connection: ChipConnection, cut: set[str], kept: NDArray[Any]) -> ChipConnection:
    rows, columns = (np.arange(n) for n in connection.shape)
    rows = kept if connection.target in cut else rows
    columns = kept if connection.source in cut else columns
    pattern = connection.pattern
    if isinstance(pattern, SparsePattern):
        chosen = np.isin(pattern.target, rows) & np.isin(pattern.source, columns)
        target, source = (
            np.searchsorted(left, values[chosen])
            for left, values in ((rows, pattern.target), (columns, pattern.source))
        )
        smaller = SparsePattern(target, source, (len(rows), len(columns)))
        return replace(_synapses(connection, lambda a: a[chosen]), pattern=smaller)
    return _synapses(connection, lambda a: a[np.ix_(rows, columns)])


def _synapses(connection: ChipConnection, take: Callable[[NDArray[Any]], NDArray[Any]]) -> ChipConnection:
    """The connection with ``take`` applied to what there is one of for each synapse."""
    held = connection.plasticity
    return replace(
        connection,
        weight=take(connection.weight),
        delays=None if connection.delays is None else take(connection.delays),
        plasticity=None if held is None else replace(held, tag=take(held.tag)),
    )


def populations(case: Case, difference: Difference) -> Iterator[Case]:
    """Plainer neurons."""
    for k, p in enumerate(case.network.populations):
        zero = np.zeros_like(p.bias_mant)
        changes: list[dict[str, Any]] = [
            {"escape": None},
            {"threshold_low": None},
            {"window_steps": 0},
            {"refractory_steps": 0},
            {"reset_interval": 0, "reset_offset": 0},
            {"reset_offset": 0},
            {"bias_mant": zero, "bias_exp": np.zeros_like(p.bias_exp)},
            {"u0": np.zeros_like(p.u0)},
            {"v0": np.zeros_like(p.v0)},
            {"du": np.zeros_like(p.du)},
            {"du": np.full_like(p.du, 4095)},
            {"dv": np.zeros_like(p.dv)},
            {"threshold": np.ones_like(p.threshold)},
            {"bias_exp": np.zeros_like(p.bias_exp)},
        ]
        for change in changes:
            if any(not _same(getattr(p, name), value) for name, value in change.items()):
                changed = [replace(p, **change) if n == k else q for n, q in enumerate(case.network.populations)]
                yield _with_network(case, replace(case.network, populations=tuple(changed)))


def synapses(case: Case, difference: Difference) -> Iterator[Case]:
    """Plainer connections, then fewer weights that are not 0."""
    for k, c in enumerate(case.network.connections):
        yield from _with_connection(case, k, _plainer_connections(c))
    for k, c in enumerate(case.network.connections):
        yield from _with_connection(case, k, _emptier(c))


def _plainer_connections(c: ChipConnection) -> Iterator[ChipConnection]:
    changes: list[dict[str, Any]] = [
        {"plasticity": None},
        {"delays": None},
        {"message_bits": 0},
        {"weight_exp": 0},
        {"weight_format": Fixed(8)},
        {"drives": False},
    ]
    for change in changes:
        if (change == {"drives": False} and c.plasticity is None) or (change == {"plasticity": None} and not c.drives):
            continue
        if any(not _same(getattr(c, name), value) for name, value in change.items()):
            yield replace(c, **change)
    if c.plasticity is not None:
        for plainer in ({"phases": ()}, {"tag": np.zeros_like(c.plasticity.tag)}, {"graded": "impulse"}):
            if any(not _same(getattr(c.plasticity, name), value) for name, value in plainer.items()):
                changed: dict[str, Any] = dict(plainer)
                yield replace(c, plasticity=replace(c.plasticity, **changed))


def _emptier(c: ChipConnection) -> Iterator[ChipConnection]:
    filled = np.flatnonzero(c.weight)
    for dropped in _parts(len(filled)):
        weight = c.weight.copy()
        weight.flat[filled[list(dropped)]] = 0
        yield replace(c, weight=weight)
    if isinstance(c.pattern, SparsePattern):
        for dropped in _parts(len(c.weight)):
            kept = np.array([k for k in range(len(c.weight)) if k not in dropped], dtype=np.int64)
            pattern = SparsePattern(c.pattern.target[kept], c.pattern.source[kept], c.pattern.shape)
            yield replace(_synapses(c, lambda a, kept=kept: a[kept]), pattern=pattern)  # type: ignore[misc]


def stimulus(case: Case, difference: Difference) -> Iterator[Case]:
    """Fewer spikes, and payloads of 1."""
    for name, values in case.stimulus.inputs.items():
        sent = np.flatnonzero(values)
        for dropped in _parts(len(sent)):
            emptier = values.copy()
            emptier.flat[sent[list(dropped)]] = 0
            yield _with_inputs(case, {**case.stimulus.inputs, name: emptier})
        if (np.abs(values) > 1).any():
            yield _with_inputs(case, {**case.stimulus.inputs, name: np.sign(values)})
    for k, port in enumerate(case.network.inputs):
        if port.message_bits:
            plain = ChipInput(port.name, port.size)
            inputs = [plain if n == k else i for n, i in enumerate(case.network.inputs)]
            binary = {**case.stimulus.inputs, port.name: (case.stimulus.inputs[port.name] != 0).astype(np.int64)}
            yield _with_inputs(_with_network(case, replace(case.network, inputs=tuple(inputs))), binary)


def _with_connection(case: Case, k: int, candidates: Iterator[ChipConnection]) -> Iterator[Case]:
    for candidate in candidates:
        changed = [candidate if n == k else c for n, c in enumerate(case.network.connections)]
        yield _with_network(case, replace(case.network, connections=tuple(changed)))


def _parts(count: int) -> Iterator[frozenset[int]]:
    """Which of ``count`` things to leave out: all, halves, quarters, ..., single ones."""
    length = count
    while length >= 1:
        for first in range(0, count, length):
            yield frozenset(range(first, min(first + length, count)))
        length //= 2


def _halves(count: int) -> Iterator[int]:
    while count >= 1:
        yield count
        count //= 2


def _same(held: Any, value: Any) -> bool:
    if isinstance(held, np.ndarray) and isinstance(value, np.ndarray):
        return np.array_equal(held, value)
    return bool(held is value or (not isinstance(held, np.ndarray) and held == value))


def _with_network(case: Case, network: ChipNetwork) -> Case:
    return replace(case, network=network)


def _with_inputs(case: Case, inputs: Any) -> Case:
    return replace(case, stimulus=Stimulus(inputs, description=case.stimulus.description))


def _empty(case: Case) -> dict[str, NDArray[Any]]:
    return {"steps": np.zeros((case.stimulus.samples, case.stimulus.steps, 0), dtype=np.int64)}


REDUCTIONS: Sequence[Reduction] = (steps, connections, nodes, neurons, steps, populations, synapses, stimulus)
