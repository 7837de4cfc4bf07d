"""The fixed-point model of WindowLIF."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroalign.sim.lava_processes import lava_compat

lava_compat.install()

from lava.magma.core.decorator import implements, requires, tag  # noqa: E402
from lava.magma.core.model.py.model import PyLoihiProcessModel  # noqa: E402
from lava.magma.core.model.py.ports import PyInPort, PyOutPort  # noqa: E402
from lava.magma.core.model.py.type import LavaPyType  # noqa: E402
from lava.magma.core.resources import CPU  # noqa: E402
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol  # noqa: E402

from neuroalign.sim.lava_processes.window_lif.process import WindowLIF  # noqa: E402

LIMIT = (1 << 23) - 1
CLEAR, LARGEST_SENT = 32, 127


@implements(proc=WindowLIF, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PyWindowLifModelFixed(PyLoihiProcessModel):
    """See :class:`WindowLIF`. Decay and saturation are those of Lava's fixed-point LIF, the order of the step is our own."""

    a_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32, precision=24)
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32, precision=1)
    inside_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32, precision=8)
    outcome_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32, precision=8)
    clear_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32, precision=8)
    v: NDArray[np.int32] = LavaPyType(np.ndarray, np.int32, precision=24)
    free: NDArray[np.int32] = LavaPyType(np.ndarray, np.int32, precision=24)
    slow: NDArray[np.int32] = LavaPyType(np.ndarray, np.int32, precision=24)
    fast: NDArray[np.int32] = LavaPyType(np.ndarray, np.int32, precision=24)
    largest: NDArray[np.int32] = LavaPyType(np.ndarray, np.int32, precision=24)
    left: NDArray[np.int32] = LavaPyType(np.ndarray, np.int32, precision=7)
    spiked: NDArray[np.int32] = LavaPyType(np.ndarray, np.int32, precision=1)
    resting: NDArray[np.int32] = LavaPyType(np.ndarray, np.int32, precision=6)

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        self.p = dict(proc_params["parameters"])

    def run_spk(self) -> None:
        """One step: the membranes, then the windows."""
        within = self.left > 1
        self.largest[within] = np.maximum(self.largest, self.free)[within]
        spikes = self.membranes(self.a_in.recv())
        self.s_out.send(spikes)
        self.windows(within, spikes > 0)

    def membranes(self, received: NDArray[Any]) -> NDArray[np.int32]:
        """Spikes."""
        p = self.p
        arrived = np.left_shift(received.astype(np.int32), p["weight_shift"])
        self.slow[:] = self.decayed(self.slow.astype(np.int64) + arrived, p["slow_decay"])
        self.fast[:] = self.decayed(self.fast.astype(np.int64) + arrived, p["fast_decay"])
        for state in (self.v, self.free):
            state[:] = np.clip(self.decayed(state, p["v_decay"], limit=False) + self.slow - self.fast, -LIMIT, LIMIT)
        fires = (self.v >= p["threshold"]) & (self.resting == 0)
        self.v[fires] = p["reset"]
        self.resting[:] = np.where(fires, p["refractory_steps"], np.maximum(self.resting - 1, 0))
        return np.asarray(fires, dtype=np.int32)

    def windows(self, within: NDArray[np.bool_], fires: NDArray[np.bool_]) -> None:
        """Count, end and open windows, and send third factors."""
        p = self.p
        inside, outcome, clear = np.zeros((3, self.v.size), np.int32)
        self.spiked[within & fires] = 1
        inside[within] = p["flag"]
        self.free[~within] = self.v[~within]
        ends = self.left == 1
        sent = np.minimum((p["threshold"] + self.largest[ends]) >> p["outcome_shift"], LARGEST_SENT)
        outcome[ends] = np.where(self.spiked[ends] == 1, sent, -sent)
        clear[ends] = CLEAR
        self.left[self.left > 0] -= 1
        opens = ~within & (np.abs(p["threshold"] - self.free) <= p["near"]) & (p["near"] > 0)
        inside[opens] = -p["flag"] * p["window"]
        self.left[opens] = p["window"] + 1
        self.largest[opens], self.spiked[opens] = 0, 0
        self.inside_out.send(inside)
        self.outcome_out.send(outcome)
        self.clear_out.send(clear)

    @staticmethod
    def decayed(x: NDArray[Any], decay: int, limit: bool = True) -> NDArray[np.int64]:
        """As Lava's LIF decays: the magnitude, rounded down."""
        found = np.sign(x).astype(np.int64) * ((np.abs(x).astype(np.int64) * ((1 << 12) - decay)) >> 12)
        return np.asarray(np.clip(found, -LIMIT, LIMIT) if limit else found)
