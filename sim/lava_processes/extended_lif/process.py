"""ExtendedLIF: Lava's LIF with what Lava's bit-accurate models lack, in any combination. Beyond Lava 0.10."""

from __future__ import annotations

from typing import Any

import numpy as np

from neuroalign.sim.lava_processes import lava_compat

lava_compat.install()

from lava.magma.core.process.variable import Var  # noqa: E402
from lava.proc.lif.process import AbstractLIF  # noqa: E402


class ExtendedLIF(AbstractLIF):
    """LIF neurons with refractory steps, escape noise, rectangular synapses, a second threshold, periodic resets.

    One step, beside what Lava's LIF does::

        u = v = 0  where time_step = reset_offset modulo reset_interval
        u takes what arrived in this and the last window_steps - 1 steps
        where r > 0:  r = r - 1, v stays, no spike (u runs on);  elsewhere
            s_out = v > vth << 6         or, with noise, draw < P(v - (vth << 6))
            s_out = -1 where s_out = 0 and v < vth_lo << 6
            v = 0, r = refractory_steps  where s_out != 0

    ``P(d) = escape_table[clip((d >> escape_shift) + K / 2, 0, K - 1)]`` for a table of K entries in 0..65536, compared
    with ``floor(65536 draw)``; draw number ``(time_step - 1) N + i`` of ``default_rng(escape_seed).random()`` is that
    of neuron i. u, v, bias and thresholds are computed by Lava's own fixed-point LIF. There is a fixed-point model only.

    Parameters
    ----------
    shape : (N,)
    u, v, du, dv, bias_mant, bias_exp
        As of Lava's LIF.
    vth, vth_lo
        Thresholds before the shift by 6 bits, one for all neurons or one each; ``vth_lo`` None: no negative spikes.
    reset_interval, reset_offset : steps
        0: no periodic reset.
    refractory_steps : int
        Steps without a spike after each spike.
    window_steps : int
        0 and 1: u takes what arrives in a step in that step only.
    escape_table : (K,) or None
        Chances in units of 1 / 65536, K even; None: neurons spike above their threshold.
    escape_shift : int
        Bits of v that an entry of the table spans.
    escape_seed : int
        Of the draws.
    """

    def __init__(
        self,
        *,
        shape: tuple[int, ...],
        vth: Any = 10,
        vth_lo: Any = None,
        reset_interval: int = 0,
        reset_offset: int = 0,
        refractory_steps: int = 0,
        window_steps: int = 0,
        escape_table: Any = None,
        escape_shift: int = 0,
        escape_seed: int = 0,
        u: Any = 0,
        v: Any = 0,
        du: Any = 0,
        dv: Any = 0,
        bias_mant: Any = 0,
        bias_exp: Any = 0,
        name: str | None = None,
        log_config: Any = None,
        **kwargs: Any,
    ) -> None:
        lif = {"u": u, "v": v, "du": du, "dv": dv, "bias_mant": bias_mant, "bias_exp": bias_exp}
        super().__init__(shape=shape, name=name, log_config=log_config, **lif, **kwargs)
        self.vth = Var(shape=shape, init=vth)
        self.vth_lo = Var(shape=shape, init=0 if vth_lo is None else vth_lo)
        self.r = Var(shape=shape, init=0)
        self.proc_params["ternary"] = vth_lo is not None
        self.proc_params["reset_interval"] = reset_interval
        self.proc_params["reset_offset"] = reset_offset
        self.proc_params["refractory_steps"] = refractory_steps
        self.proc_params["window_steps"] = window_steps
        self.proc_params["escape_table"] = None if escape_table is None else np.asarray(escape_table, dtype=np.int64)
        self.proc_params["escape_shift"] = escape_shift
        self.proc_params["escape_seed"] = escape_seed
