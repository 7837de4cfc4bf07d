"""Parts of a Program as rows of the kernels' tables."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from neuroalign.chip import Plasticity, SignMode
from neuroalign.fixed_point import clip_weights
from neuroalign.microcode import POST_TRACES, PRE_TRACES, SPIKES, SYNAPTIC, Factor, Product
from neuroalign.sim.emulator.learning_reference import DELAY_MAX, DELAY_MIN, TAG_MAX, TAG_MIN
from neuroalign.sim.emulator.plastic_tables import SOURCE_TRACE, SPIKE, SYNAPSE, TARGET_TRACE
from neuroalign.sim.emulator.products import ACCUMULATOR_MAX, FRACTION_BITS
from neuroalign.sim.emulator.traces import FixedTraces, connection_traces

DEPENDENCIES = ("x0", "y0", "u")  # as AT_SOURCE, AT_TARGET, AT_END number them
INT32_MAX = np.iinfo(np.int32).max


def needs(product: Product) -> tuple[bool, bool]:
    """Whether the source and the target must have spiked for the product to be other than 0."""
    flags = {product.dependency, *(f.variable for f in product.factors)}
    return "x0" in flags, "y0" in flags


def variable_range(variable: int, sign_mode: SignMode) -> tuple[int, int, int]:
    """Sign, lowest and highest value of w, d or t."""
    if SYNAPTIC[variable] == "d":
        return 1, DELAY_MIN, DELAY_MAX
    if SYNAPTIC[variable] == "t":
        return 0, TAG_MIN, TAG_MAX
    low, high = clip_weights(np.array([-INT32_MAX, INT32_MAX]), sign_mode)
    return {"mixed": 0, "excitatory": 1, "inhibitory": -1}[sign_mode], int(low), int(high)


def product_row(product: Product, factor: int) -> tuple[int, ...]:
    """A row of PRODUCT; ``factor`` is the place of its first factor."""
    left = product.exponent + FRACTION_BITS
    return (
        DEPENDENCIES.index(product.dependency),
        *needs(product),
        factor,
        factor + len(product.factors),
        product.shift,
        left,
        ((ACCUMULATOR_MAX + 2) >> left) + 1,
    )


def factor_row(factor: Factor, fixed: bool) -> tuple[int, ...]:
    """A row of FACTOR."""
    kinds = {SOURCE_TRACE: PRE_TRACES, TARGET_TRACE: POST_TRACES, SYNAPSE: SYNAPTIC, SPIKE: SPIKES}
    kind = next(k for k, names in kinds.items() if factor.variable in names)
    partial = fixed and factor.constant != int(np.floor(factor.constant))
    return kind, kinds[kind].index(factor.variable), factor.sign, partial


def factor_constants(factor: Factor, fixed: bool) -> tuple[float, float, float]:
    """The constant (its whole part under Fixed) and the range of the factor."""
    if not fixed:
        return factor.constant, -np.inf, np.inf
    return int(np.floor(factor.constant)), -(1 << factor.bits), (1 << factor.bits) - 1


def trace_constants(learning: Sequence[Plasticity], fixed: bool) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Decay of each trace of each connection, and its impulse: whole part and fraction (Float64: all of it and 0)."""
    decay, impulse = [np.zeros((0, 1))], [np.zeros((0, 2))]
    for plasticity in learning:
        graded, modulated = plasticity.graded != "impulse", bool(plasticity.modulators)
        for traces in connection_traces(plasticity.program, fixed, graded=graded, modulated=modulated):
            decay.append(traces.decay)
            if isinstance(traces, FixedTraces):
                impulse.append(np.concatenate([traces.whole, traces.fraction], axis=1).astype(np.float64))
            else:
                impulse.append(np.concatenate([traces.impulse, np.zeros_like(traces.impulse)], axis=1))
    return np.concatenate(decay)[:, 0], np.concatenate(impulse)
