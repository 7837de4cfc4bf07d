"""The demonstration's end: a local rule infers the weights of a small network, in floats and in Loihi 2's integers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from neuroalign.chip import ChipNetwork
from neuroalign.experiments.stdwi import StdwiResult, infer
from neuroalign.experiments.stdwi_activity import Protocol, record_activity
from neuroalign.learners import chip_learner
from neuroalign.pipeline.options import Progress
from neuroalign.profile import load_profile
from neuroalign.quantise.rule_choices import RuleChoices
from neuroalign.recording import Probe, Recording, Stimulus
from neuroalign.sim.emulator import Emulator

NETWORK = Protocol(inputs=40, outputs=8)
SECONDS, SEED, BIN_STEPS = 12.0, 1, 4
"""Model time; the seed; 4 steps of 0.25 ms become one of the chip's 1 ms."""
ROOM = 2.0
"""The chip holds weights up to this many times the largest of the float rule, so that one spike pair stays a small change."""


@dataclass(frozen=True)
class LearningLine:
    """Inferred weights against the true ones: Pearson r, share of equal signs, angle in degrees."""

    name: str
    r: float
    sign: float
    angle: float


@dataclass(frozen=True)
class LearningDemo:
    """What was learnt; ``chance`` is the share of signs that the best constant guess gets right."""

    network: Protocol
    seconds: float
    lines: tuple[LearningLine, ...]
    chance: float


class _Readable:
    """The emulator's readable form: on a run this short it is done before the compiled one would be compiled."""

    name = "emulator"

    def missing(self) -> str | None:
        return Emulator().missing()

    def run(
        self,
        network: ChipNetwork,
        stimulus: Stimulus,
        probes: Sequence[Probe],
        *,
        read_steps: Sequence[int] | None = None,
    ) -> Recording:
        return Emulator().run(network, stimulus, probes, read_steps=read_steps, implementation="reference")


def run_learning_demo(progress: Progress | None = None) -> LearningDemo:
    """STDWI in floats, and with exact carry on loihi2, from the same spikes."""
    tell = progress or (lambda what, done, total: None)
    tell("learning", 0, 3)
    activity = record_activity(NETWORK, SECONDS, SEED)
    tell("learning", 1, 3)
    real = infer(chip_learner(_Readable(), load_profile("ideal")), activity, SEED, SECONDS, bin_steps=BIN_STEPS)
    tell("learning", 2, 3)
    choices = RuleChoices(form="exact", weight_limit=ROOM * real.largest_estimate)
    chip = infer(
        chip_learner(_Readable(), load_profile("loihi2"), choices), activity, SEED, SECONDS, bin_steps=BIN_STEPS
    )
    tell("learning", 3, 3)
    lines = (_line("float rule", real), _line("loihi2, 8-bit weights, exact carry", chip))
    return LearningDemo(NETWORK, SECONDS, lines, real.chance)


def _line(name: str, result: StdwiResult) -> LearningLine:
    return LearningLine(name, float(result.r[-1]), float(result.sign[-1]), float(result.angle[-1]))
