"""The plastic connections of a ChipNetwork as the tables and states that the kernels run on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuroalign.chip import ChipConnection, ChipNetwork, Numbers, Plasticity
from neuroalign.microcode import (
    POST_TRACES,
    PRE_TRACES,
    SYNAPTIC,
    TRACE_LIMIT,
    TRACES,
)
from neuroalign.sim.emulator.blocks import narrowed, row_blocks
from neuroalign.sim.emulator.changes import ProgramChange
from neuroalign.sim.emulator.learning_reference import TAG_MIN
from neuroalign.sim.emulator.plastic_tables import (
    CONNECTION,
    FACTOR,
    GRADED_MODES,
    LINES,
    PRODUCT,
    VARIABLE,
    Synapses,
    Tables,
)
from neuroalign.sim.emulator.program_rows import (
    factor_constants,
    factor_row,
    needs,
    product_row,
    trace_constants,
    variable_range,
)
from neuroalign.sim.emulator.sparse_lists import places_held, sparse_lists

CACHE_LINE = 64
LONG_ROW = 256
"""Targets from which on the unused end of a row's last cache line is little beside the row."""
INT32_MIN = np.iinfo(np.int32).min


class PlasticLayout(NamedTuple):
    """All plastic connections of a network; ``names`` in the order of the tables.

    ``later`` has a row for each step (from 1) at whose start programs change: the step, the numbers of the connections
    that change, and the tables from then on. All tables agree in where things lie.
    """

    names: tuple[str, ...]
    tables: Tables
    start: Synapses
    later: tuple[tuple[int, tuple[int, ...], Tables], ...] = ()

    def place(self, name: str, variable: int) -> tuple[int, int]:
        """First entry of a synaptic variable of a connection, -1 where it is not held; and the pitch of its rows."""
        n = self.names.index(name)
        return int(self.tables.variables["first"][3 * n + variable]), int(self.tables.connections["pitch"][n])

    def tables_at(self, t: int) -> tuple[Tables, int | None, tuple[int, ...]]:
        """Tables of step index t (from 0), the step index at which the next ones begin, and what changes just at t."""
        tables = self.tables
        starting: tuple[int, ...] = ()
        for step, changed, following in self.later:
            if step - 1 > t:
                return tables, step - 1, starting
            tables, starting = following, changed if step - 1 == t else ()
        return tables, None, starting


Learning = Sequence[tuple[ChipConnection, Plasticity]]


def learning_connections(network: ChipNetwork) -> list[tuple[ChipConnection, Plasticity]]:
    """The plastic connections in the order of the tables."""
    return [(c, c.plasticity) for c in network.connections if c.plasticity is not None]


def lay_out_plastic(
    network: ChipNetwork, senders: Mapping[str, tuple[int, int]], changes: Sequence[ProgramChange] = ()
) -> PlasticLayout:
    """Tables and initial states of a checked network's plastic connections.

    Parameters
    ----------
    senders
        Name of an input or population to its first entry and size in what is sent.
    changes
        Checked changes of programs, in the order of their steps.
    """
    fixed = network.is_fixed
    dtype = np.dtype(np.int32 if fixed else np.float64)
    learning = learning_connections(network)
    names = tuple(c.name for c, _ in learning)
    versions = _versions(learning, changes)
    held = np.any([_held(version) for _, _, version in versions], axis=0)
    driven = np.any([_driven(version) for _, _, version in versions], axis=0)
    tables = [_tables(version, senders, fixed, dtype, held, driven) for _, _, version in versions]
    later = tuple(
        (step, changed, table._replace(lists=tables[0].lists))
        for (step, changed, _), table in zip(versions[1:], tables[1:], strict=True)
    )
    return PlasticLayout(names, tables[0], _start(learning, tables[0], fixed, dtype), later)


def _versions(learning: Learning, changes: Sequence[ProgramChange]) -> list[tuple[int, tuple[int, ...], Learning]]:
    """The connections as they are from the start on, and from each step on in which some change."""
    names = [c.name for c, _ in learning]
    versions: list[tuple[int, tuple[int, ...], Learning]] = [(1, (), learning)]
    for step in sorted({change.step for change in changes}):
        now = list(versions[-1][2])
        changed = []
        for change in changes:
            if change.step == step:
                n = names.index(change.connection)
                now[n] = (now[n][0], replace(now[n][1], program=change.program))
                changed.append(n)
        versions.append((step, tuple(changed), now))
    return versions


def _held(learning: Learning) -> NDArray[np.bool_]:
    """Whether w, d and t of each connection are read or changed (w: also sent)."""
    held = np.zeros((len(learning), 3), dtype=bool)
    for row, (_, plasticity) in zip(held, learning, strict=True):
        program = plasticity.program
        for k, own in enumerate((program.dw, program.dd, program.tag_update)):
            row[k] = k == 0 or bool(own) or SYNAPTIC[k] in program.variables
    return held


def _driven(learning: Learning) -> NDArray[np.bool_]:
    """Whether each trace of each connection is ever other than 0."""
    driven = np.zeros((len(learning), len(TRACES)), dtype=bool)
    for row, (_, plasticity) in zip(driven, learning, strict=True):
        row[:] = [plasticity.program.trace(name).impulse > 0 for name in TRACES]
        row[0] |= plasticity.graded != "impulse"
        row[len(PRE_TRACES) :] |= bool(plasticity.modulators)
    return driven


def _tables(
    learning: Learning,
    senders: Mapping[str, tuple[int, int]],
    fixed: bool,
    dtype: np.dtype[Any],
    held: NDArray[np.bool_],
    driven: NDArray[np.bool_],
) -> Tables:
    programs = [plasticity.program for _, plasticity in learning]
    products = [product for program in programs for product in program.products]
    factors = [factor for product in products for factor in product.factors]
    connections = _connection_table(learning, senders, fixed)
    lists = sparse_lists([c for c, _ in learning], connections)
    first_factors = np.cumsum([0, *(len(product.factors) for product in products)])
    product_rows = [product_row(product, int(f)) for product, f in zip(products, first_factors[:-1], strict=True)]
    decay, impulse = trace_constants([plasticity for _, plasticity in learning], fixed)
    return Tables(
        connections=connections,
        variables=_variable_table(learning, connections, held, fixed),
        products=np.array(product_rows, dtype=PRODUCT),
        factors=np.array([factor_row(f, fixed) for f in factors], dtype=FACTOR),
        coefficients=np.array([p.mantissa if fixed else p.coefficient for p in products], dtype=dtype),
        constants=np.array([factor_constants(f, fixed) for f in factors], dtype=dtype).reshape(-1, 3),
        decay=decay,
        impulse=impulse.astype(dtype),
        trace_limit=np.array([TRACE_LIMIT - 1, 0] if fixed else [np.inf, -np.inf], dtype=dtype),
        driven=driven.reshape(-1),
        lists=lists,
    )


def _connection_table(learning: Learning, senders: Mapping[str, tuple[int, int]], fixed: bool) -> NDArray[Any]:
    table = np.zeros(len(learning), dtype=CONNECTION)
    x = y = spikes = 0
    for row, (c, plasticity) in zip(table, learning, strict=True):
        program = plasticity.program
        (row["source"], sources), (row["target"], targets) = senders[c.source], senders[c.target]
        row["sources"], row["targets"] = sources, targets
        row["pitch"] = _pitch(targets, fixed) if c.pattern is None else 0
        row["x"], row["y"], row["source_spikes"], row["target_spikes"] = x, y, spikes, spikes + sources
        x, y = x + 2 * (program.t_epoch + 1) * sources, y + 3 * (program.t_epoch + 1) * targets
        spikes += sources + targets
        row["t_epoch"], row["period"] = program.t_epoch, 0 if program.k is None else 2**program.k
        needed = {needs(product) for product in program.products}
        row["gated"] = any(source for source, _ in needed)
        row["columns"], row["everywhere"] = (False, True) in needed, (False, False) in needed
        row["reads_synapse"] = any(f.variable in SYNAPTIC for p in program.products for f in p.factors)
        row["graded"], row["modulated"] = GRADED_MODES.index(plasticity.graded), bool(plasticity.modulators)
        for name in POST_TRACES:
            row[f"{name}_sender"] = -1
        for name, sender in plasticity.modulators:
            row[f"{name}_sender"], row[f"{name}_stride"] = senders[sender][0], senders[sender][1] > 1
        row["own_draws"] = fixed and plasticity.rounding_draws == "synapse"
        row["rounding_seed"] = plasticity.rounding_seed
    return table


def synapses_held(row: Any) -> int:
    """Entries that a variable of a connection takes, from its row of the table."""
    return int(row["synapses"]) if row["sparse"] else int(row["sources"] * row["pitch"])


def _variable_table(
    learning: Learning, connections: NDArray[Any], held: NDArray[np.bool_], fixed: bool
) -> NDArray[Any]:
    table = np.zeros(3 * len(learning), dtype=VARIABLE)
    first = product = 0
    for n, (c, plasticity) in enumerate(learning):
        program = plasticity.program
        for k, own in enumerate((program.dw, program.dd, program.tag_update)):
            row = table[3 * n + k]
            row["first"] = -1
            if held[n, k]:
                row["first"], first = first, first + synapses_held(connections[n])
            row["product"], row["product_end"] = product, product + len(own)
            product += len(own)
            row["sign"], row["low"], row["high"] = variable_range(k, c.sign_mode)
            row["restless"] = TAG_MIN if fixed and SYNAPTIC[k] == "t" else INT32_MIN
    return table


def _pitch(targets: int, fixed: bool) -> int:
    """Entries of a row: long rows begin with a cache line, and one line more keeps columns out of few sets of the cache."""
    line = CACHE_LINE // (2 if fixed else 8)
    pitch = -(-targets // line) * line if targets >= LONG_ROW else targets
    return pitch + line if pitch % (8 * line) == 0 else pitch


def _start(learning: Learning, tables: Tables, fixed: bool, dtype: np.dtype[Any]) -> Synapses:
    """States before step 1."""
    rows = tables.connections
    longest = int(max(rows["sources"].max(initial=0), rows["targets"].max(initial=0)))
    held = np.dtype(np.int16 if fixed else np.float64)
    return Synapses(
        values=np.zeros(0, dtype=held),  # of each run its own: start_values
        x=np.zeros(int((2 * (rows["t_epoch"] + 1) * rows["sources"]).sum()), dtype=dtype),
        y=np.zeros(int((3 * (rows["t_epoch"] + 1) * rows["targets"]).sum()), dtype=dtype),
        spiked_at=np.zeros(int((rows["sources"] + rows["targets"]).sum()), dtype=np.int32),
        status=np.zeros((len(rows), 2), dtype=np.int64),
        limited=np.zeros((len(rows), 3), dtype=np.int64),
        lines=np.zeros((LINES, longest), dtype=dtype),
        flags=np.zeros(longest, dtype=held),
        column=np.zeros((3, longest), dtype=held),
        marks=np.zeros(longest, dtype=np.int32),
    )


def _on_a_line(count: int, dtype: np.dtype[Any]) -> Numbers:
    """Zeros that begin with a cache line: whole rows cost a sixth more where each access touches two lines."""
    held = np.zeros(count * dtype.itemsize + CACHE_LINE, dtype=np.uint8)
    first = -held.ctypes.data % CACHE_LINE
    return held[first : first + count * dtype.itemsize].view(dtype)


def start_values(learning: Learning, tables: Tables, dtype: np.dtype[Any]) -> Numbers:
    """Initial w, d and t where held: (N_target, N_source) arrays become rows of one source each.

    They are read from the network at the start of each run, a block at a time, so that one copy is all there is.
    """
    sizes = np.repeat([synapses_held(row) for row in tables.connections], len(SYNAPTIC)).astype(np.int64)
    values = _on_a_line(int(sizes[tables.variables["first"] >= 0].sum()), dtype)
    for n, (c, plasticity) in enumerate(learning):
        row = tables.connections[n]
        for k, initial in ((0, c.weight), (2, plasticity.tag)):  # delays start from 0
            first = int(tables.variables["first"][3 * n + k])
            if first < 0:
                continue
            held = values[first : first + synapses_held(row)]
            if row["sparse"]:
                held[places_held(tables.lists, row)] = narrowed(initial)
                continue
            rows = held.reshape(int(row["sources"]), int(row["pitch"]))
            for post, block in row_blocks(initial):
                rows[:, post : post + len(block)] = block.T
    return values
