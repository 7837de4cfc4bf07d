"""Smaller cases from a case: each function yields candidates, the boldest first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroalign.chip import (
    ChipConnection,
    ChipInput,
    Fixed,
    SparsePattern,
)
from neuroalign.verify.case import Case
from neuroalign.verify.compare import Difference
from neuroalign.verify.cuts import (
    convolutions,
    neurons,
    parts,
    take_synapses,
    with_connection,
    with_inputs,
    with_network,
)

Reduction = Callable[[Case, Difference], Iterator[Case]]


def steps(case: Case, difference: Difference) -> Iterator[Case]:
    """Nothing after the first difference, and less before it; one sample; no latency."""
    lag = case.network.latency_steps
    if lag:
        populations = tuple(replace(p, latency_steps=0) for p in case.network.populations)
        inputs = tuple(replace(i, latency_steps=0) for i in case.network.inputs)
        yield with_network(case, replace(case.network, populations=populations, inputs=inputs))
    if case.stimulus.samples > 1:
        for sample in (difference.sample, *range(case.stimulus.samples)):
            yield with_inputs(case, {n: a[sample : sample + 1] for n, a in case.stimulus.inputs.items()})
    wanted = difference.step - lag
    if 0 < wanted < case.stimulus.steps:
        yield with_inputs(case, {n: a[:, :wanted] for n, a in case.stimulus.inputs.items()})
    for cut in _halves(case.stimulus.steps - 1):
        yield with_inputs(case, {n: a[:, cut:] for n, a in case.stimulus.inputs.items()})


def connections(case: Case, difference: Difference) -> Iterator[Case]:
    """Fewer connections."""
    held = case.network.connections
    for dropped in parts(len(held)):
        kept = tuple(c for k, c in enumerate(held) if k not in dropped)
        yield with_network(case, replace(case.network, connections=kept))


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
    return with_inputs(with_network(case, smaller), given or _empty(case))


def _without_factor(connection: ChipConnection, name: str) -> ChipConnection:
    held = connection.plasticity
    if held is None or name not in [sender for _, sender in held.modulators]:
        return connection
    left = tuple(pair for pair in held.modulators if pair[1] != name)
    return replace(connection, plasticity=replace(held, modulators=left))


def populations(case: Case, difference: Difference) -> Iterator[Case]:
    """Plainer neurons."""
    for k, p in enumerate(case.network.populations):
        zero = np.zeros_like(p.bias_mant)
        changes: list[dict[str, Any]] = [
            {"escape": None},
            {"threshold_low": None},
            {"window_steps": 0},
            {"window_steps": 2},
            {"window_steps": p.window_steps // 2},
            {"refractory_steps": 0},
            {"refractory_steps": 1},
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
                yield with_network(case, replace(case.network, populations=tuple(changed)))


def synapses(case: Case, difference: Difference) -> Iterator[Case]:
    """Plainer connections, then fewer weights that are not 0."""
    for k, c in enumerate(case.network.connections):
        yield from with_connection(case, k, _plainer_connections(c))
    for k, c in enumerate(case.network.connections):
        yield from with_connection(case, k, _emptier(c))


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
    for dropped in parts(len(filled)):
        weight = c.weight.copy()
        weight.flat[filled[list(dropped)]] = 0
        yield replace(c, weight=weight)
    if isinstance(c.pattern, SparsePattern):
        for dropped in parts(len(c.weight)):
            kept = np.array([k for k in range(len(c.weight)) if k not in dropped], dtype=np.int64)
            pattern = SparsePattern(c.pattern.target[kept], c.pattern.source[kept], c.pattern.shape)
            yield replace(take_synapses(c, lambda a, kept=kept: a[kept]), pattern=pattern)  # type: ignore[misc]


def stimulus(case: Case, difference: Difference) -> Iterator[Case]:
    """Fewer spikes, and payloads of 1."""
    for name, values in case.stimulus.inputs.items():
        sent = np.flatnonzero(values)
        for dropped in parts(len(sent)):
            emptier = values.copy()
            emptier.flat[sent[list(dropped)]] = 0
            yield with_inputs(case, {**case.stimulus.inputs, name: emptier})
        if (np.abs(values) > 1).any():
            yield with_inputs(case, {**case.stimulus.inputs, name: np.sign(values)})
    for k, port in enumerate(case.network.inputs):
        if port.message_bits:
            plain = ChipInput(port.name, port.size)
            inputs = [plain if n == k else i for n, i in enumerate(case.network.inputs)]
            binary = {**case.stimulus.inputs, port.name: (case.stimulus.inputs[port.name] != 0).astype(np.int64)}
            yield with_inputs(with_network(case, replace(case.network, inputs=tuple(inputs))), binary)


def _halves(count: int) -> Iterator[int]:
    while count >= 1:
        yield count
        count //= 2


def _same(held: Any, value: Any) -> bool:
    if isinstance(held, np.ndarray) and isinstance(value, np.ndarray):
        return np.array_equal(held, value)
    return bool(held is value or (not isinstance(held, np.ndarray) and held == value))


def _empty(case: Case) -> dict[str, NDArray[Any]]:
    return {"steps": np.zeros((case.stimulus.samples, case.stimulus.steps, 0), dtype=np.int64)}


REDUCTIONS: Sequence[Reduction] = (
    steps,
    connections,
    nodes,
    convolutions,
    neurons,
    steps,
    populations,
    synapses,
    stimulus,
)
