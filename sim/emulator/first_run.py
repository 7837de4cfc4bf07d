"""Short runs before anything is compiled: by the reference, in numpy, where that is done sooner than compilation.

The step loop is compiled once on a machine, which takes half a minute of a processor. A run that the reference finishes
within seconds need not wait for that. How long it takes nobody has to guess: it is tried, for as long as the patience of
this process lasts, and given up then. What a run returns is the same either way, bit for bit; networks in
Float64, where the last bits differ, are not tried.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from neuroalign.chip import ChipNetwork
from neuroalign.sim.emulator.prepared import Prepared
from neuroalign.sim.emulator.samples import Plan, ReferenceSamples, given

PATIENCE_SECONDS = 3.0
LARGEST, LONGEST = 300_000, 20_000
"""Synapses, whose copies in 64 bits must not need much memory, and steps of all entries, that are worth trying."""


@dataclass
class Patience:
    """Seconds that this process may still spend like this: who runs many short runs is better off compiled."""

    left: float = PATIENCE_SECONDS


@lru_cache(maxsize=1)
def patience() -> Patience:
    """The patience of this process."""
    return Patience()


class _GivenUp(Exception):
    """The patience has ended."""


def run_uncompiled(network: ChipNetwork, plan: Plan) -> Counter[str] | None:
    """Fill the plan's recording by the reference; its counters, or None where the kernels are to run it instead."""
    left = patience()
    small = sum(int(np.prod(c.shape)) for c in network.connections) <= LARGEST
    short = small and plan.steps * len(plan.entries) <= LONGEST
    if left.left <= 0 or not short or not network.is_fixed or compiled(plan):
        return None
    samples, start = ReferenceSamples(plan), time.perf_counter()

    def tell(_: int) -> None:
        if time.perf_counter() - start > left.left:
            raise _GivenUp

    try:
        for entry in plan.entries:
            samples.run(entry, tell)
    except _GivenUp:
        return None
    finally:
        left.left -= time.perf_counter() - start
    return samples.counts


def compiled(plan: Plan) -> bool:
    """Whether the step loop for a plan's arrays has been compiled, in this process or on the disk."""
    from neuroalign.sim.emulator.kernels import step_kernels
    from neuroalign.sim.emulator.learning_kernels import learning_kernels

    kernels: tuple[Any, ...] = (*step_kernels(), *learning_kernels())
    if any(kernel.overloads for kernel in kernels):
        return True  # somebody has waited already
    prepared = Prepared(plan.member(0), plan.probes, plan.changes, implementation="interpreter", steps=plan.steps)
    if prepared.learns and not _interpreter_on_disk(prepared):
        return False  # a run that learns could not even be laid out without it
    run = prepared.start(prepared.draws(plan.steps))
    record = np.zeros((1, prepared.layout.columns), dtype=prepared.layout.dtype)
    call = run.call(0, given(prepared.network, plan.stimulus, 0, 0, 1, prepared.layout), record)
    return _on_disk(call.kernel, (0, *call.before, *((call.skip, *call.after) if call.after else ())))


def _interpreter_on_disk(prepared: Prepared) -> bool:
    """Whether numba's disk cache has the interpreter of rules for a network's arrays."""
    from neuroalign.sim.emulator.routines import _interpreter

    plastic = prepared.layout.plastic
    copies: dict[str, Any] = {name: array.copy() for name, array in plastic.start._asdict().items()}  # as in a run
    synapses = plastic.start._replace(**copies)
    return _on_disk(_interpreter(), (0, 0, 0, plastic.tables, synapses))


def _on_disk(kernel: Any, arguments: tuple[Any, ...]) -> bool:
    """Whether numba's disk cache has the kernel for these arguments; loading it would take as long as using it does."""
    import numba

    try:
        key = kernel._cache._index_key(tuple(numba.typeof(a) for a in arguments), kernel.targetctx.codegen())
        return key in kernel._cache._cache_file._load_index()
    except (AttributeError, OSError):  # another numba keeps it elsewhere
        return True
