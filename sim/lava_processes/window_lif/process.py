"""WindowLIF: neurons that watch windows near their threshold and send third factors. Beyond Lava 0.10."""

from __future__ import annotations

from typing import Any

import numpy as np

from neuroalign.sim.lava_processes import lava_compat

lava_compat.install()

from lava.magma.core.process.ports.ports import InPort, OutPort  # noqa: E402
from lava.magma.core.process.process import AbstractProcess  # noqa: E402
from lava.magma.core.process.variable import Var  # noqa: E402

STATES = ("v", "free", "slow", "fast", "largest", "left", "spiked", "resting")


class WindowLIF(AbstractProcess):
    """One step is given in :mod:`neuroalign.chip.window_neurons`. There is a fixed-point model only.

    Ports: ``a_in`` takes what synapses deliver; ``s_out`` sends spikes; ``inside_out``, ``outcome_out`` and ``clear_out``
    send third factors, to be connected to ``s_in_y1``, ``s_in_y3`` and ``s_in_y2`` of a LearningDense that leads here. Its
    ``s_in_bap`` stays open: Lava cuts a negative third factor to 0 where the target spikes in that step.

    Parameters
    ----------
    shape : (N,)
    parameters
        Fields of a :class:`~neuroalign.chip.window_neurons.WindowNeurons`, without name and size.
    """

    def __init__(self, *, shape: tuple[int, ...], parameters: dict[str, int], name: str | None = None) -> None:
        super().__init__(shape=shape, name=name, parameters=dict(parameters))
        self.a_in = InPort(shape=shape)
        self.s_out, self.inside_out = OutPort(shape=shape), OutPort(shape=shape)
        self.outcome_out, self.clear_out = OutPort(shape=shape), OutPort(shape=shape)
        for state in STATES:
            start = parameters["reset"] if state in ("v", "free") else 0
            setattr(self, state, Var(shape=shape, init=np.full(shape, start, np.int32)))

    def third_factors(self) -> dict[str, Any]:
        """Name of the received trace to the port that sends it."""
        return {"y1": self.inside_out, "y2": self.clear_out, "y3": self.outcome_out}
