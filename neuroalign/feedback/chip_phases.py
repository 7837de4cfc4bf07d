r"""Alignment phases whose rule runs as an 8-bit Program on the emulator; the neurons are those of the float phases.

STDWI   recorded spikes of the layer enter relays, and the feedback connection between these learns.
RDD     neurons with windows, third factors and the tag (:mod:`neuroalign.experiments.rdd_chip`), one session a layer.
mirror  as STDWI, with the four products of :mod:`neuroalign.rules.weight_mirror`.
SAL     both layers are on chip, feedback in the loop; escape noise with another seed in every phase.

Weights start where the phase before left them, in the same unit. What was kept in the tag is lost in between.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from neuroalign.errors import InputError
from neuroalign.experiments.rdd_chip import ChipChoices, RddOnChip
from neuroalign.experiments.sal_layers import FEEDBACK as SAL_FEEDBACK
from neuroalign.experiments.sal_layers import FORWARD, sampling_neurons, silence
from neuroalign.experiments.stdwi import FEEDBACK, inference_network, inference_stimulus
from neuroalign.experiments.stdwi_activity import Activity
from neuroalign.feedback.methods import Method, with_phase
from neuroalign.feedback.phases import (
    DT,
    SAL_DEVIATION,
    SAL_TAU,
    RddPhase,
    SalPhase,
    StdwiPhase,
    sal_forward,
    stdwi_activity,
)
from neuroalign.learners import chip_learner
from neuroalign.network import Connection, InputPort, Network
from neuroalign.profile import load_profile
from neuroalign.quantise.carry import AskedForm
from neuroalign.quantise.rule_choices import RuleChoices
from neuroalign.rule import LearningRule
from neuroalign.rules import stdwi
from neuroalign.rules.sal import sal
from neuroalign.rules.weight_mirror import weight_mirror
from neuroalign.sim.emulator import Emulator
from neuroalign.sim.emulator.window_neurons import WindowRun

FloatArray = NDArray[np.float64]
PROFILE = "loihi2"
LARGEST_WEIGHT = 254
"""Of the integers that a chip holds."""


@dataclass(frozen=True)
class StdwiChipPhase(StdwiPhase):
    """STDWI on chip; ``form`` as in RuleChoices, ``limit`` is the largest estimate that the chip has to hold."""

    form: AskedForm = "exact"
    limit: float = 1.0

    def __call__(self, estimate: FloatArray, weight: FloatArray, number: int, rng: np.random.Generator) -> FloatArray:
        """See :class:`~neuroalign.feedback.phases.Phase`."""
        inputs, outputs = stdwi_activity(weight, self.first if number == 0 else self.later, rng)
        activity = Activity(DT, weight, inputs, outputs)
        network = _starting_at(inference_network(activity, 0, self.rule()), FEEDBACK, estimate)
        learn = chip_learner(Emulator(), load_profile(PROFILE), _choices(self.form, self.limit, rng))
        return np.asarray(learn(network, inference_stimulus(activity), [len(inputs)])[0])

    def rule(self) -> LearningRule:
        """With the rates of activity that the phase has."""
        return stdwi(learning_rate=self.rate, decay=self.decay)


@dataclass(frozen=True)
class MirrorChipPhase(StdwiChipPhase):
    """The weight mirror in spikes on chip, on the activity of STDWI's phases."""

    rate: float = 1e-3
    limit: float = 2.0

    def rule(self) -> LearningRule:
        """Four products of traces."""
        return weight_mirror(learning_rate=self.rate, decay=self.decay)


@dataclass(frozen=True)
class SalChipPhase(SalPhase):
    """SAL on chip; ``form`` and ``limit`` as in :class:`StdwiChipPhase`."""

    form: AskedForm = "exact"
    limit: float = 4 * SAL_DEVIATION

    def __call__(self, estimate: FloatArray, weight: FloatArray, number: int, rng: np.random.Generator) -> FloatArray:
        """See :class:`~neuroalign.feedback.phases.Phase`."""
        steps = self.first if number == 0 else self.later
        network = sal_network(sal_forward(weight), estimate, sal(self.eta, replicas=1), int(rng.integers(2**31)))
        learn = chip_learner(Emulator(), load_profile(PROFILE), _choices(self.form, self.limit, rng))
        return np.asarray(learn(network, silence(steps), [steps])[0])


@dataclass(frozen=True)
class RddChipPhase:
    """RDD as Loihi 2 would have it: neurons with windows, third factors, 8-bit weights; sessions go on between phases.

    Weights grow half as fast as in the published phases, which last 90 s in all, so that few meet the limit of 8 bits. ``first`` and ``later`` are in s.
    """

    first: float = RddPhase.first
    later: float = 20.0

    def start(self, shape: tuple[int, int], rng: np.random.Generator) -> RddOnChip:
        """See :class:`~neuroalign.feedback.phases.Phase`."""
        return RddOnChip(np.zeros(shape), WindowRun, Emulator().start, choices=ChipChoices(weight_exponent=-6))

    def __call__(self, estimate: RddOnChip, weight: FloatArray, number: int, rng: np.random.Generator) -> RddOnChip:
        """See :class:`~neuroalign.feedback.phases.Phase`; what is returned is the same session, gone on."""
        estimate.learn(weight, self.first if number == 0 else self.later, int(rng.integers(2**31)))
        return estimate

    def used(self, estimate: RddOnChip) -> FloatArray:
        """The weights as the chip holds them."""
        return estimate.beta.astype(np.float64)


def chip_methods() -> dict[str, Method]:
    """The spiking methods with their Program on the emulator, by the names of their float forms."""
    found = (
        with_phase("wm", "weight mirror in spikes, 8 bits", MirrorChipPhase()),
        with_phase("stdwi", "STDWI, 8 bits", StdwiChipPhase()),
        with_phase("rdd", "RDD, 8 bits", RddChipPhase()),
        with_phase("sal", "SAL, 8 bits", SalChipPhase()),
    )
    return {method.name: method for method in found}


def chip_method_named(name: str) -> Method:
    """One of :func:`chip_methods` (InputError for others)."""
    known = chip_methods()
    if name not in known:
        raise InputError(f"method {name!r} has no phase on chip; one of {', '.join(known)}")
    return known[name]


def sal_network(forward: FloatArray, feedback: FloatArray, rule: LearningRule, seed: int) -> Network:
    """Two layers of sampling neurons without biases; ``forward`` (upper, lower) is fixed, ``feedback`` learns."""
    upper, lower = forward.shape
    return Network(
        "sal-phase",
        DT,
        (InputPort("none", (1,)),),
        (
            sampling_neurons("lower", lower, np.zeros(lower), SAL_TAU, [seed, 0]),
            sampling_neurons("upper", upper, np.zeros(upper), SAL_TAU, [seed, 1]),
        ),
        (
            Connection("silent", "none", "lower", np.zeros((lower, 1)), delay_steps=1),
            Connection(FORWARD, "lower", "upper", forward, delay_steps=1),
            Connection(SAL_FEEDBACK, "upper", "lower", feedback, delay_steps=1, rule=rule),
        ),
        (("upper", "upper"),),
    )


def _choices(form: AskedForm, limit: float, rng: np.random.Generator) -> RuleChoices:
    return RuleChoices(form, weight_limit=limit, rng_seed=int(rng.integers(2**31)))


def _starting_at(network: Network, name: str, weight: FloatArray) -> Network:
    return replace(
        network, connections=tuple(replace(c, weight=weight) if c.name == name else c for c in network.connections)
    )
