"""Lava's neurons and sources as the parts of a ChipNetwork that compute the same."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroalign.chip import ChipInput, ChipPopulation, Fixed
from neuroalign.errors import ConversionRefused
from neuroalign.sim.lava_processes.process_graph import Order, kind, title
from neuroalign.sim.lava_processes.taken_values import exact_per_neuron, per_neuron, require_type

SOURCE = "lava.proc.io.source.RingBuffer"
NEURONS = frozenset(f"lava.proc.lif.process.{name}" for name in ("LIF", "LIFReset", "TernaryLIF", "LearningLIF"))

PAYLOAD_BITS = 32
STATE_BITS, DECAY_BITS, SHIFT = 24, 12, 6
_FIXED = "from_lava takes networks for select_tag='fixed_pt', whose"
_REMEDIES = {
    "du": f"{_FIXED} du is 4096 times the fraction, less 1",
    "dv": f"{_FIXED} dv is 4096 times the fraction",
    "vth": f"{_FIXED} thresholds are whole numbers, compared with v / 64",
}
_LARGEST = {"du": 2**DECAY_BITS - 1, "dv": 2**DECAY_BITS}


def take_source(process: Any, name: str, order: Order, notes: list[str]) -> tuple[ChipInput, NDArray[np.int64]]:
    """A RingBuffer as an input, and its data (steps, channels) in the input's order."""
    given = np.asarray(process.data.init)
    if given.dtype.kind not in "biuf" or not np.isfinite(given).all() or given.ndim < 1 or given.shape[-1] == 0:
        raise ConversionRefused(f"{title(process)}: data of shape {given.shape} holds no steps of finite numbers")
    data = np.trunc(given).astype(np.int64)
    if (data != given).any():
        notes.append(f"{title(process)}: its data have fractions, which Lava's integers cut off")
    data = data.reshape(-1, data.shape[-1]).T[:, order]
    binary = bool(((data == 0) | (data == 1)).all())
    return ChipInput(name, data.shape[1], message_bits=0 if binary else PAYLOAD_BITS), data


def take_neurons(process: Any, name: str, order: Order, notes: list[str]) -> ChipPopulation:
    """A LIF, LIFReset, TernaryLIF or LearningLIF with what it starts from; ``order`` numbers its neurons."""
    shape = tuple(process.s_out.shape)

    def values(var: str) -> NDArray[np.int64]:
        return per_neuron(process, var, shape, notes)[order]

    def exact(var: str) -> NDArray[np.int64]:
        values = exact_per_neuron(process, var, shape, _REMEDIES.get(var, _REMEDIES["vth"]))[order]
        require_type(process, var, cast=ternary and var.startswith("vth"))
        if var in _LARGEST and ((values < 0) | (values > _LARGEST[var])).any():
            raise ConversionRefused(
                f"{title(process)}: {var} goes from {values.min()} to {values.max()}; chips hold 0 to {_LARGEST[var]}, though Lava "
                "computes on with others; stay in that range"
            )
        return values

    ternary = kind(process).endswith("TernaryLIF")
    interval, offset = _reset(process)
    size = order.size
    return ChipPopulation(
        name=name,
        shape=(size,),
        du=exact("du"),
        dv=exact("dv"),
        threshold=exact("vth_hi" if ternary else "vth"),
        threshold_low=exact("vth_lo") if ternary else None,
        bias_mant=values("bias_mant"),
        bias_exp=values("bias_exp"),
        u0=values("u"),
        v0=values("v"),
        u_format=Fixed(STATE_BITS, 0, "toward-zero", "wrap"),
        v_format=Fixed(STATE_BITS, 0, "toward-zero", "saturate"),
        decay_bits=DECAY_BITS,
        u_offset=1,
        v_offset=0,
        threshold_shift=SHIFT,
        weight_shift=SHIFT,
        spiking=True,
        latency_steps=0,
        volts_per_unit=np.ones(size),
        volts_offset=np.zeros(size),
        reset_interval=interval,
        reset_offset=offset,
    )


def _reset(process: Any) -> tuple[int, int]:
    if not kind(process).endswith("LIFReset"):
        return 0, 0
    interval, offset = (process.proc_params[name] for name in ("reset_interval", "reset_offset"))
    if interval != int(interval) or offset != int(offset) or interval < 1:
        raise ConversionRefused(
            f"{title(process)}: reset_interval {interval} with reset_offset {offset}; whole numbers of steps are needed"
        )
    return int(interval), int(offset) % int(interval)
