"""The plastic connections of a ChipNetwork as the tables and states that the kernels run on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuroalign.chip import ChipConnection, ChipNetwork, Numbers, Plasticity, SignMode
from neuroalign.fixed_point import clip_weights
from neuroalign.microcode import (
    POST_TRACES,
    PRE_TRACES,
    SPIKES,
    SYNAPTIC,
    TRACE_LIMIT,
    TRACES,
    Factor,
    Product,
    Program,
)
from neuroalign.sim.emulator.learning_reference import DELAY_MAX, DELAY_MIN, TAG_MAX, TAG_MIN
from neuroalign.sim.emulator.plastic_tables import (
    CONNECTION,
    FACTOR,
    LINES,
    PRODUCT,
    SOURCE_TRACE,
    SPIKE,
    SYNAPSE,
    TARGET_TRACE,
    VARIABLE,
    Synapses,
    Tables,
)
from neuroalign.sim.emulator.products import ACCUMULATOR_MAX, FRACTION_BITS
from neuroalign.sim.emulator.traces import FixedTraces, FloatTraces, trace_arithmetic

DEPENDENCIES = ("x0", "y0", "u")  # as AT_SOURCE, AT_TARGET, AT_END number them
CACHE_LINE = 64
INT32_MIN, INT32_MAX = np.iinfo(np.int32).min, np.iinfo(np.int32).max


class PlasticLayout(NamedTuple):
    """All plastic connections of a network; ``names`` in the order of the tables."""

    names: tuple[str, ...]
    tables: Tables
    start: Synapses

    def place(self, name: str, variable: int) -> tuple[int, int]:
        """First entry of a synaptic variable of a connection, -1 where it is not held; and the pitch of its rows."""
        n = self.names.index(name)
        return int(self.tables.variables["first"][3 * n + variable]), int(self.tables.connections["pitch"][n])


def learning_connections(network: ChipNetwork) -> list[tuple[ChipConnection, Plasticity]]:
    """The plastic connections in the order of the tables."""
    return [(c, c.plasticity) for c in network.connections if c.plasticity is not None]


def lay_out_plastic(network: ChipNetwork, senders: Mapping[str, tuple[int, int]]) -> PlasticLayout:
    """Tables and initial states of a checked network's plastic connections.

    Parameters
    ----------
    senders
        Name of an input or population to its first entry and size in what is sent.
    """
    fixed = network.is_fixed
    dtype = np.dtype(np.int32 if fixed else np.float64)
    learning = learning_connections(network)
    tables = _tables(learning, senders, fixed, dtype)
    return PlasticLayout(tuple(c.name for c, _ in learning), tables, _start(learning, tables, fixed, dtype))


def _tables(
    learning: Sequence[tuple[ChipConnection, Plasticity]],
    senders: Mapping[str, tuple[int, int]],
    fixed: bool,
    dtype: np.dtype[Any],
) -> Tables:
    programs = [plasticity.program for _, plasticity in learning]
    products = [product for program in programs for product in program.products]
    factors = [factor for product in products for factor in product.factors]
    connections = _connection_table(learning, senders, fixed)
    first_factors = np.cumsum([0, *(len(product.factors) for product in products)])
    product_rows = [_product_row(product, int(f)) for product, f in zip(products, first_factors[:-1], strict=True)]
    return Tables(
        connections=connections,
        variables=_variable_table(learning, connections, fixed),
        products=np.array(product_rows, dtype=PRODUCT),
        factors=np.array([_factor_row(f, fixed) for f in factors], dtype=FACTOR),
        coefficients=np.array([p.mantissa if fixed else p.coefficient for p in products], dtype=dtype),
        constants=np.array([_constants(f, fixed) for f in factors], dtype=dtype).reshape(-1, 3),
        decay=np.concatenate([np.zeros(0), *(_decay(p, fixed) for p in programs)]),
        impulse=np.concatenate([np.zeros((0, 2)), *(_impulse(p, fixed) for p in programs)]).astype(dtype),
        trace_limit=np.array([TRACE_LIMIT - 1 if fixed else np.inf], dtype=dtype),
    )


def _connection_table(
    learning: Sequence[tuple[ChipConnection, Plasticity]], senders: Mapping[str, tuple[int, int]], fixed: bool
) -> NDArray[Any]:
    table = np.zeros(len(learning), dtype=CONNECTION)
    x = y = spikes = 0
    for row, (c, plasticity) in zip(table, learning, strict=True):
        program = plasticity.program
        (row["source"], sources), (row["target"], targets) = senders[c.source], senders[c.target]
        row["sources"], row["targets"], row["pitch"] = sources, targets, _pitch(targets, fixed)
        row["x"], row["y"], row["source_spikes"], row["target_spikes"] = x, y, spikes, spikes + sources
        x, y = x + 2 * (program.t_epoch + 1) * sources, y + 3 * (program.t_epoch + 1) * targets
        spikes += sources + targets
        row["t_epoch"], row["period"] = program.t_epoch, 0 if program.k is None else 2**program.k
        needs = {_needs(product) for product in program.products}
        row["gated"] = any(source for source, _ in needs)
        row["columns"], row["everywhere"] = (False, True) in needs, (False, False) in needs
    return table


def _variable_table(
    learning: Sequence[tuple[ChipConnection, Plasticity]], connections: NDArray[Any], fixed: bool
) -> NDArray[Any]:
    table = np.zeros(3 * len(learning), dtype=VARIABLE)
    held = product = 0
    for n, (c, plasticity) in enumerate(learning):
        program = plasticity.program
        for k, own in enumerate((program.dw, program.dd, program.tag_update)):
            row = table[3 * n + k]
            row["first"] = -1
            if k == 0 or own or SYNAPTIC[k] in program.variables:
                row["first"], held = held, held + int(connections["sources"][n] * connections["pitch"][n])
            row["product"], row["product_end"] = product, product + len(own)
            product += len(own)
            row["sign"], row["low"], row["high"] = _range(k, c.sign_mode)
            row["restless"] = TAG_MIN if fixed and SYNAPTIC[k] == "t" else INT32_MIN
    return table


def _pitch(targets: int, fixed: bool) -> int:
    """Entries of a row: one cache line more where a power of two would put a whole column into few sets of the cache."""
    size = 2 if fixed else 8
    return targets + CACHE_LINE // size if targets * size % (8 * CACHE_LINE) == 0 else targets


def _needs(product: Product) -> tuple[bool, bool]:
    """Whether the source and the target must have spiked for the product to be other than 0."""
    flags = {product.dependency, *(f.variable for f in product.factors)}
    return "x0" in flags, "y0" in flags


def _range(variable: int, sign_mode: SignMode) -> tuple[int, int, int]:
    """Sign, lowest and highest value of w, d or t."""
    if SYNAPTIC[variable] == "d":
        return 1, DELAY_MIN, DELAY_MAX
    if SYNAPTIC[variable] == "t":
        return 0, TAG_MIN, TAG_MAX
    low, high = clip_weights(np.array([-INT32_MAX, INT32_MAX]), sign_mode)
    return {"mixed": 0, "excitatory": 1, "inhibitory": -1}[sign_mode], int(low), int(high)


def _product_row(product: Product, factor: int) -> tuple[int, ...]:
    left = product.exponent + FRACTION_BITS
    return (
        DEPENDENCIES.index(product.dependency),
        *_needs(product),
        factor,
        factor + len(product.factors),
        product.shift,
        left,
        ((ACCUMULATOR_MAX + 2) >> left) + 1,
    )


def _factor_row(factor: Factor, fixed: bool) -> tuple[int, ...]:
    kinds = {SOURCE_TRACE: PRE_TRACES, TARGET_TRACE: POST_TRACES, SYNAPSE: SYNAPTIC, SPIKE: SPIKES}
    kind = next(k for k, names in kinds.items() if factor.variable in names)
    partial = fixed and factor.constant != int(np.floor(factor.constant))
    return kind, kinds[kind].index(factor.variable), factor.sign, partial


def _constants(factor: Factor, fixed: bool) -> tuple[float, float, float]:
    """The constant (its whole part under Fixed) and the range of the factor."""
    if not fixed:
        return factor.constant, -np.inf, np.inf
    return int(np.floor(factor.constant)), -(1 << factor.bits), (1 << factor.bits) - 1


def _decay(program: Program, fixed: bool) -> NDArray[np.float64]:
    return trace_arithmetic([program.trace(name) for name in TRACES], fixed).decay[:, 0]


def _impulse(program: Program, fixed: bool) -> NDArray[np.float64]:
    arithmetic = trace_arithmetic([program.trace(name) for name in TRACES], fixed)
    if isinstance(arithmetic, FixedTraces):
        return np.concatenate([arithmetic.whole, arithmetic.fraction], axis=1).astype(np.float64)
    assert isinstance(arithmetic, FloatTraces)
    return np.concatenate([arithmetic.impulse, np.zeros_like(arithmetic.impulse)], axis=1)


def _start(
    learning: Sequence[tuple[ChipConnection, Plasticity]], tables: Tables, fixed: bool, dtype: np.dtype[Any]
) -> Synapses:
    """States before step 1."""
    rows = tables.connections
    longest = int(max(rows["sources"].max(initial=0), rows["targets"].max(initial=0)))
    return Synapses(
        values=_start_values(learning, tables, np.dtype(np.int16 if fixed else np.float64)),
        x=np.zeros(int((2 * (rows["t_epoch"] + 1) * rows["sources"]).sum()), dtype=dtype),
        y=np.zeros(int((3 * (rows["t_epoch"] + 1) * rows["targets"]).sum()), dtype=dtype),
        spiked_at=np.zeros(int((rows["sources"] + rows["targets"]).sum()), dtype=np.int32),
        status=np.zeros((len(rows), 2), dtype=np.int64),
        limited=np.zeros((len(rows), 3), dtype=np.int64),
        lines=np.zeros((LINES, max(longest, 3)), dtype=dtype),
        marks=np.zeros((3, longest), dtype=np.int32),
    )


def _start_values(
    learning: Sequence[tuple[ChipConnection, Plasticity]], tables: Tables, dtype: np.dtype[Any]
) -> Numbers:
    """Initial w, d and t where held: (N_target, N_source) arrays become rows of one source each."""
    sizes = np.repeat(tables.connections["sources"] * tables.connections["pitch"], len(SYNAPTIC))
    values = np.zeros(int(sizes[tables.variables["first"] >= 0].sum()), dtype=dtype)
    for n, (c, plasticity) in enumerate(learning):
        row = tables.connections[n]
        shape = (int(row["sources"]), int(row["pitch"]))
        for k, initial in ((0, c.weight), (2, plasticity.tag)):  # delays start from 0
            first = int(tables.variables["first"][3 * n + k])
            if first >= 0:
                held = values[first : first + shape[0] * shape[1]].reshape(shape)
                held[:, : row["targets"]] = initial.T
    return values
