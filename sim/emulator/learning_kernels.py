"""Networks that learn, compiled: the step loop of kernels.py, and after each step the plastic connections.

The random numbers come as arrays, one chunk of steps at a time, from the identical numpy streams (streams.py), so that
memory does not grow with the length of a run.
"""

from __future__ import annotations

import inspect
import zlib
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from neuroalign.chip import ChipNetwork, Numbers, Plasticity
from neuroalign.microcode import SYNAPTIC
from neuroalign.sim.emulator import (
    by_address,
    kernels,
    lanes,
    plastic_tables,
    routines,
    streams,
    trace_kernels,
)
from neuroalign.sim.emulator.kernels import COMPILED, Call, KernelRun, fixed_step, float_step
from neuroalign.sim.emulator.layout import Layout
from neuroalign.sim.emulator.learning_reference import VARIABLES
from neuroalign.sim.emulator.plastic_connection import SOURCE_STATES
from neuroalign.sim.emulator.plastic_layout import learning_connections, start_values, synapses_held
from neuroalign.sim.emulator.plastic_tables import Synapses, Tables
from neuroalign.sim.emulator.routines import Calls, Chosen, learn_synapses
from neuroalign.sim.emulator.sparse_lists import places_held
from neuroalign.sim.emulator.streams import CHUNK, LearningStreams
from neuroalign.sim.emulator.trace_kernels import begin_epoch, receive, record_payloads, record_spikes, run_traces


class Draws(NamedTuple):
    """What chance and phases decide in some steps, for each plastic connection.

    The streams of the traces have two columns a step: for its repeated spikes, and for the end of an epoch.
    """

    decay_x: NDArray[np.float64]
    impulse_x: NDArray[np.int64]
    decay_y: NDArray[np.float64]
    impulse_y: NDArray[np.int64]
    offset: NDArray[np.int64]  # 127 - floor(128 draw) at the end of an epoch
    learns: NDArray[np.bool_]


@numba.njit(inline="always")
def _learn(step: Any, column: Any, sent: Any, tables: Any, s: Any, draws: Any, calls: Any) -> None:
    """Let all plastic connections take in the spikes of a step (from 1) and, at the end of an epoch, learn."""
    for c in range(tables.connections.size):
        n = tables.connections[c]
        sources, targets, t_epoch = n.sources, n.targets, n.t_epoch
        now = (step - 1) % t_epoch + 1
        x = s.x[n.x : n.x + 2 * (t_epoch + 1) * sources]
        y = s.y[n.y : n.y + 3 * (t_epoch + 1) * targets]
        tx = s.spiked_at[n.source_spikes : n.source_spikes + sources]
        ty = s.spiked_at[n.target_spikes : n.target_spikes + targets]
        x_impulse, y_impulse = tables.impulse[5 * c : 5 * c + 2], tables.impulse[5 * c + 2 : 5 * c + 5]
        x_decay, y_decay = tables.decay[5 * c : 5 * c + 2], tables.decay[5 * c + 2 : 5 * c + 5]
        x_driven, y_driven = tables.driven[5 * c : 5 * c + 2], tables.driven[5 * c + 2 : 5 * c + 5]
        limits = tables.trace_limit
        # 0 in the place of the source's draw, as in the reference
        if n.graded:
            record_payloads(sent[n.source : n.source + sources], tx, now, x, x_impulse, limits[0], n.graded)
        else:
            record_spikes(sent[n.source : n.source + sources], tx, now, x, x_impulse, limits[0], np.int64(0))
        draw = draws.impulse_y[c, 2 * column]
        record_spikes(sent[n.target : n.target + targets], ty, now, y, y_impulse, limits[0], draw)
        if n.modulated:
            receive(sent, n.y1_sender, n.y1_stride, y[:targets])
            receive(sent, n.y2_sender, n.y2_stride, y[targets : 2 * targets])
            receive(sent, n.y3_sender, n.y3_stride, y[2 * targets : 3 * targets])
        if now == t_epoch:
            end = 2 * column + 1
            decay_draw, draw = draws.decay_x[c, end], draws.impulse_x[c, end]
            run_traces(x, tx, t_epoch, x_decay, x_impulse, x_driven, limits, decay_draw, draw)
            decay_draw, draw = draws.decay_y[c, end], draws.impulse_y[c, end]
            run_traces(y, ty, t_epoch, y_decay, y_impulse, y_driven, limits, decay_draw, draw)
            if draws.learns[c, column]:
                learn_synapses(c, step // t_epoch, draws.offset[c, column], tables, s, calls)
            begin_epoch(x, tx, 2 * t_epoch * sources, x_driven)
            if n.modulated:
                ty[:] = 0  # the traces are those received
            else:
                begin_epoch(y, ty, 3 * t_epoch * targets, y_driven)


@lru_cache(maxsize=1)
def learning_kernels() -> tuple[Callable[..., int], Callable[..., int]]:
    """The kernels (Fixed, Float64), each running the steps t0 to t0 + len(record) and returning the sources' stamp.

    ``skip`` steps of the draws lie before t0. As to the stamp see :func:`~neuroalign.sim.emulator.kernels.step_kernels`.
    """
    modules = (*kernels.SOURCES, kernels, plastic_tables, streams, trace_kernels, lanes, by_address, routines)
    stamp = zlib.crc32("".join(inspect.getsource(module) for module in modules).encode())

    @numba.njit(**COMPILED)
    def fixed_steps(
        t0: Any, given: Any, record: Any, populations: Any, input_wires: Any, wires: Any, scales: Any, static: Any,
        keep_u: Any, keep_v: Any, threshold: Any, bias: Any, u: Any, v: Any, sent: Any, transit: Any,
        counts: Any, more: Any, tables: Any, synapses: Any, draws: Any, skip: Any, calls: Any,
    ) -> int:  # fmt: skip
        for row in range(record.shape[0]):
            fixed_step(
                t0 + row, row, given, record, populations, input_wires, wires, scales, static, keep_u, keep_v,
                threshold, bias, u, v, sent, transit, counts, more, synapses.values,
            )  # fmt: skip
            _learn(t0 + row + 1, skip + row, sent, tables, synapses, draws, calls)
        return stamp

    @numba.njit(**COMPILED)
    def float_steps(
        t0: Any, given: Any, record: Any, populations: Any, input_wires: Any, wires: Any, scales: Any, static: Any,
        keep_u: Any, keep_v: Any, threshold: Any, bias: Any, u: Any, v: Any, sent: Any, transit: Any,
        more: Any, tables: Any, synapses: Any, draws: Any, skip: Any, calls: Any,
    ) -> int:  # fmt: skip
        for row in range(record.shape[0]):
            float_step(
                t0 + row, row, given, record, populations, input_wires, wires, scales, static, keep_u, keep_v,
                threshold, bias, u, v, sent, transit, more, synapses.values,
            )  # fmt: skip
            _learn(t0 + row + 1, skip + row, sent, tables, synapses, draws, calls)
        return stamp

    return fixed_steps, float_steps


class ChunkedDraws:
    """The draws of a network's plastic connections, one chunk of :data:`CHUNK` steps kept at a time."""

    def __init__(self, network: ChipNetwork, steps: int) -> None:
        self.fixed, self.steps = network.is_fixed, steps
        self.plasticities = [plasticity for _, plasticity in learning_connections(network)]
        self.streams = [LearningStreams(p.program.rng_seed, p.rounding_seed) for p in self.plasticities]
        self._first = -1
        self._draws: Draws | None = None

    def chunk(self, t: int) -> tuple[int, Draws]:
        """First step index (from 0) and draws of the chunk that step index ``t`` lies in."""
        first = t - t % CHUNK
        if self._draws is None or first != self._first:
            self._first, self._draws = first, self._drawn(first, min(CHUNK, self.steps - first))
        return first, self._draws

    def _drawn(self, first: int, count: int) -> Draws:
        n = len(self.plasticities)
        draws = Draws(
            np.zeros((n, 2 * count)),
            np.zeros((n, 2 * count), dtype=np.int64),
            np.zeros((n, 2 * count)),
            np.zeros((n, 2 * count), dtype=np.int64),
            np.zeros((n, count), dtype=np.int64),
            np.array([_learns(p, np.arange(first + 1, first + count + 1)) for p in self.plasticities]),
        )
        if self.fixed:
            for c, (plasticity, own) in enumerate(zip(self.plasticities, self.streams, strict=True)):
                trace_streams = (own.decay_x, own.impulse_x, own.decay_y, own.impulse_y)
                for stream, rows in zip(trace_streams, draws[:4], strict=True):
                    rows[c] = stream.block(2 * first + 1, 2 * count)
                t_epoch = plasticity.program.t_epoch
                done, last = first // t_epoch, (first + count) // t_epoch
                rounding = own.rounding.block(done + 1, last - done)
                draws.offset[c, (done + 1) * t_epoch - 1 - first :: t_epoch] = 127 - np.floor(128 * rounding)
        return draws


def _learns(plasticity: Plasticity, steps: NDArray[np.int64]) -> NDArray[np.bool_]:
    """As :meth:`Plasticity.learns_at`, for many steps."""
    learns = np.full(steps.shape, not plasticity.phases)
    for start, stop in plasticity.phases:
        learns |= (start <= steps) & (steps < stop)
    return learns


class LearningRun(KernelRun):
    """The state of one sample of a plastic network between calls of a kernel."""

    def __init__(
        self, network: ChipNetwork, layout: Layout, draws: ChunkedDraws, chosen: Sequence[Chosen | None]
    ) -> None:
        super().__init__(layout)
        self.network, self.draws = network, draws
        start = layout.plastic.start
        values = start_values(learning_connections(network), layout.plastic.tables, start.values.dtype)
        copies = {name: array.copy() for name, array in start._asdict().items()}
        self.synapses = Synapses(**copies)._replace(values=values)
        self.calls = Calls(chosen, layout.plastic.tables, self.synapses)

    def advance(self, t0: int, given: Any, record: Any) -> None:
        """As in :class:`KernelRun`; the steps must lie in one chunk of the draws."""
        done, steps = 0, len(record)
        while done < steps:
            tables, until, changed = self.layout.plastic.tables_at(t0 + done)
            self.synapses.status[list(changed), 0] = 0  # what is updated for the first time is brought into range
            end = steps if until is None else min(until - t0, steps)
            self._advance(t0 + done, given[done:], record[done:end], tables)
            done = end

    def _advance(self, t0: int, given: Any, record: Any, tables: Tables) -> None:
        call = self.call(t0, given, record, tables)
        call.kernel(t0, *call.before, call.skip, *call.after)

    def call(self, t0: int, given: Any, record: Any, tables: Tables | None = None) -> Call:
        """As in :class:`KernelRun`; ``tables`` None: those of step t0, which must be run next."""
        first, draws = self.draws.chunk(t0)
        until = first + CHUNK
        if tables is None:
            tables, following, changed = self.layout.plastic.tables_at(t0)
            self.synapses.status[list(changed), 0] = 0
            until = until if following is None else min(until, following)
        fixed_steps, float_steps = learning_kernels()
        kernel = fixed_steps if self.layout.dtype == np.int32 else float_steps
        before = (given, record, *self.arguments, self.more(t0, len(record)), tables, self.synapses, draws)
        return Call(kernel, before, t0 - first, (self.calls.routines(tables),), until)

    def read(self, name: str, state: str) -> Numbers:
        """A state of a plastic connection, a copy: of the shape of the weights, or (N,) of a trace or spike times."""
        plastic = self.layout.plastic
        row = plastic.tables.connections[plastic.names.index(name)]
        sources, targets = int(row["sources"]), int(row["targets"])
        if state in SYNAPTIC:
            return self._read_synapses(name, state, row)
        of_source = state in SOURCE_STATES
        size = sources if of_source else targets
        if state in ("tx", "ty"):
            first = int(row["source_spikes" if of_source else "target_spikes"])
            return np.array(self.synapses.spiked_at[first : first + size])
        traces = self.synapses.x if of_source else self.synapses.y
        first = int(row["x" if of_source else "y"]) + (int(state[1]) - 1) * size
        return np.array(traces[first : first + size])

    def _read_synapses(self, name: str, state: str, row: Any) -> Numbers:
        plastic = self.layout.plastic
        first, pitch = plastic.place(name, SYNAPTIC.index(state))
        if first < 0:  # never changed: delays start from 0, tags from their own
            tag = {c.name: plasticity.tag for c, plasticity in learning_connections(self.network)}[name]
            return np.array(tag) if state == "t" else np.zeros_like(tag)
        held = self.synapses.values[first : first + synapses_held(row)]
        if row["sparse"]:
            return np.array(held[places_held(plastic.tables.lists, row)])
        return np.array(held.reshape(int(row["sources"]), pitch)[:, : row["targets"]].T)

    def limited(self) -> dict[str, int]:
        """Counters of updates that ran out of a range, ``<connection>.weight_limited`` and so on; none in Float64."""
        if not self.network.is_fixed:
            return {}
        plastic = self.layout.plastic
        updated = np.zeros((len(plastic.names), len(VARIABLES)), dtype=bool)
        for tables in (plastic.tables, *(later for _, _, later in plastic.later)):
            updated |= (tables.variables["product_end"] > tables.variables["product"]).reshape(updated.shape)
        return {
            f"{plastic.names[n]}.{VARIABLES[k]}_limited": int(self.synapses.limited[n, k])
            for n, k in np.argwhere(updated).tolist()
        }
