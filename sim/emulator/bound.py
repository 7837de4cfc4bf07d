"""One step of a run in a call of few microseconds: arrays are handed to the kernel once, not in every step.

numba looks at every array of every call, which for the some seventy arrays of a learning kernel takes several times as
long as a step of a small network. Here they are handed over once and kept as the kernel takes them; a step then calls
the compiled kernel by its address. Only this module, ``by_address`` and ``lanes`` know how numba calls
functions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numba
import numpy as np
from numba.core import types
from numba.core.types import StructRef  # type: ignore[attr-defined]
from numba.experimental import structref
from numba.extending import intrinsic

from neuroalign.sim.emulator.by_address import address_of

if TYPE_CHECKING:
    from neuroalign.sim.emulator.kernels import KernelRun

CACHED = {"cache": True, "nogil": True}


@structref.register
class FrameType(StructRef):
    """Arguments of a kernel: those before ``skip``, and those after it."""


class Frame(structref.StructRefProxy):
    """As Python sees it."""


structref.define_boxing(FrameType, Frame)


@intrinsic
def _call(typing_context: Any, address: Any, t0: Any, before: Any, skip: Any, after: Any) -> Any:
    """``kernel(t0, *before, skip, *after)``, without ``skip`` where nothing follows it."""
    last = (types.int64, *after.types) if len(after.types) else ()
    taken = (types.int64, *before.types, *last)

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        where, first, held, skipped, rest = values
        arguments = [first, *(builder.extract_value(held, k) for k in range(len(before.types)))]
        if last:
            arguments += [skipped, *(builder.extract_value(rest, k) for k in range(len(after.types)))]
        function = context.call_conv.get_function_type(types.int64, taken)
        pointer = builder.inttoptr(where, function.as_pointer())
        return context.call_conv.call_function(builder, pointer, types.int64, taken, arguments)[1]

    return types.int64(types.int64, types.int64, before, types.int64, after), generate


@numba.njit(**CACHED)
def _frame(frame_type: Any, before: Any, after: Any) -> Any:
    frame = structref.new(frame_type)
    frame.before = before
    frame.after = after
    return frame


@numba.njit(**CACHED)
def _step(frame: Any, address: Any, t0: Any, skip: Any) -> Any:
    return _call(address, t0, frame.before, skip, frame.after)


class BoundStep:
    """Runs one step of ``run`` in each call.

    Parameters
    ----------
    run
        A run without escape noise, which hands other arrays over in every step.
    given, record : (1, ...)
        What every step reads its input from and writes its record to.
    t
        The next step index.
    """

    def __init__(self, run: KernelRun, given: Any, record: Any, t: int) -> None:
        self._run, self._given, self._record = run, given, record
        self._bind(t)

    @staticmethod
    def possible(run: KernelRun) -> bool:
        """Whether many steps take the same arrays."""
        return run.escape_draws.neurons == 0

    def __call__(self, t: int) -> None:
        """Run step index ``t`` (from 0)."""
        if not self._first <= t < self._until:
            self._bind(t)
        _step(self._frame, self._address, t, t - self._origin)

    def _bind(self, t: int) -> None:
        call = self._run.call(t, self._given, self._record)
        self._origin, self._first, self._until = t - call.skip, t, call.until
        before, after = numba.typeof(call.before), numba.typeof(call.after)
        taken = (types.int64, *before.types, *((types.int64, *after.types) if call.after else ()))
        self._address = np.int64(address_of(call.kernel, taken))
        frame_type = FrameType([("before", before), ("after", after)])
        self._frame = _frame(frame_type, call.before, call.after)
