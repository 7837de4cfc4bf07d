r"""The local form of Banerjee's rule as a Program, and the small networks that learn by it.

The exact rule needs all pairs of spikes, a division and times of other neurons' spikes. What a synapse of a learning engine
can have instead, with one time constant T for the virtual neuron, so that its error is ``E = r^2``, ``r = D - O`` (traces of
desired and actual spikes)::

    at spikes of post:  tag += (x1 - x2) y1            x1 - x2: the response of the membrane to the spikes of pre, exactly
    in every step:      tag -= tag / T                 y1 = c / V, with V the slope of the membrane before the crossing
                        w   -= a tag y3                y3 = r, the error: -dE/dw for spikes that exist
                        w   += b x1 y2                 y2 = desired spike minus actual one: makes and takes away spikes

y1, y2 and y3 are third factors, one for each target neuron: neuron microcode on Loihi 2, here whoever steps the network.
Hidden neurons take the same Program with ``y3 = B r`` and ``y2 = B (D spike - O spike)``, r and spikes of the outputs.

Numbers of both forms are the same: Float64 runs unrounded what Fixed rounds. One unit of weight is one step of the 8-bit
weight; a threshold is 1000 of them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from neuroalign.chip import (
    ChipConnection,
    ChipInput,
    ChipNetwork,
    ChipPopulation,
    Fixed,
    Float64,
    NumberFormat,
    Plasticity,
)
from neuroalign.microcode import Factor, Product, Program, Trace

FloatArray = NDArray[np.float64]
Form = Literal["float", "chip"]
THRESHOLD = 1000
SHIFT = 6
"""Bits by which a chip's weights and threshold are shifted into the membrane."""
MIDDLE = 64
"""What stands for 0 in a trace of 0..127 that means a signed number."""
PLAIN_SLOPE = 10.0
"""What c / V is at the slopes that these neurons cross their threshold with, about 40 weight units a step."""
INPUT, HIDDEN, OUTPUT = "input", "hidden", "output"
SLOPE, SPIKES, ERROR = "slope", "spikes", "error"
WEIGHT_FORMAT = Fixed(8)


@dataclass(frozen=True)
class LocalRule:
    """Constants of the local form.

    Parameters
    ----------
    tau_mem, tau_syn : steps
        Of the membrane and of its current; x1 and x2 decay with them.
    horizon : steps
        T = 2**horizon_bits, of tag and error; keep it below the mean time between spikes.
    impulse
        Of x1 and x2.
    tag_exponent, weight_exponent, spike_exponent
        Powers of two of the three coefficients.
    slope_gain
        c: y1 at a slope of one weight unit a step.
    error_gain, spike_gain
        y3 at an error of 1, and y2 at a desired spike.
    graded_slope
        False: y1 is :data:`PLAIN_SLOPE` whatever the slope is.
    """

    tau_mem: float = 15.0
    tau_syn: float = 5.0
    horizon_bits: int = 3
    impulse: int = 60
    tag_exponent: int = -4
    weight_exponent: int = -7
    spike_exponent: int = -7
    slope_gain: float = 400.0
    error_gain: float = 8.0
    spike_gain: float = 24.0
    graded_slope: bool = True

    @property
    def horizon(self) -> float:
        """T in steps."""
        return float(2**self.horizon_bits)

    @property
    def tag_rate(self) -> float:
        """What the engine multiplies ``(x1 - x2) y1`` by, its shift included."""
        return _real(_tag_terms(self)[0])

    @property
    def error_rate(self) -> float:
        """a, of ``tag y3``."""
        return -_real(_weight_terms(self, 0)[0])

    @property
    def spike_rate(self) -> float:
        """b, of ``x1 y2``."""
        return _real(_weight_terms(self, 0)[1])


def local_program(rule: LocalRule, form: Form, seed: int = 0) -> Program:
    """The Program of all learning connections; Fixed and Float64 differ in rounding only."""
    weight, tag = _weight_terms(rule, MIDDLE if form == "chip" else 0), _tag_terms(rule)
    if form == "float":
        weight, tag = (tuple(replace(t, mantissa=_real(t), exponent=0) for t in terms) for terms in (weight, tag))
    return Program(
        dw=weight,
        tag_update=tag,
        x1=Trace(rule.impulse, rule.tau_mem),
        x2=Trace(rule.impulse, rule.tau_syn),
        y1=Trace(0, 0),
        y2=Trace(0, 0),
        y3=Trace(0, 0),
        rng_seed=seed,
    )


def _weight_terms(rule: LocalRule, zero: int) -> tuple[Product, ...]:
    error, spikes = Factor("y3", -zero), Factor("y2", -zero)
    return (
        Product("u", -1, rule.weight_exponent, (Factor("t"), error), k=0),
        Product("u", 1, rule.spike_exponent, (Factor("x1"), spikes), k=0),
    )


def _tag_terms(rule: LocalRule) -> tuple[Product, ...]:
    slope = Factor("y1")
    return (
        Product("y0", 1, rule.tag_exponent, (Factor("x1"), slope)),
        Product("y0", -1, rule.tag_exponent, (Factor("x2"), slope)),
        Product("u", -1, -rule.horizon_bits, (Factor("t"),), k=0),
    )


def _real(product: Product) -> float:
    """What the engine multiplies by: nothing undoes its shift."""
    return product.coefficient * 2.0**-product.shift


def local_chip(
    rule: LocalRule, form: Form, weights: tuple[FloatArray, ...], learns: tuple[bool, ...], seed: int = 0
) -> ChipNetwork:
    """Input, perhaps hidden neurons, and outputs; ``weights`` by connection (N_target, N_source), in weight units."""
    names = (INPUT, HIDDEN, OUTPUT) if len(weights) == 2 else (INPUT, OUTPUT)
    populations = tuple(_neurons(rule, form, n, w.shape[0]) for n, w in zip(names[1:], weights, strict=True))
    inputs = [ChipInput(INPUT, weights[0].shape[1])]
    connections = []
    for k, (source, target, weight) in enumerate(zip(names[:-1], names[1:], weights, strict=True)):
        held = np.clip(2 * np.round(weight / 2), -256, 254).astype(np.int64) if form == "chip" else weight.copy()
        plasticity = None
        if learns[k]:
            senders = tuple(
                (trace, f"{target} {what}")
                for trace, what in zip(("y1", "y2", "y3"), (SLOPE, SPIKES, ERROR), strict=True)
            )
            inputs += [ChipInput(sender, weight.shape[0], 8 if form == "chip" else 64) for _, sender in senders]
            tag = np.zeros_like(held)
            plasticity = Plasticity(local_program(rule, form, seed + k), tag, 1.0, modulators=senders)
        connections.append(
            ChipConnection(
                f"{source} to {target}", source, target, held, _weight_format(form), 0, "mixed", plasticity=plasticity
            )
        )
    return ChipNetwork(
        "spike-train", 1e-3, "loihi2" if form == "chip" else "ideal", tuple(inputs), populations, tuple(connections),
        ((OUTPUT, OUTPUT),),
    )  # fmt: skip


def _weight_format(form: Form) -> NumberFormat:
    return WEIGHT_FORMAT if form == "chip" else Float64()


def _neurons(rule: LocalRule, form: Form, name: str, size: int) -> ChipPopulation:
    fixed, zero = form == "chip", np.zeros(size, dtype=np.int64 if form == "chip" else np.float64)
    stay = {"du": np.exp(-1 / rule.tau_syn), "dv": np.exp(-1 / rule.tau_mem)}
    decay = {key: zero + (round(4096 * (1 - s)) if fixed else 1 - s) for key, s in stay.items()}
    current: NumberFormat = Fixed(24, 0, "toward-zero", "wrap") if fixed else Float64()
    membrane: NumberFormat = Fixed(24, 0, "toward-zero", "saturate") if fixed else Float64()
    return ChipPopulation(
        name=name,
        shape=(size,),
        du=decay["du"] - fixed,
        dv=decay["dv"],
        threshold=zero + THRESHOLD,
        bias_mant=zero,
        bias_exp=np.zeros(size, dtype=np.int64),
        u0=zero,
        v0=zero,
        u_format=current,
        v_format=membrane,
        decay_bits=12,
        u_offset=int(fixed),
        v_offset=0,
        threshold_shift=SHIFT if fixed else 0,
        weight_shift=SHIFT if fixed else 0,
        spiking=True,
        latency_steps=0,
        volts_per_unit=np.full(size, 2.0**-SHIFT if fixed else 1.0),
        volts_offset=np.zeros(size),
    )  # fmt: skip
