"""Synapses as a learning engine has them, in compiled loops of experiments that need host and neurons of their own.

What a Program with epochs of one step does to weights and tags, as :mod:`neuroalign.sim.emulator.learning_reference`
defines it: traces of 7 bits with stochastic decay, products with Lava's uncompensated shift, an accumulator of 15 bits,
one rounding draw a step for weight and tag. That the two are equal, bit for bit, is tested. Draws are arguments.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from neuroalign.errors import RuleError
from neuroalign.microcode import TRACES, Program, check_integers

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]

TRACE_MAX = 127
WEIGHT_LOW, WEIGHT_HIGH, TAG_LOW, TAG_HIGH = -256, 255, -257, 255
TOTAL_LOW, TOTAL_HIGH = -(2**15) - 1, 2**15 - 1
VARIABLES = (*TRACES, "w", "t")
DEPENDENCIES = ("x0", "y0", "u")
RECEIVED_DECAY = float(np.exp(-1 / (2**16 - 1)))
"""Lava takes a third factor for a trace of this decay."""


@dataclass(frozen=True, eq=False)
class CompiledProgram:
    """A Program as arrays.

    Parameters
    ----------
    products : (P, 7)
        Target (0 w, 1 t), dependency, mantissa, exponent, shift, first factor and the one behind the last.
    factors : (F, 4)
        Variable, constant, whether its sign is meant, bits.
    decay, impulse : (5,)
        Of the traces x1, x2, y1, y2, y3.
    period : steps
        Between transfers; 0 without.
    """

    products: IntArray
    factors: IntArray
    decay: FloatArray
    impulse: IntArray
    period: int


def compiled(program: Program, *, third_factor: bool = False) -> CompiledProgram:
    """The arrays of a Program; with ``third_factor`` the post traces are received, which decay as Lava has it.

    Raises
    ------
    RuleError
        If it is not of integers, learns a delay, reads one or a second spike flag, or has longer epochs or fractions of
        impulses.
    """
    check_integers(program)
    impulses = [program.trace(name).impulse for name in TRACES]
    beyond = program.variables - set(VARIABLES)
    if beyond or program.dd or program.t_epoch != 1 or any(i != int(i) for i in impulses):
        raise RuleError(
            "programs with d, two spike flags, t_epoch above 1 or broken impulses are not compiled here; use the emulator"
        )
    products: list[list[int]] = []
    factors: list[list[int]] = []
    for target, of_target in enumerate((program.dw, program.tag_update)):
        for p in of_target:
            first = len(factors)
            factors += [[VARIABLES.index(f.variable), int(f.constant), int(f.sign), f.bits] for f in p.factors]
            dependency = DEPENDENCIES.index(p.dependency)
            products.append([target, dependency, int(p.mantissa), p.exponent, p.shift, first, len(factors)])
    tau = np.array([program.trace(name).tau for name in TRACES], dtype=np.float64)
    decay = np.where(tau > 0, np.exp(-1 / np.where(tau > 0, tau, 1.0)), 0.0)
    if third_factor:
        decay[2:] = RECEIVED_DECAY
    return CompiledProgram(
        np.array(products, dtype=np.int64).reshape(-1, 7),
        np.array(factors, dtype=np.int64).reshape(-1, 4),
        decay,
        np.array(impulses, dtype=np.int64),
        0 if program.k is None else 2**program.k,
    )


@numba.njit(cache=True)
def decay_traces(
    traces: IntArray, decay: FloatArray, impulse: IntArray, first: int, spikes: NDArray[np.bool_], draw: float
) -> None:
    """One step of the traces (K, N) of one side, whose constants begin at ``first``."""
    for k in range(traces.shape[0]):
        for n in range(traces.shape[1]):
            if traces[k, n]:
                exact = decay[first + k] * traces[k, n]
                low = np.floor(exact)
                traces[k, n] = int(low) + (1 if draw < exact - low else 0)
            if spikes[n]:
                traces[k, n] = min(max(traces[k, n] + impulse[first + k], 0), TRACE_MAX)


@numba.njit(cache=True)
def _limited(x: int) -> int:
    return min(max(x, TOTAL_LOW), TOTAL_HIGH)


@numba.njit(cache=True)
def learn(  # noqa: C901 - one loop over synapses and products
    products: IntArray, factors: IntArray, w: IntArray, t: IntArray, x: IntArray, y: IntArray,
    pre: NDArray[np.bool_], post: NDArray[np.bool_], transfers: bool, draw: float,
) -> None:  # fmt: skip
    """Change weights and tags (N_target, N_source) by the traces ``x`` (2, N_source) and ``y`` (3, N_target) of this step."""
    total = np.zeros(2, dtype=np.int64)
    for i in range(w.shape[0]):
        for j in range(w.shape[1]):
            if not (transfers or pre[j] or post[i] or t[i, j] == TAG_LOW):
                continue
            # the lowest tag is beyond the accumulator, so that it leaves even where nothing acts
            total[0], total[1] = w[i, j] << 7, _limited(t[i, j] << 7)
            for p in range(products.shape[0]):
                dependency = products[p, 1]
                if not (pre[j] if dependency == 0 else post[i] if dependency == 1 else transfers):
                    continue
                value = products[p, 2]
                for f in range(products[p, 5], products[p, 6]):
                    variable = factors[f, 0]
                    if variable < 2:
                        factor = x[variable, j]
                    elif variable < 5:
                        factor = y[variable - 2, i]
                    else:
                        factor = w[i, j] if variable == 5 else t[i, j]
                    factor += factors[f, 1]
                    if factors[f, 2]:
                        factor = 1 if factor > 0 else -1 if factor < 0 else 0
                    else:
                        factor = min(max(factor, -(1 << factors[f, 3])), (1 << factors[f, 3]) - 1)
                    value *= factor
                target = products[p, 0]
                total[target] = _limited(total[target] + _limited((value >> products[p, 4]) << (products[p, 3] + 7)))
            for k in range(2):
                rest = total[k] & 127
                total[k] = (total[k] >> 7) + (1 if draw < rest / 128 else 0)
            w[i, j] = min(max(total[0], WEIGHT_LOW), WEIGHT_HIGH)
            t[i, j] = min(max(total[1], TAG_LOW), TAG_HIGH)
