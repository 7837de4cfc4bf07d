"""Lava's bit-approximate learning models with a recorder attached; see :mod:`models`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroalign.sim.lava_processes import lava_compat
from neuroalign.sim.lava_processes.recorded import Recorded, Recorder, errors_reported

lava_compat.install()

from lava.magma.core.decorator import implements, requires, tag  # noqa: E402
from lava.magma.core.resources import CPU  # noqa: E402
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol  # noqa: E402
from lava.proc.dense.models import PyLearningDenseModelBitApproximate  # noqa: E402
from lava.proc.dense.process import LearningDense  # noqa: E402
from lava.proc.sparse.models import PyLearningSparseModelBitApproximate  # noqa: E402
from lava.proc.sparse.process import LearningSparse  # noqa: E402
from scipy.sparse import issparse  # noqa: E402

_SYNAPTIC = {"w": "weights", "t": "tag_1", "d": "tag_2"}


class _RecordedLearning(Recorded):
    """A learning model started over before each sample and read at the end of chosen steps."""

    restored = (
        *("a_buff", "weights", "tag_1", "tag_2", "x0", "tx", "x1", "x2"),
        *("y0", "ty", "y1", "y2", "y3"),
    )

    def lrn_guard(self) -> bool:
        """Whether this step of the sample ends an epoch."""
        with self._time_of_sample():
            return bool(super().lrn_guard())  # type: ignore[misc]

    def run_lrn(self) -> None:
        """Lava's learning phase; outside the connection's own phases the synapses keep their values."""
        if self._recorder is None:
            super().run_lrn()  # type: ignore[misc]
            return
        with errors_reported(self._recorder.error_file):
            sample, step = divmod(self.time_step - 1, self._recorder.steps)
            before = {name: getattr(self, name) for name in _SYNAPTIC.values()}  # Lava replaces them, never writes in
            with self._time_of_sample():
                super().run_lrn()  # type: ignore[misc]
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
            self._init_randoms()  # type: ignore[attr-defined]

    def _write(self, recorder: Recorder, sample: int, step: int) -> None:
        if not self.lrn_guard():  # otherwise the step ends with run_lrn
            super()._write(recorder, sample, step)

    def _state(self, state: str) -> NDArray[Any]:
        values = getattr(self, _SYNAPTIC.get(state, state))
        if not issparse(values):
            return np.asarray(values)
        ordered = values.tocsr(copy=True)
        ordered.sort_indices()
        return np.asarray(ordered.data)


@implements(proc=LearningDense, protocol=LoihiProtocol)
@requires(CPU)
@tag("bit_approximate_loihi", "fixed_pt")
class RecordedLearningDense(_RecordedLearning, PyLearningDenseModelBitApproximate):
    """Lava's PyLearningDenseModelBitApproximate."""


@implements(proc=LearningSparse, protocol=LoihiProtocol)
@requires(CPU)
@tag("bit_approximate_loihi", "fixed_pt")
class RecordedLearningSparse(_RecordedLearning, PyLearningSparseModelBitApproximate):
    """Lava's PyLearningSparseModelBitApproximate."""


PLASTIC_MODELS = {LearningDense: RecordedLearningDense, LearningSparse: RecordedLearningSparse}
