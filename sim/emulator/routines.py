"""Which plastic connections are updated by generated kernels, and how the step loop calls them.

A kernel is worth its compilation where there is much to update; otherwise, and in the epochs that it leaves out, the
interpreter does the work. Both do the same, so that nothing but time depends on the choice. The interpreter's are

*   the first epoch, which brings initial values into their ranges;
*   epochs in which a tag of -257 moves by itself, or one could come to be: where the offset is 0.

The step loop is compiled once for all rules: it calls a kernel by its address, and the interpreter too.
"""

from __future__ import annotations

import inspect
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from neuroalign.chip import ChipConnection, ChipNetwork, Plasticity
from neuroalign.sim.emulator import (
    accumulator,
    interpreter,
    interpreter_factors,
    interpreter_lines,
    lanes,
    plastic_tables,
    products,
    streams,
)
from neuroalign.sim.emulator.by_address import address_of, call_at
from neuroalign.sim.emulator.codegen_cache import Kernel, is_cached, kernel, user_folder
from neuroalign.sim.emulator.codegen_source import ARGUMENTS, CHOOSE, source_of
from neuroalign.sim.emulator.codegen_terms import Plan, Rule, plan_of, rule_of
from neuroalign.sim.emulator.interpreter import update_synapses
from neuroalign.sim.emulator.kernels import COMPILED
from neuroalign.sim.emulator.lanes import call_routine
from neuroalign.sim.emulator.plastic_layout import learning_connections
from neuroalign.sim.emulator.plastic_tables import Synapses, Tables
from neuroalign.sim.emulator.prepared import ENDLESS, Plastic

WORTH_COMPILING, WORTH_LOADING = 4e9, 1e8
"""Updates of a synapse from which on a kernel saves more time than it costs: compiled anew, or from the disk."""
SESSION_STEPS = 1_000_000
"""How many steps a run of unknown length is taken for."""
LARGEST_ROW = 65_535


class Routines(NamedTuple):
    """Kernels as the step loop takes them, for each plastic connection; 0 is the address of none."""

    addresses: NDArray[np.int64]
    tagged: NDArray[np.bool_]  # whether tags change, under Fixed
    calls: NDArray[np.int64]  # arguments, a row each
    interpreter: int  # its address


@dataclass(frozen=True, eq=False)
class Chosen:
    """A connection's kernel."""

    plan: Plan
    kernel: Kernel


def choose(
    network: ChipNetwork, implementation: Plastic, steps: int, folder: Path | None = None
) -> tuple[Chosen | None, ...]:
    """The kernels of the plastic connections, compiled or loaded; None where the interpreter does the work.

    Parameters
    ----------
    implementation
        "generated": a kernel wherever there can be one; "kernels": where it is worth its time; "interpreter": nowhere.
    steps
        Length of the run.
    folder
        Where kernels are kept; None: the user's folder for such things.
    """
    if implementation == "interpreter":
        return (None,) * len(learning_connections(network))
    kept = user_folder() if folder is None else folder
    return tuple(
        _chosen(c, plasticity, network.is_fixed, None if implementation == "generated" else steps, kept)
        for c, plasticity in learning_connections(network)
    )


def _chosen(
    connection: ChipConnection, plasticity: Plasticity, fixed: bool, steps: int | None, folder: Path | None
) -> Chosen | None:
    """``steps`` None: whatever it costs."""
    targets, sources = connection.shape
    if connection.pattern is not None or plasticity.rounding_draws != "shared" or targets > LARGEST_ROW:
        return None
    updates = targets * sources * (SESSION_STEPS if steps == ENDLESS else steps or 0)
    updates //= plasticity.program.t_epoch
    if steps is not None and updates < WORTH_LOADING:
        return None
    plan, source = _written(rule_of(plasticity, connection.sign_mode, fixed))
    if steps is not None and updates < WORTH_COMPILING and not is_cached(source, folder):
        return None
    return Chosen(plan, kernel(source, folder))


@lru_cache(maxsize=64)
def _written(rule: Rule) -> tuple[Plan, str]:
    """A rule's plan and source: the same for all members of a batch."""
    plan = plan_of(rule)
    return plan, source_of(plan)


class Calls:
    """The kernels of one run, and the scratch memory that they write to."""

    def __init__(self, chosen: Sequence[Chosen | None], tables: Tables, synapses: Synapses) -> None:
        self.chosen, self.tables = tuple(chosen), tables
        self._synapses = numba.typeof(synapses)
        count = len(chosen)
        self._scratch = [
            np.zeros(0 if own is None else own.plan.scratch_bytes(int(row["targets"]), int(row["t_epoch"])), np.uint8)
            for own, row in zip(chosen, tables.connections, strict=True)
        ]
        self._routines = Routines(
            np.array([0 if own is None else own.kernel.address for own in chosen], dtype=np.int64),
            np.array(
                [own is not None and own.plan.rule.fixed and bool(own.plan.rule.updates[2]) for own in chosen],
                dtype=np.bool_,
            ),
            np.zeros((count, len(ARGUMENTS)), dtype=np.int64),
            interpreter_address(numba.typeof(tables), self._synapses),
        )
        for call, scratch in zip(self._routines.calls, self._scratch, strict=True):
            call[ARGUMENTS.index("scratch")] = -(-scratch.ctypes.data // 64) * 64
            call[ARGUMENTS.index("form")] = CHOOSE
        self._none = self._routines._replace(addresses=np.zeros(count, dtype=np.int64))
        self._last = tables, self._routines

    def routines(self, tables: Tables) -> Routines:
        """The kernels for a run's tables: none where the products are not those that the kernels were written for."""
        names = ("connections", "variables", "products", "factors", "coefficients", "constants")
        if tables is not self._last[0]:
            same = all(np.array_equal(getattr(tables, name), getattr(self.tables, name)) for name in names)
            address = interpreter_address(numba.typeof(tables), self._synapses)
            self._last = tables, (self._routines if same else self._none)._replace(interpreter=address)
        return self._last[1]


@lru_cache(maxsize=1)
def _interpreter() -> Callable[..., int]:
    """:func:`update_synapses` as a function on its own; as to the stamp see :func:`~neuroalign.sim.emulator.kernels.step_kernels`."""
    modules = (
        accumulator, interpreter, interpreter_factors, interpreter_lines, lanes, plastic_tables, products, streams,
    )  # fmt: skip
    stamp = zlib.crc32("".join(inspect.getsource(module) for module in modules).encode())

    @numba.njit(**COMPILED)
    def interpret(c: Any, epoch: Any, offset: Any, tables: Any, s: Any) -> int:
        update_synapses(c, epoch, offset, tables, s)
        return stamp

    return interpret


def interpreter_address(tables: Any, synapses: Any) -> int:
    """Where the interpreter for tables and synapses of these types starts."""
    return address_of(_interpreter(), (*(numba.types.int64,) * 3, tables, synapses))


@numba.njit(inline="always")
def learn_synapses(c: Any, epoch: Any, offset: Any, tables: Any, s: Any, routines: Any) -> None:
    """Update w, d and t of connection ``c`` at the end of an epoch, by its kernel where it can."""
    awaited = s.status[c, 0] == 0 or s.status[c, 1] != 0 or (routines.tagged[c] and offset == 0)
    if routines.addresses[c] == 0 or awaited:
        call_at(routines.interpreter, (c, epoch, offset, tables, s))
    else:
        n, call = tables.connections[c], routines.calls[c]
        values, size = s.values.ctypes.data, s.values.itemsize
        for v in range(3):
            call[v] = values + max(tables.variables[3 * c + v].first, 0) * size
        call[3] = s.x.ctypes.data + n.x * s.x.itemsize
        call[4] = s.y.ctypes.data + n.y * s.y.itemsize
        call[5] = s.spiked_at.ctypes.data + n.source_spikes * s.spiked_at.itemsize
        call[6] = s.spiked_at.ctypes.data + n.target_spikes * s.spiked_at.itemsize
        call[7] = s.limited.ctypes.data + 3 * c * s.limited.itemsize
        # 8, scratch memory, and 15 stay
        call[9], call[10], call[11], call[12] = n.sources, n.targets, n.pitch, n.t_epoch
        call[13] = offset
        call[14] = n.period > 0 and epoch % n.period == 0
        call_routine(routines.addresses[c], call.ctypes.data)
