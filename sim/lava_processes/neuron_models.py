"""Lava's bit-accurate neurons, and our own, with a recorder attached (see :mod:`models`).

They record u, v (after reset), s, the input a as received (before the shift) and, where there is one, r.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroalign.sim.lava_processes import lava_compat
from neuroalign.sim.lava_processes.recorded import Recorded

lava_compat.install()

from lava.magma.core.decorator import implements, requires, tag  # noqa: E402
from lava.magma.core.resources import CPU  # noqa: E402
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol  # noqa: E402
from lava.proc.lif.models import PyLifModelBitAcc, PyLifResetModelBitAcc, PyTernLifModelFixed  # noqa: E402
from lava.proc.lif.process import LIF, LIFReset, TernaryLIF  # noqa: E402

from neuroalign.sim.lava_processes.extended_lif.models import PyExtendedLifModelFixed  # noqa: E402
from neuroalign.sim.lava_processes.extended_lif.process import ExtendedLIF  # noqa: E402


class _RecordedNeurons(Recorded):
    """Keeps the input and the spikes, which some of Lava's models hold in local variables only."""

    restored: tuple[str, ...] = ("u", "v")

    def subthr_dynamics(self, activation_in: NDArray[Any]) -> None:
        """Lava's dynamics."""
        self._received = activation_in
        super().subthr_dynamics(activation_in)  # type: ignore[misc]

    def spiking_activation(self) -> Any:
        """Lava's spikes."""
        self._spikes = super().spiking_activation()  # type: ignore[misc]
        return self._spikes

    def _run_spk(self) -> None:
        with self._time_of_sample():
            super()._run_spk()

    def _state(self, state: str) -> NDArray[Any]:
        return np.asarray({"s": self._spikes, "a": self._received}[state] if state in "sa" else getattr(self, state))


@implements(proc=LIF, protocol=LoihiProtocol)
@requires(CPU)
@tag("bit_accurate_loihi", "fixed_pt")
class RecordedLif(_RecordedNeurons, PyLifModelBitAcc):
    """Lava's PyLifModelBitAcc."""


@implements(proc=TernaryLIF, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class RecordedTernaryLif(_RecordedNeurons, PyTernLifModelFixed):
    """Lava's PyTernLifModelFixed."""


@implements(proc=LIFReset, protocol=LoihiProtocol)
@requires(CPU)
@tag("bit_accurate_loihi", "fixed_pt")
class RecordedLifReset(_RecordedNeurons, PyLifResetModelBitAcc):
    """Lava's PyLifResetModelBitAcc, which counts its steps from the first of each sample."""


@implements(proc=ExtendedLIF, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class RecordedExtendedLif(_RecordedNeurons, PyExtendedLifModelFixed):
    """Our own PyExtendedLifModelFixed, whose draws and window start over in each sample."""

    restored = ("u", "v", "r")

    def subthr_dynamics(self, activation_in: NDArray[Any]) -> None:
        """Our dynamics; what arrived in this step is the last of the window."""
        super().subthr_dynamics(activation_in)
        self._received = self.window[-1]

    def _restore(self, sample: int, step: int) -> None:
        super()._restore(sample, step)
        if step == 0:
            self.start_over()


NEURON_MODELS = {
    LIF: RecordedLif,
    TernaryLIF: RecordedTernaryLif,
    LIFReset: RecordedLifReset,
    ExtendedLIF: RecordedExtendedLif,
}
"""Process to the model that records it."""
