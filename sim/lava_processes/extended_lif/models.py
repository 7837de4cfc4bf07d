"""The fixed-point model of ExtendedLIF; u and v are computed by Lava's own fixed-point LIF."""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroalign.sim.lava_processes import lava_compat

lava_compat.install()

from lava.magma.core.decorator import implements, requires, tag  # noqa: E402
from lava.magma.core.model.py.ports import PyOutPort  # noqa: E402
from lava.magma.core.model.py.type import LavaPyType  # noqa: E402
from lava.magma.core.resources import CPU  # noqa: E402
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol  # noqa: E402
from lava.proc.lif.models import AbstractPyLifModelFixed  # noqa: E402

from neuroalign.sim.lava_processes.extended_lif.process import ExtendedLIF  # noqa: E402


@implements(proc=ExtendedLIF, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PyExtendedLifModelFixed(AbstractPyLifModelFixed):
    """See :class:`ExtendedLIF`."""

    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32, precision=2)
    vth: np.ndarray = LavaPyType(np.ndarray, np.int64, precision=17)
    vth_lo: np.ndarray = LavaPyType(np.ndarray, np.int64, precision=17)
    r: np.ndarray = LavaPyType(np.ndarray, np.int32, precision=32)

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        self.ternary = proc_params["ternary"]
        self.reset_interval, self.reset_offset = proc_params["reset_interval"], proc_params["reset_offset"]
        self.refractory_steps = proc_params["refractory_steps"]
        self.escape_table, self.escape_shift = proc_params["escape_table"], proc_params["escape_shift"]
        self.escape_seed = proc_params["escape_seed"]
        self.window_steps = proc_params["window_steps"]
        self.start_over()

    def start_over(self) -> None:
        """Go back to the first draw, with nothing received before."""
        self.draws = np.random.default_rng(self.escape_seed)
        self.window: deque[NDArray[Any]] = deque(maxlen=max(self.window_steps, 1))

    def run_spk(self) -> None:
        """One step."""
        received = self.a_in.recv()
        if self.reset_interval and (self.time_step - self.reset_offset) % self.reset_interval == 0:
            self.u[:] = 0
            self.v[:] = 0
        self.scale_bias()
        resting, v_before = self.r > 0, self.v.copy()
        self.window.append(received)
        self.subthr_dynamics(np.sum(self.window, axis=0, dtype=np.int64).astype(np.int32))  # wraps
        self.v[resting] = v_before[resting]
        self.s_out_buff = self.spiking_activation()
        spiked = self.s_out_buff != 0
        self.reset_voltage(spiked)
        self.r[:] = np.where(spiked, self.refractory_steps, np.maximum(self.r - 1, 0))
        self.s_out.send(self.s_out_buff)

    def spiking_activation(self) -> NDArray[np.int32]:
        """Spikes of the neurons that do not rest: 1, and -1 of ternary ones."""
        distance = self.v - (self.vth << self.vth_shift)
        up = distance > 0
        if self.escape_table is not None:
            entries = self.escape_table.size
            chance = self.escape_table[np.clip((distance >> self.escape_shift) + entries // 2, 0, entries - 1)]
            up = np.floor(65536 * self.draws.random(self.v.size)) < chance
        down = ~up & (self.v < self.vth_lo << self.vth_shift) if self.ternary else np.zeros_like(up)
        spikes: NDArray[np.int32] = np.where(self.r > 0, 0, up.astype(np.int32) - down)
        return spikes.astype(np.int32)
