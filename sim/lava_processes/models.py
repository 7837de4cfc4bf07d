"""Lava's bit-accurate models with a recorder attached: same arithmetic, states appended to files at every step.

``Var.get`` sends one message a number and reads between runs only, so states are written where they are: each model
below runs Lava's own ``run_spk`` and afterwards copies its states into memory-mapped files. Several samples run back to
back in one Lava run, since starting Lava costs more than simulating a small network: every ``steps`` steps each model
puts its states back to what they were before the first step. Without a :class:`Recorder` the models are Lava's.

A plastic connection is read at the end of a step, which is after its learning phase where it has one. Outside the
connection's own learning phases (:class:`~neuroalign.chip.Plasticity`) Lava's learning runs all the same and weights,
delays and tags are put back, so that traces and random numbers go on as if it learned.

Chosen with ``exception_proc_model_map``, see :func:`run_config`.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroalign.chip import Plasticity
from neuroalign.sim.lava_processes import lava_compat

lava_compat.install()

from lava.magma.core.decorator import implements, requires, tag  # noqa: E402
from lava.magma.core.resources import CPU  # noqa: E402
from lava.magma.core.run_configs import Loihi2SimCfg  # noqa: E402
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol  # noqa: E402
from lava.proc.dense.models import (  # noqa: E402
    PyDelayDenseModelBitAcc,
    PyDenseModelBitAcc,
    PyLearningDenseModelBitApproximate,
)
from lava.proc.dense.process import DelayDense, Dense, LearningDense  # noqa: E402
from lava.proc.lif.models import PyLifModelBitAcc  # noqa: E402
from lava.proc.lif.process import LIF  # noqa: E402


@dataclass(frozen=True)
class Recorder:
    """What a process model is told about recording, as the process keyword ``recorder``.

    Parameters
    ----------
    steps : int
        Steps of a sample; the states are put back before step ``steps + 1``, ``2 * steps + 1``, ...
    files
        State ("u", "v", "s", "a") to the .npy file it goes to, of shape (samples, steps, neurons).
    first_sample : int
        Index in the files of the run's first sample.
    error_file : str
        Where a failing model leaves its traceback: Lava itself may hang instead of reporting it.
    progress_file : str
        A byte is appended after each sample; "" for none.
    plasticity : Plasticity or None
        Of a plastic connection: when it learns.
    rows
        Step of a sample (from 1) to its row in the files; None: every step has one.
    """

    steps: int
    error_file: str
    files: Mapping[str, str] = field(default_factory=dict)
    first_sample: int = 0
    progress_file: str = ""
    plasticity: Plasticity | None = None
    rows: Mapping[int, int] | None = None


@contextmanager
def errors_reported(file: str | Path) -> Iterator[None]:
    """Write the traceback of an exception to ``file`` (the first one keeps it), then let the exception pass."""
    try:
        yield
    except BaseException:
        try:
            with Path(file).open("x", encoding="utf-8") as stream:
                stream.write(traceback.format_exc())
        except FileExistsError:
            pass
        raise


class _Recorded:
    """Runs the model's own step between putting states back and writing them down."""

    restored: tuple[str, ...]
    time_step: int
    proc_params: Any

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)  # type: ignore[call-arg]
        self._recorder: Recorder | None = proc_params.get("recorder")
        self._initial: dict[str, NDArray[Any]] = {}
        self._maps: dict[str, NDArray[Any]] = {}

    def run_spk(self) -> None:
        if self._recorder is None:
            super().run_spk()  # type: ignore[misc]
            return
        with errors_reported(self._recorder.error_file):
            sample, step = divmod(self.time_step - 1, self._recorder.steps)
            self._restore(sample, step)
            self._run_spk()
            self._write(self._recorder, sample, step)

    def _run_spk(self) -> None:
        super().run_spk()  # type: ignore[misc]

    def _restore(self, sample: int, step: int) -> None:
        if sample == 0 and step == 0:
            self._initial = {name: getattr(self, name).copy() for name in self.restored}
        elif step == 0:
            for name, value in self._initial.items():
                setattr(self, name, value.copy())

    def _write(self, recorder: Recorder, sample: int, step: int) -> None:
        row = step if recorder.rows is None else recorder.rows.get(step + 1)
        for state, file in recorder.files.items() if row is not None else ():
            if state not in self._maps:
                self._maps[state] = np.load(file, mmap_mode="r+")
            self._maps[state][recorder.first_sample + sample, row] = self._state(state)
        if recorder.progress_file and step == recorder.steps - 1:
            with Path(recorder.progress_file).open("ab") as stream:
                stream.write(b".")

    def _state(self, state: str) -> NDArray[Any]:
        raise NotImplementedError(state)


@implements(proc=LIF, protocol=LoihiProtocol)
@requires(CPU)
@tag("bit_accurate_loihi", "fixed_pt")
class RecordedLif(_Recorded, PyLifModelBitAcc):
    """Lava's PyLifModelBitAcc that records u, v (after reset), s and the input a as received (before the shift)."""

    restored = ("u", "v")

    def subthr_dynamics(self, activation_in: NDArray[Any]) -> None:
        """Lava's dynamics; keeps the input, which Lava holds in a local variable only."""
        self._received = activation_in
        super().subthr_dynamics(activation_in)

    def _state(self, state: str) -> NDArray[Any]:
        sources = {"u": self.u, "v": self.v, "s": self.s_out_buff, "a": self._received}
        return np.asarray(sources[state])


@implements(proc=Dense, protocol=LoihiProtocol)
@requires(CPU)
@tag("bit_accurate_loihi", "fixed_pt")
class RestartedDense(_Recorded, PyDenseModelBitAcc):
    """Lava's PyDenseModelBitAcc whose buffer is emptied before each sample."""

    restored = ("a_buff",)


@implements(proc=DelayDense, protocol=LoihiProtocol)
@requires(CPU)
@tag("bit_accurate_loihi", "fixed_pt")
class RestartedDelayDense(_Recorded, PyDelayDenseModelBitAcc):
    """Lava's PyDelayDenseModelBitAcc whose buffer is emptied before each sample."""

    restored = ("a_buff",)


_SYNAPTIC = {"w": "weights", "t": "tag_1", "d": "tag_2"}


@implements(proc=LearningDense, protocol=LoihiProtocol)
@requires(CPU)
@tag("bit_approximate_loihi", "fixed_pt")
class RecordedLearningDense(_Recorded, PyLearningDenseModelBitApproximate):
    """Lava's PyLearningDenseModelBitApproximate, started over before each sample and read at the end of chosen steps."""

    restored = (
        *("a_buff", "weights", "tag_1", "tag_2", "x0", "tx", "x1", "x2"),
        *("y0", "ty", "y1", "y2", "y3"),
    )

    def lrn_guard(self) -> bool:
        """Whether this step of the sample ends an epoch."""
        with self._time_of_sample():
            return bool(super().lrn_guard())

    def run_lrn(self) -> None:
        """Lava's learning phase; outside the connection's own phases the synapses keep their values."""
        if self._recorder is None:
            super().run_lrn()
            return
        with errors_reported(self._recorder.error_file):
            sample, step = divmod(self.time_step - 1, self._recorder.steps)
            before = {name: getattr(self, name) for name in _SYNAPTIC.values()}  # Lava replaces them, never writes in
            with self._time_of_sample():
                super().run_lrn()
            plasticity = self._recorder.plasticity
            if plasticity is not None and not plasticity.learns_at(step + 1):
                for name, value in before.items():
                    setattr(self, name, value)
            super()._write(self._recorder, sample, step)

    def _run_spk(self) -> None:
        with self._time_of_sample():
            super()._run_spk()

    def _restore(self, sample: int, step: int) -> None:
        super()._restore(sample, step)
        if step == 0:
            self._init_randoms()

    def _write(self, recorder: Recorder, sample: int, step: int) -> None:
        if not self.lrn_guard():  # otherwise the step ends with run_lrn
            super()._write(recorder, sample, step)

    @contextmanager
    def _time_of_sample(self) -> Iterator[None]:
        """Lets Lava count epochs from the sample's first step."""
        whole = self.time_step
        self.time_step = (whole - 1) % self._recorder.steps + 1 if self._recorder else whole
        try:
            yield
        finally:
            self.time_step = whole

    def _state(self, state: str) -> NDArray[Any]:
        return np.asarray(getattr(self, _SYNAPTIC.get(state, state)))


def run_config(recorded: bool = True) -> Any:
    """Lava's run configuration for bit-accurate models, with the models above or (``recorded=False``) Lava's own."""
    ours = {
        LIF: RecordedLif,
        Dense: RestartedDense,
        DelayDense: RestartedDelayDense,
        LearningDense: RecordedLearningDense,
    }
    return Loihi2SimCfg(select_tag="fixed_pt", exception_proc_model_map=ours if recorded else None)
