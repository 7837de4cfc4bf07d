"""The time step and the unit of time constants, neither of which a NIR file states.

Two frameworks leave dt in a file: snnTorch writes ``r = tau/dt`` and ``w_in = tau_syn/dt``, rockpool
``r = (tau/dt) exp(-dt/tau)``. Time constants are seconds in most files, steps in sinabs', milliseconds in NIR's own
documentation, and seconds times dt in norse 1.1.0's (https://github.com/norse/norse/issues/411).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from typing import Literal, get_args

import numpy as np

from neuroalign.errors import InputError, NetworkError
from neuroalign.export.nir_graph.parameters import NeuronNode
from neuroalign.export.nir_graph.shapes import broadcast
from neuroalign.network import FloatArray

TauUnit = Literal["s", "ms", "steps", "dt"]
MAX_TAU = 1.0
"""Time constants above this many seconds are taken for another unit unless the user says otherwise."""
_AGREE = 1e-5
"""Relative difference within which clues agree: float32 rounding (6e-8) of two numbers, with room for a third."""
_ROUNDING = 1e-6
"""Relative difference that float32 rounding can make between tau and dt."""
SHORT = 1e-4
"""Time constants below this many seconds are rare but for the files of norse 1.1.0."""
_MAX_GAIN = 1e9
"""Gains outside 1/this to this are damage, no clue."""
_GAINS = (("tau", "r"), ("tau_mem", "r"), ("tau_syn", "w_in"))
_TAUS = ("tau", "tau_mem", "tau_syn")


@dataclass(frozen=True)
class Clue:
    """What the gains of a file say about dt: the value, the formula, and the nodes that agree on it."""

    dt: float
    formula: str
    framework: str
    nodes: tuple[str, ...]

    def __str__(self) -> str:
        """One line for the user."""
        return f"dt = {self.dt:g} s from {self.formula} ({', '.join(self.nodes)}), as {self.framework} writes it"


def time_scale(unit: TauUnit | None, dt: float | None) -> float:
    """Factor from the file's time constants to seconds."""
    if unit not in (None, *get_args(TauUnit)):
        raise InputError(f"tau unit {unit!r} is unknown; it is one of {', '.join(get_args(TauUnit))}")
    if unit in ("steps", "dt") and dt is None:
        raise InputError(f"tau unit {unit!r} needs the time step; add --dt SECONDS")
    return {None: 1.0, "s": 1.0, "ms": 1e-3, "steps": dt or 1.0, "dt": 1.0 / (dt or 1.0)}[unit]


def find_clue(neurons: Iterable[NeuronNode], scale: float = 1.0) -> Clue | None:
    """The dt that the gains of all neurons agree on, or None.

    A gain of exactly 1 says nothing. A single value of dt that follows from one ratio only is believed if it is round
    (1, 2, 2.5 or 5 times a power of ten), since any resistance gives some ratio.
    """
    pairs = _pairs(neurons, scale)
    if not pairs:
        return None
    tau = np.concatenate([p[1] for p in pairs])
    gain = np.concatenate([p[2] for p in pairs])
    names = tuple(dict.fromkeys(p[0].split(":")[0] for p in pairs))
    gains = sorted({p[0].split(":")[1] for p in pairs})
    plain = " and ".join(g.replace("r = tau/dt", "r = tau_mem/dt" if len(gains) > 1 else "r = tau/dt") for g in gains)
    found = [
        Clue(dt, formula, framework, names)
        for dt, formula, framework in (
            (_agreed(tau, tau / gain), plain, "snnTorch"),
            (_agreed(tau, tau / _rockpool_steps(gain)), "r = (tau/dt) exp(-dt/tau)", "rockpool"),
        )
        if dt is not None
    ]
    return min(found, key=lambda c: not _is_round(c.dt)) if found else None


def check_dt(dt: float) -> float:
    """``dt`` if it is a positive number."""
    if not (np.isfinite(dt) and dt > 0):
        raise InputError(f"dt is {dt}; a positive number of seconds is needed")
    return float(dt)


def check_units(neurons: Iterable[NeuronNode], unit: TauUnit | None) -> None:
    """Refuse time constants that cannot be (negative, zero), or hardly can be seconds where the user has not said so."""
    for name, key, tau in _taus(neurons):
        if tau.min() < 0 or (tau.min() == 0 and key != "tau_syn"):
            raise NetworkError(
                f"node {name!r}: {key} is {tau.min():g}; time constants must be positive; repair the file"
            )
        longest = float(tau[np.isfinite(tau)].max(initial=0.0))
        if unit is None and longest > MAX_TAU:
            raise InputError(
                f"node {name!r}: {key} = {longest:g} s is above {MAX_TAU:g} s, so it is probably in ms or (sinabs) in "
                "steps; say which: --tau-unit ms, --tau-unit steps with --dt, or --tau-unit s if it is right"
            )


def check_against_dt(neurons: Iterable[NeuronNode], unit: TauUnit | None, scale: float, dt: float) -> None:
    """Refuse time constants below dt, with the reading that would make sense."""
    for name, key, tau in _taus(neurons):
        shortest = float(np.where(tau > 0, tau, np.inf).min())
        if shortest * scale >= dt * (1 - _ROUNDING):
            continue
        line = f"node {name!r}: {key} = {shortest * scale:g} s is below dt = {dt:g} s, so the file or dt is wrong"
        if unit in (None, "s") and dt <= shortest / dt * (1 + _AGREE) and shortest / dt <= MAX_TAU:
            line += f"; norse 1.1.0 writes tau x dt: --tau-unit dt reads it as {shortest / dt:g} s; else give a smaller --dt"
        else:
            line += "; give a smaller --dt or another --tau-unit (s, ms, steps, dt)"
        raise InputError(line)


def missing_dt(neurons: Iterable[NeuronNode], scale: float = 1.0) -> str:
    """The question for dt, with plausible answers."""
    neurons = list(neurons)
    shortest = min((float(t.min()) * scale for _, _, t in _taus(neurons) if t.min() > 0), default=np.inf)
    reason = "a NIR file does not state it and this one holds no clue"
    pairs = _pairs(neurons, scale)
    if pairs:
        ratio = np.concatenate([tau / gain for _, tau, gain in pairs])
        span = f"{ratio.min():.4g}" + (f" to {ratio.max():.4g}" if np.ptp(ratio) > _AGREE * ratio.max() else "")
        reason = f"the file's tau divided by its gain is {span} s, which is no believable single time step"
    usual = ", ".join(
        f"--dt {text} ({who})"
        for text, who in (("1e-3", "norse's default"), ("1e-4", "snnTorch's"))
        if float(text) <= shortest
    )
    limit = f"; it must be at most the shortest time constant, {shortest:g} s" if np.isfinite(shortest) else ""
    if shortest < SHORT:
        limit += ", unless norse 1.1.0 wrote the file, which multiplies tau by dt: then add --tau-unit dt"
    return f"the time step is unknown: {reason}; add --dt SECONDS{', such as ' + usual if usual else ''}{limit}"


def _taus(neurons: Iterable[NeuronNode]) -> list[tuple[str, str, FloatArray]]:
    return [(n.name, key, n.values[key]) for n in neurons for key in _TAUS if key in n.values]


def _pairs(neurons: Iterable[NeuronNode], scale: float) -> list[tuple[str, FloatArray, FloatArray]]:
    """(node:formula, tau, gain) wherever a gain other than 1 stands beside a time constant."""
    pairs = []
    for neuron in neurons:
        for tau_key, gain_key in _GAINS:
            if tau_key not in neuron.values or gain_key not in neuron.values:
                continue
            tau = broadcast(neuron.values[tau_key], neuron.shape, prod(neuron.shape)) * scale
            gain = broadcast(neuron.values[gain_key], neuron.shape, prod(neuron.shape))
            telling = (gain != 1) & (gain > 1 / _MAX_GAIN) & (gain < _MAX_GAIN) & (tau > 0)
            if telling.any():
                formula = "r = tau/dt" if gain_key == "r" else "w_in = tau_syn/dt"
                pairs.append((f"{neuron.name}:{formula}", tau[telling], gain[telling]))
    return pairs


def _agreed(tau: FloatArray, candidates: FloatArray) -> float | None:
    """The one dt that all candidates give, rounded where float32 hides a round number; None if there is none."""
    middle = float(np.median(candidates))
    if not np.all(np.abs(candidates - middle) <= _AGREE * middle):
        return None
    if not np.all(candidates <= tau * (1 + _AGREE)):
        return None
    rounded = float(f"{middle:.1e}")
    if abs(rounded - middle) <= _AGREE * middle:
        middle = rounded
    several = np.ptp(tau) > _AGREE * float(tau.max())
    return middle if _is_round(middle) or several else None


def raised_to_dt(tau: FloatArray, dt: float) -> FloatArray:
    """``tau``, with values that float32 rounding put just below dt raised to it: the Euler step needs tau >= dt."""
    return np.where((tau < dt) & (tau >= dt * (1 - _ROUNDING)), dt, tau)


def _is_round(value: float) -> bool:
    return f"{value:.6e}".split("e")[0] in ("1.000000", "2.000000", "2.500000", "5.000000")


def _rockpool_steps(gain: FloatArray) -> FloatArray:
    """Solve ``x exp(-1/x) = gain`` for x = tau/dt by Newton's method on ``ln x - 1/x = ln gain``, which is monotone."""
    target = np.log(gain)
    x = np.maximum(gain, 1.0)
    for _ in range(60):
        x = np.maximum(x - (np.log(x) - 1 / x - target) / (1 / x + 1 / x**2), x / 10)
    return x
