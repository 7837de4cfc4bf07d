"""Lava's bit-accurate models with a recorder attached: same arithmetic, states appended to files at every step.

``Var.get`` sends one message a number and reads between runs only, so states are written where they are: each model
below runs Lava's own ``run_spk`` and afterwards copies its states into memory-mapped files. Several samples run back to
back in one Lava run, since starting Lava costs more than simulating a small network: every ``steps`` steps each model
puts its states back to what they were before the first step. Without a :class:`~recorded.Recorder` the models are
Lava's. Here are the connections; neurons are in :mod:`neuron_models`.

A plastic connection is read at the end of a step, which is after its learning phase where it has one. Outside the
connection's own learning phases (:class:`~neuroalign.chip.Plasticity`) Lava's learning runs all the same and weights,
delays and tags are put back, so that traces and random numbers go on as if it learned.

Chosen with ``exception_proc_model_map``, see :func:`run_config`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroalign.sim.lava_processes import lava_compat
from neuroalign.sim.lava_processes.recorded import Recorded, Recorder, errors_reported

lava_compat.install()

from lava.magma.core.decorator import implements, requires, tag  # noqa: E402
from lava.magma.core.resources import CPU  # noqa: E402
from lava.magma.core.run_configs import Loihi2SimCfg  # noqa: E402
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol  # noqa: E402
from lava.proc.dense.models import PyLearningDenseModelBitApproximate  # noqa: E402
from lava.proc.dense.process import LearningDense  # noqa: E402

from neuroalign.sim.lava_processes.neuron_models import NEURON_MODELS  # noqa: E402
from neuroalign.sim.lava_processes.synapse_models import SYNAPSE_MODELS  # noqa: E402

__all__ = ["Recorder", "errors_reported", "run_config"]


_SYNAPTIC = {"w": "weights", "t": "tag_1", "d": "tag_2"}


@implements(proc=LearningDense, protocol=LoihiProtocol)
@requires(CPU)
@tag("bit_approximate_loihi", "fixed_pt")
class RecordedLearningDense(Recorded, PyLearningDenseModelBitApproximate):
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

    def _state(self, state: str) -> NDArray[Any]:
        return np.asarray(getattr(self, _SYNAPTIC.get(state, state)))


def run_config(recorded: bool = True) -> Any:
    """Lava's run configuration for bit-accurate models, with the models above or (``recorded=False``) Lava's own."""
    ours = {
        **NEURON_MODELS,
        **SYNAPSE_MODELS,
        LearningDense: RecordedLearningDense,
    }
    return Loihi2SimCfg(select_tag="fixed_pt", exception_proc_model_map=ours if recorded else None)
