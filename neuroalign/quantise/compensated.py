r"""Rounding that lets later weights make up for earlier ones, on the activity that the synapses see.

The error that rounding makes in a neuron is not the error of its weights but of their sum over the spikes that arrive,

    E = sum over t of (sum over j of (w_j - q_j) phi_j[t])**2 = (w - q)' H (w - q)       H = sum over t of phi phi'

where ``phi_j[t]`` is what one unit of synapse j contributes to the membrane at step t. Synapses are rounded one after
the other, those with most activity first, and the error of each is moved to those not yet rounded, where ``H`` says that
they are active together (Frantar, Ashkboos, Hoefler, Alistarh 2022, "GPTQ", arXiv 2210.17323, equations 2 and 3; the
damping of ``H`` is theirs too). A weight that is clipped is made up for in the same way.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

DAMPING = 0.01
"""Share of the mean diagonal of H that is added to it, as in the authors' code."""


def compensated_rounding(
    wanted: FloatArray, activity: FloatArray, step: FloatArray, low: FloatArray, high: FloatArray
) -> IntArray:
    """Integers for rows of weights that see the same activity.

    Parameters
    ----------
    wanted : (rows, synapses)
        Exact weights in units of ``step``'s base.
    activity : (synapses, synapses)
        ``H``, in any unit.
    step : (synapses,)
        What one unit of each synapse's integer means; integers are multiples of 1.
    low, high : (synapses,)
        Range of the integers.

    Returns
    -------
    (rows, synapses)
        Integers; nearest ones where there was no activity at all.
    """
    left = wanted / step
    if not left.size:
        return np.zeros(left.shape, dtype=np.int64)
    scaled = activity * step[:, None] * step
    order = np.argsort(-np.diag(scaled), kind="stable")
    spread = _spread(scaled[np.ix_(order, order)])
    left = left[:, order]
    found = np.empty(left.shape)
    for k, column in enumerate(order):
        found[:, k] = np.clip(np.rint(left[:, k]), low[column], high[column])
        error = (left[:, k] - found[:, k]) / spread[k, k]
        left[:, k + 1 :] -= error[:, None] * spread[k, k + 1 :]
    result = np.empty(left.shape, dtype=np.int64)
    result[:, order] = found.astype(np.int64)
    return result


def quadratic_error(error: FloatArray, activity: FloatArray) -> FloatArray:
    """``E`` of each row of weight errors (rows, synapses)."""
    return np.asarray(np.einsum("rj,jk,rk->r", error, activity, error, optimize=True))


def _spread(activity: FloatArray) -> FloatArray:
    """Upper Cholesky factor of the inverse of the damped H."""
    diagonal = np.diag(activity)
    damped = activity + np.eye(len(activity)) * (DAMPING * float(diagonal.mean()) or 1.0)
    return np.asarray(np.linalg.cholesky(np.linalg.inv(damped)).T)
