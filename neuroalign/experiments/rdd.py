r"""Feedback weights by regression discontinuity design (RDD): the jump of what is sent back, where a neuron just spikes.

At the end of a window of driven neuron i with the largest drive u, for every neuron j of the next layer and
``y = R_ij - before_ij`` (:mod:`~neuroalign.experiments.rdd_activity`), on the side of the window (above: i spiked)::

    e = a u + b - y;    a := a - eta e u;    b := b - eta e                         eta = 1e-3
    beta_ij = (a_above + b_above) - (a_below + b_below)                              both lines at the threshold, 1
    B_ij = beta_ij std(B at the start) / std(beta)      (the start's B_ij where beta_ij = 0)

Windows are few, so the lines never converge, and to first order ``beta = eta sum over windows of s (1 + u) y`` with
s = 1 above and -1 below: the *correlator*, one number a synapse. What the parts are good for, from the same windows:

========== ===========================================================================================================
form       beta
========== ===========================================================================================================
sgd        as published
correlator sum of s (1 + u) y
sign       sum of s y
spiked     sum of (1 + u) y over windows with a spike
linear     the published lines, fully converged (least squares)
constant   mean of y above minus mean of y below
========== ===========================================================================================================

For learning on data use :func:`start_feedback` and :func:`learn_feedback`, which keep the coefficients between calls.

Source: Guerguiev, Kording, Richards, "Spike-based causal inference for weight alignment", 2020 (arXiv 1910.01689), as in
the authors' code (github jordan-g/RDD-Weight-Alignment); the correlator is our own reading of it. Constant and linear
models: Lansdell, Kording 2023.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from neuroalign.errors import InputError
from neuroalign.experiments.rdd_activity import Phase, RddProtocol, Windows, drive_layer

FloatArray = NDArray[np.float64]
Form = Literal["sgd", "correlator", "sign", "spiked", "linear", "constant"]
FORMS: tuple[Form, ...] = get_args(Form)

LEARNING_RATE = 1e-3
IMPLAUSIBLE_DRIVE = 10.0
"""Windows whose largest drive is further from threshold than this are left out; none ever is."""


@dataclass(frozen=True, eq=False)
class RddFeedback:
    """Feedback weights and what they were learnt from so far.

    Parameters
    ----------
    coefficients : (4, driven, next)
        a_below, b_below, a_above, b_above.
    initial : (driven, next)
        The feedback weights at the start.
    seconds : s
        How long the layer was driven, in all.
    """

    coefficients: FloatArray
    initial: FloatArray
    seconds: float = 0.0

    @property
    def beta(self) -> FloatArray:
        """The estimate (driven, next), of arbitrary scale."""
        below, above = self.coefficients[:2].sum(axis=0), self.coefficients[2:].sum(axis=0)
        return np.asarray(above - below)

    @property
    def weight(self) -> FloatArray:
        """The feedback weights (driven, next): beta with the spread of the initial ones."""
        return std_matched(self.beta, self.initial)


def start_feedback(initial: FloatArray) -> RddFeedback:
    """Feedback weights before any phase; ``initial`` (driven, next) are those of feedback alignment.

    Raises
    ------
    InputError
        If they are no matrix of finite weights.
    """
    initial = np.array(initial, dtype=np.float64)
    if initial.ndim != 2 or not np.isfinite(initial).all():
        raise InputError(
            f"initial feedback of shape {initial.shape}: a matrix (driven, next) of finite weights is needed"
        )
    return RddFeedback(np.zeros((4, *initial.shape)), initial)


def learn_feedback(
    feedback: RddFeedback, weight: FloatArray, seconds: float, seed: int, protocol: RddProtocol | None = None
) -> RddFeedback:
    """One spiking phase: drive the layer below ``weight`` and go on learning its feedback.

    Parameters
    ----------
    feedback
        From :func:`start_feedback` or the phase before; it is not changed.
    weight : (next, driven)
        The forward weights as they are now.
    seconds : s
        Model time of this phase: the authors give each layer 30 s before every epoch.
    seed
        Of this phase; give each phase another one.

    Returns
    -------
    RddFeedback
        ``.weight`` (driven, next) is what takes the place of ``weight.T``.

    Raises
    ------
    InputError
        If the shapes differ, or the weights are of no use.
    """
    weight = np.asarray(weight, dtype=np.float64)
    if weight.T.shape != feedback.initial.shape:
        raise InputError(
            f"forward weights are {weight.shape}, feedback weights {feedback.initial.shape}; one is the other's transpose"
        )
    coefficients = feedback.coefficients.copy()
    for windows in drive_layer(weight, seconds, seed, protocol):
        regress(coefficients, windows)
    return replace(feedback, coefficients=coefficients, seconds=feedback.seconds + seconds)


def std_matched(beta: FloatArray, initial: FloatArray) -> FloatArray:
    """``beta`` scaled to the standard deviation of ``initial``; where beta is 0, ``initial`` as it is."""
    known = beta != 0
    spread = float(beta[known].std()) if known.any() else 0.0
    if not spread > 0:
        return initial.copy()
    return np.where(known, beta * (float(initial.std()) / spread), initial)


def regress(coefficients: FloatArray, windows: Windows) -> None:
    """The published update of all ``coefficients`` (4, driven, next), in place."""
    _compiled_regression()(coefficients, windows.neuron, windows.above, windows.drive, windows.change, LEARNING_RATE)


@dataclass(frozen=True, eq=False)
class WindowSums:
    """Sums over windows, by side (0 below, 1 above): all that the other forms need. Added to in place.

    Parameters
    ----------
    drives : (2, 3, driven)
        Sums of 1, u and u^2.
    changes : (2, 2, driven, next)
        Sums of y and u y.
    """

    drives: FloatArray
    changes: FloatArray

    @classmethod
    def of(cls, driven: int, above: int) -> WindowSums:
        """No window yet."""
        return cls(np.zeros((2, 3, driven)), np.zeros((2, 2, driven, above)))

    def add(self, windows: Windows, outcome: FloatArray) -> None:
        """``outcome`` (windows, next) stands for y."""
        side, neuron, u = windows.above.astype(np.int64), windows.neuron, windows.drive
        for power in range(3):
            np.add.at(self.drives[:, power], (side, neuron), u**power)
        for power in range(2):
            np.add.at(self.changes[:, power], (side, neuron), outcome * u[:, None] ** power)

    def beta(self, form: Form) -> FloatArray:
        """The estimate (driven, next) by ``form``; 0 where the windows do not suffice."""
        if form in ("linear", "constant"):
            at_threshold = self._means() if form == "constant" else self._lines()
            return np.asarray(np.nan_to_num(at_threshold[1] - at_threshold[0], nan=0.0))
        weights = {"correlator": (1, 1, -1), "sign": (1, 0, -1), "spiked": (1, 1, 0)}
        if form not in weights:
            raise InputError(f"form {form!r} is no sum over windows; one of {', '.join(FORMS[1:])}")
        plain, sloped, below = weights[form]
        summed = plain * self.changes[:, 0] + sloped * self.changes[:, 1]
        return np.asarray(LEARNING_RATE * (summed[1] + below * summed[0]))

    def _means(self) -> FloatArray:
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(self.changes[:, 0] / self.drives[:, 0, :, None])

    def _lines(self) -> FloatArray:
        """Least-squares lines at u = 1, of neurons with at least three windows on that side."""
        number, u, uu = (self.drives[:, power, :, None] for power in range(3))
        with np.errstate(invalid="ignore", divide="ignore"):
            mean_u = u / number
            slope = (self.changes[:, 1] - mean_u * self.changes[:, 0]) / (uu - mean_u * u)
            found = self._means() + slope * (1 - mean_u)
        return np.where(np.isfinite(found) & (number >= 3), found, np.nan)


@dataclass(frozen=True)
class RddVariant:
    """How an estimate is made of the windows.

    Parameters
    ----------
    form
        As the table above says.
    baseline
        Whether q at the opening is subtracted.
    nearest
        Largest distance of a window's largest drive from threshold; the authors' 10 takes all.
    """

    form: Form = "sgd"
    baseline: bool = True
    nearest: float = IMPLAUSIBLE_DRIVE

    def __post_init__(self) -> None:
        if self.form not in FORMS or not self.nearest > 0:
            raise InputError(
                f"form {self.form!r}, nearest {self.nearest:g}: one of {', '.join(FORMS)} and a distance above 0"
            )


@dataclass(frozen=True, eq=False)
class RddRun:
    """What was inferred at ``times`` (s): ``estimates`` (reads, next, driven), beside the ``weight`` they are of.

    ``windows`` were used, a share ``above`` of them with a spike.
    """

    weight: FloatArray
    times: FloatArray
    estimates: FloatArray
    windows: int
    above: float


def run_rdd(
    weight: FloatArray,
    read_times: Sequence[float],
    seed: int,
    variant: RddVariant | None = None,
    protocol: RddProtocol | None = None,
    phase: Callable[[FloatArray, RddProtocol], Phase] | None = None,
) -> RddRun:
    """Infer ``weight`` (next, driven) and read the estimate, transposed like it, at the end of stimuli after each time.

    ``phase`` is as of :func:`~neuroalign.experiments.rdd_activity.drive_layer`.
    """
    variant, protocol = variant or RddVariant(), protocol or RddProtocol()
    weight = np.asarray(weight, dtype=np.float64)
    estimator = Estimator(variant, *weight.T.shape)
    times = sorted(read_times)
    estimates: list[FloatArray] = []
    done, above, used = 0.0, 0, 0
    for windows in drive_layer(weight, times[-1] if times else 0.0, seed, protocol, phase=phase):
        used, above = used + windows.neuron.size, above + int(windows.above.sum())
        estimator.add(windows)
        done += protocol.stimulus
        while len(estimates) < len(times) and done >= times[len(estimates)] - 1e-9:
            estimates.append(estimator.beta().T)
    estimates += [estimator.beta().T] * (len(times) - len(estimates))  # the last stimulus may be a short one
    return RddRun(weight, np.array(times), np.array(estimates), used, above / max(used, 1))


class Estimator:
    """Takes windows in, as a variant says, and gives its estimate at any time."""

    def __init__(self, variant: RddVariant, driven: int, above: int) -> None:
        self.variant = variant
        self.coefficients = np.zeros((4, driven, above))
        self.sums = WindowSums.of(driven, above)

    def add(self, windows: Windows) -> None:
        """Learn from further windows."""
        variant = self.variant
        kept = np.abs(windows.drive - 1) <= variant.nearest
        chosen = Windows(*(array[kept] for array in vars(windows).values()))
        if not variant.baseline:
            chosen = replace(chosen, before=np.zeros_like(chosen.before))
        if variant.form == "sgd":
            regress(self.coefficients, chosen)
        else:
            self.sums.add(chosen, chosen.change)

    def beta(self) -> FloatArray:
        """The estimate (driven, next)."""
        if self.variant.form == "sgd":
            return RddFeedback(self.coefficients, np.zeros(self.coefficients.shape[1:])).beta
        return self.sums.beta(self.variant.form)


def uniform_weights(driven: int, above: int, seed: int) -> FloatArray:
    """Forward weights (next, driven), uniform within ``+-1/sqrt(driven)``, as layers are initialised."""
    drawn = np.random.default_rng([seed, 0]).uniform(-1, 1, (above, driven))
    return np.asarray(drawn / np.sqrt(driven))


def _regression_steps(
    coefficients: FloatArray, neuron: NDArray[np.int64], above: NDArray[np.bool_], drive: FloatArray,
    change: FloatArray, rate: float,
) -> None:  # fmt: skip
    for k in range(neuron.size):
        i, u, side = neuron[k], drive[k], 2 if above[k] else 0
        if abs(u - 1) > IMPLAUSIBLE_DRIVE:
            continue
        for j in range(change.shape[1]):
            error = coefficients[side, i, j] * u + coefficients[side + 1, i, j] - change[k, j]
            coefficients[side, i, j] -= rate * error * u
            coefficients[side + 1, i, j] -= rate * error


@cache
def _compiled_regression() -> Any:
    from numba import njit

    return njit(_regression_steps)
