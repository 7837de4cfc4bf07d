r"""Banerjee's rule in its local form: a fixed target of five spikes, and hidden neurons taught through feedback.

**One layer**: a frozen pattern of Poisson input, shown again and again; output neurons learn a train of five spikes, drawn by
chance. Judged by van Rossum's distance between output and target, ``D^2 = 1/tau int (f - g)^2 dt`` with f and g the spikes
filtered by ``exp(-t/tau)``, over the last shows against the first ones.

**Two layers**: outputs have fixed weights of both signs; hidden neurons learn. The target trains are what another set of
hidden weights makes of the pattern, so that it can be reached. A hidden neuron's error is ``B r``: B learnt by SAL, fixed at
random, or the transpose itself.

Whoever runs it steps the network, since what is sent in a step depends on spikes of the step before (senders are
:class:`Senders`); errors and slopes therefore come one step late.

Source: the local form is our own; protocol and numbers too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from typing import Protocol as Interface

import numpy as np
from numpy.typing import NDArray

from neuroalign.chip import ChipNetwork
from neuroalign.experiments.spike_train_chip import (
    ERROR,
    INPUT,
    MIDDLE,
    OUTPUT,
    PLAIN_SLOPE,
    SHIFT,
    SLOPE,
    SPIKES,
    Form,
    LocalRule,
    local_chip,
)

FloatArray = NDArray[np.float64]
Numbers = NDArray[Any]
Teacher = Literal["target", "none", "other"]
LARGEST = 63
TARGET_SPIKES = 5


class Stepper(Interface):
    """A network that somebody steps: :class:`neuroalign.sim.emulator.session.Session` is one."""

    def step(self, inputs: Mapping[str, Numbers]) -> dict[tuple[str, str], Numbers]:
        """One step."""
        ...

    def read(self, name: str, state: str) -> Numbers:
        """A state."""
        ...


Start = Callable[[ChipNetwork, list[tuple[str, str]]], Stepper]


@dataclass(frozen=True)
class LocalProtocol:
    """What is shown, and how often.

    Parameters
    ----------
    inputs, rate : Hz
        Of the frozen pattern.
    pattern, pause : steps
        Length of the pattern, and of the silence after it in which all states decay.
    shows
        How often it is shown.
    mean, spread
        Of the initial weights, in weight units.
    tau : steps
        Of van Rossum's distance.
    """

    inputs: int = 100
    rate: float = 10.0
    pattern: int = 250
    pause: int = 70
    shows: int = 100
    mean: float = 6.0
    spread: float = 40.0
    tau: float = 10.0


@dataclass(frozen=True, eq=False)
class LocalResult:
    """Van Rossum's distance of every show (shows, outputs), and weights at the end by connection."""

    seed: int
    distance: FloatArray
    weights: dict[str, Numbers]
    sent: dict[str, Numbers] = field(default_factory=dict)

    @property
    def before(self) -> float:
        """Mean over the first three shows."""
        return float(self.distance[:3].mean())

    @property
    def after(self) -> float:
        """Mean over the last ten shows."""
        return float(self.distance[-10:].mean())

    @property
    def fall(self) -> float:
        """Share of the distance that is gone."""
        return 1 - self.after / self.before


@dataclass
class Senders:
    """What the third factors are in the next step, from what was seen so far.

    Parameters
    ----------
    feedback : by population
        What its neurons make of the outputs' errors, (N, N_output): the identity at the outputs themselves.
    """

    rule: LocalRule
    form: Form
    feedback: Mapping[str, FloatArray]
    error: FloatArray
    spiked: FloatArray
    membrane: dict[str, FloatArray]
    slope: dict[str, FloatArray]

    def send(self) -> dict[str, Numbers]:
        """By input."""
        sent: dict[str, Numbers] = {}
        for name, back in self.feedback.items():
            sent[f"{name} {SLOPE}"] = self._payload(self._inverse_slope(name), 0)
            sent[f"{name} {ERROR}"] = self._payload(self.rule.error_gain * (back @ self.error), MIDDLE)
            sent[f"{name} {SPIKES}"] = self._payload(self.rule.spike_gain * (back @ self.spiked), MIDDLE)
        return sent

    def see(self, wanted: FloatArray, states: Mapping[tuple[str, str], Numbers]) -> None:
        """Take in what came of a step, and the desired spikes of that step."""
        self.spiked = wanted - states[OUTPUT, "s"]
        self.error = self.error * np.exp(-1 / self.rule.horizon) + self.spiked
        for name in self.feedback:
            v = states[name, "v"] * (2.0**-SHIFT if self.form == "chip" else 1.0)
            self.slope[name] = v - self.membrane[name]
            self.membrane[name] = v

    def _inverse_slope(self, name: str) -> FloatArray:
        """Gain over the slope before the crossing, at most 127: what it is where the membrane falls, no spike asks."""
        if not self.rule.graded_slope:
            return np.full(self.slope[name].shape, PLAIN_SLOPE)
        return self.rule.slope_gain / np.maximum(self.slope[name], self.rule.slope_gain / 127)

    def _payload(self, value: FloatArray, zero: int) -> Numbers:
        if self.form == "float":
            return np.asarray(value)
        low = -LARGEST if zero else 0
        return (zero + np.clip(np.round(value), low, LARGEST if zero else 127)).astype(np.int64)


def run_local(
    start: Start, seed: int, form: Form, *, rule: LocalRule | None = None, protocol: LocalProtocol | None = None,
    teacher: Teacher = "target", outputs: int = 1, record: bool = False,
) -> LocalResult:  # fmt: skip
    """One layer.

    Parameters
    ----------
    teacher
        "target"; "none": no desired spike is ever sent; "other": another train at every show.
    record
        Whether to keep everything that was sent, to be shown to another backend.
    """
    made, p = rule or LocalRule(), protocol or LocalProtocol()
    rng = np.random.default_rng([seed, 31])
    pattern = rng.random((p.pattern, p.inputs)) < p.rate * 1e-3
    targets = random_targets(p, outputs, rng)
    weight = rng.normal(p.mean, p.spread, (outputs, p.inputs))
    network = local_chip(made, form, (weight,), (True,), seed)
    shown = {
        "target": lambda: targets,
        "none": lambda: np.zeros_like(targets),
        "other": lambda: random_targets(p, outputs, rng),
    }
    return show(
        start, network, made, form, p, pattern, targets, shown[teacher], {OUTPUT: np.eye(outputs)}, seed, record
    )


def random_targets(p: LocalProtocol, outputs: int, rng: np.random.Generator) -> FloatArray:
    """Five spikes for each output, at least 20 steps apart and from the ends, (pattern, outputs)."""
    found = np.zeros((p.pattern, outputs))
    room = p.pattern - 20 * (TARGET_SPIKES + 1)
    for o in range(outputs):
        times = np.sort(rng.integers(0, room, TARGET_SPIKES)) + 20 * np.arange(1, TARGET_SPIKES + 1)
        found[times, o] = 1
    return found


def show(
    start: Start, network: ChipNetwork, rule: LocalRule, form: Form, p: LocalProtocol, pattern: Numbers, targets: FloatArray,
    shown: Callable[[], FloatArray], feedback: Mapping[str, FloatArray], seed: int, record: bool = False,
) -> LocalResult:  # fmt: skip
    """Show the pattern again and again, sending what the senders make of it."""
    probes = [(population.name, state) for population in network.populations for state in ("s", "v")]
    stepper = start(network, probes)
    sizes = {population.name: population.size for population in network.populations}
    senders = Senders(
        rule, form, feedback, np.zeros(targets.shape[1]), np.zeros(targets.shape[1]),
        {n: np.zeros(sizes[n]) for n in feedback}, {n: np.zeros(sizes[n]) for n in feedback},
    )  # fmt: skip
    length, outputs = p.pattern + p.pause, targets.shape[1]
    given = np.zeros((length, p.inputs), dtype=np.int64)
    given[: p.pattern] = pattern
    distance, kept = np.zeros((p.shows, outputs)), []
    for number in range(p.shows):
        wanted, actual = np.zeros((length, outputs)), np.zeros((length, outputs))
        wanted[: p.pattern] = shown()
        for t in range(length):
            sent = {INPUT: given[t], **senders.send()}
            states = stepper.step(sent)
            senders.see(wanted[t], states)
            actual[t] = states[OUTPUT, "s"]
            if record:
                kept.append(sent)
        distance[number] = van_rossum(targets, actual, p.tau)
    weights = {c.name: stepper.read(c.name, "w").copy() for c in network.connections if c.plasticity}
    return LocalResult(seed, distance, weights, {n: np.array([k[n] for k in kept]) for n in (kept[0] if kept else ())})


def spikes_of(start: Start, network: ChipNetwork, p: LocalProtocol, pattern: Numbers) -> FloatArray:
    """What the outputs of a network that does not learn make of one show, (pattern, outputs)."""
    stepper = start(network, [(OUTPUT, "s")])
    return np.array([stepper.step({INPUT: row.astype(np.int64)})[OUTPUT, "s"] for row in pattern], dtype=np.float64)


def van_rossum(target: FloatArray, actual: FloatArray, tau: float) -> FloatArray:
    """Squared distance of each output; a lone spike is 1/2 from nothing. ``target`` may be shorter than ``actual``."""
    apart, value, total = -actual, np.zeros(actual.shape[1]), np.zeros(actual.shape[1])
    apart[: len(target)] += target
    for row in apart:
        value = value * np.exp(-1 / tau) + row
        total += value * value
    return np.asarray(total * -np.expm1(-2 / tau) / 2)
