"""Single runs of STDWI's experiments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroalign.experiments.alignment import checked_estimates, sign_chance
from neuroalign.experiments.mismatch import Kind, stdwi_with_mismatch
from neuroalign.experiments.stdwi import infer
from neuroalign.experiments.stdwi_activity import Protocol, forward_weights, record_activity
from neuroalign.experiments.stdwi_neurons import DT, neurons_network, neurons_stimulus
from neuroalign.experiments.stdwi_rivals import infer_by_rate_mirror, infer_by_rdd
from neuroalign.experiments.wiener import METHODS, run_wiener
from neuroalign.fidelity.learning import angle_degrees, pearson, sign_agreement
from neuroalign.reproduce.learners import Form, learner_for
from neuroalign.reproduce.task import Result
from neuroalign.rule import LearningRule
from neuroalign.rules import stdwi

FloatArray = NDArray[np.float64]
CHIP_BIN = 4
"""Steps of the recorded activity (0.25 ms) in one of the chip's."""


def published(
    seed: int,
    seconds: float,
    form: Form = "float",
    *,
    backend: str = "emulator",
    protocol: Mapping[str, float] | None = None,
    rule: Mapping[str, float] | None = None,
    slow_trace: bool = True,
    millisecond: bool = False,
    weight_limit: float | None = None,
    report: Sequence[float] = (),
) -> Result:
    """STDWI on recorded activity.

    Parameters
    ----------
    form
        "float", or the carry form on chip, where the activity is binned to 1 ms.
    protocol, rule
        Changes of :class:`Protocol` and of the rule's parameters.
    slow_trace
        Whether the rule has its slow trace.
    millisecond
        Whether the float rule sees bins of 1 ms too.
    weight_limit
        Largest weight that the chip has to hold; the rule's own unless given.
    report : s
        Times at which figures are named.
    """
    activity = record_activity(Protocol(**dict(protocol or {})), seconds, seed)  # type: ignore[arg-type]
    bins = CHIP_BIN if form != "float" or millisecond else 1
    made = _rule(rule or {}, slow_trace)
    learner = learner_for(form, backend, **({"weight_limit": weight_limit} if weight_limit else {}))
    result = infer(learner, activity, seed, _every(seconds, report), bin_steps=bins, rule=made)
    return _judged(result.times, result.weight, result.estimates, report or (seconds,))


def neurons_on_chip(
    seed: int, seconds: float, form: Form = "exact", *, backend: str = "emulator", report: Sequence[float] = ()
) -> Result:
    """STDWI with its neurons in the same network, in float or on chip."""
    protocol = Protocol()
    network = neurons_network(protocol, seed, stdwi())
    times = _times(seconds, report)
    reads = [round(time / DT) for time in times]
    found = learner_for(form, backend)(network, neurons_stimulus(protocol, seconds, seed), reads)
    weight = forward_weights(protocol, np.random.default_rng([seed, 0]))
    estimates = checked_estimates(np.asarray(found), len(reads), weight)
    return _judged(np.array(times), weight, estimates, report or (seconds,))


def regression_discontinuity(
    seed: int,
    seconds: float,
    *,
    from_guess: bool = False,
    backend: str = "emulator",
    protocol: Mapping[str, float] | None = None,
    report: Sequence[float] = (),
) -> Result:
    """RDD as STDWI's authors have it; it has one form, so ``backend`` is not used."""
    made = Protocol(**dict(protocol or {}))  # type: ignore[arg-type]
    times = _times(seconds, report)
    reads = [round(time / made.dt) for time in times]
    estimates = infer_by_rdd(made, seconds, seed, reads, from_guess=from_guess)
    return _judged(
        np.array(times), forward_weights(made, np.random.default_rng([seed, 0])), estimates, report or (seconds,)
    )


def rate_mirror(
    seed: int,
    seconds: float,
    *,
    backend: str = "emulator",
    protocol: Mapping[str, float] | None = None,
    report: Sequence[float] = (),
) -> Result:
    """The weight mirror on spike counts; it has one form, so ``backend`` is not used."""
    activity = record_activity(Protocol(**dict(protocol or {})), seconds, seed)  # type: ignore[arg-type]
    times = _times(seconds, report)
    estimates = infer_by_rate_mirror(activity, [round(time / activity.dt) for time in times], seed=seed)
    return _judged(np.array(times), activity.weight, estimates, report or (seconds,))


def mismatched(seed: int, seconds: float, kind: Kind, sigma: float, *, backend: str = "emulator") -> Result:
    """STDWI with mismatch, in float; it has one form, so ``backend`` is not used."""
    activity = record_activity(Protocol(), seconds, seed)
    found = stdwi_with_mismatch(activity, seed, kind, sigma)
    return {"figures": {"r": pearson(activity.weight, found) or 0.0, "sign": sign_agreement(activity.weight, found)}}


def wiener(seed: int, seconds: float, report: Sequence[float], *, backend: str = "emulator") -> Result:
    """All methods of the Wiener experiment; it has one form, so ``backend`` is not used."""
    result = run_wiener(seconds, seed, sorted(report))
    figures: dict[str, float] = {}
    for method, estimates in zip(METHODS, result.estimates, strict=True):
        for time, estimate in zip(result.times, estimates, strict=True):
            figures[f"{method}: r, {time:g} s"] = pearson(result.weight, estimate) or 0.0
            figures[f"{method}: sign, {time:g} s"] = sign_agreement(result.weight, estimate)
    return {"figures": figures, "curves": {}}


def _rule(changes: Mapping[str, float], slow_trace: bool) -> LearningRule:
    rule = stdwi(**dict(changes))
    if slow_trace:
        return rule
    return replace(
        rule,
        name="stdwi-fast",
        traces={name: trace for name, trace in rule.traces.items() if name != "slow"},
        weight=tuple(term for term in rule.weight if "slow" not in term.factors),
    )


def _every(seconds: float, report: Sequence[float]) -> float:
    """Time between reads at which every reported time is read."""
    smallest = min([10.0, seconds, *report])
    return max(smallest, seconds / 100)


def _times(seconds: float, report: Sequence[float]) -> list[float]:
    return sorted({*(seconds * k / 20 for k in range(1, 21)), *report})


def _judged(times: FloatArray, weight: FloatArray, estimates: FloatArray, report: Sequence[float]) -> Result:
    """Figures at the reported times, and the curves of r, sign and angle."""
    found: dict[str, list[float]] = {"r": [], "sign": [], "angle": []}
    for estimate in estimates:
        found["r"].append(pearson(weight, estimate) or 0.0)
        found["sign"].append(sign_agreement(weight, estimate))
        found["angle"].append(angle_degrees(weight, estimate) or 90.0)
    figures: dict[str, Any] = {}
    for time in report:
        at = int(np.argmin(np.abs(times - time)))
        figures |= {f"{name}, {time:g} s": found[name][at] for name in ("r", "sign")}
    figures["sign of a constant guess"] = sign_chance(weight)
    return {"figures": figures, "curves": {name: [times.tolist(), values] for name, values in found.items()}}
