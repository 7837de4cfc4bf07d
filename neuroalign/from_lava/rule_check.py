"""A rule in Lava's terms on seeded spikes: as it is written, without rounding, in Lava, and in a form that carries."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from neuroalign.chip import ChipInput, ChipNetwork
from neuroalign.compile import compile_network
from neuroalign.deployment import BitEquality
from neuroalign.deployment.learning import LearningRun
from neuroalign.deployment.plastic_runs import HELD_RANGE, chip_reads, learning_probes, model_reads
from neuroalign.errors import ConversionRefused, InputError, NeuroalignError
from neuroalign.fidelity import LearningAgreement, compare_learning, equal_states
from neuroalign.fidelity.learning import counts_of
from neuroalign.from_lava.rule_meaning import in_si_units, notes, predicted, real_program
from neuroalign.microcode import POST_TRACES, Program
from neuroalign.microcode.lava_call import LavaRule, is_lava_text, lava_call, lava_rule, read_call
from neuroalign.pipeline import versions
from neuroalign.pipeline.backend_runs import require_backends
from neuroalign.profile import Profile, load_profile
from neuroalign.quantise.engine import check_profile
from neuroalign.quantise.graded import chip_stimulus
from neuroalign.quantise.held_rule import HeldRule
from neuroalign.quantise.impulses import RATE_HZ
from neuroalign.quantise.learning import hold_rule
from neuroalign.quantise.prediction import Prediction, spike_change
from neuroalign.quantise.rule_choices import RuleChoices
from neuroalign.recording import Stimulus
from neuroalign.rule import LearningRule, RuleTrace, Term
from neuroalign.rule_check.run import COMPILED_STEPS, SPIKES, CheckOptions
from neuroalign.rule_check.trial import PLASTIC, THIRD, trial_network, trial_spikes
from neuroalign.sim.emulator import Emulator
from neuroalign.sim.lava_processes.backend import LavaBackend
from neuroalign.sim.lava_processes.taken_rules import is_rule, made_by_lava, rule_of

IDEAL, WRITTEN, CARRIED = "without rounding", "as written", "carried"
LARGEST_SENT = 60
"""The trial's third factor in Lava's units: -60 to 60."""


@dataclass(frozen=True)
class CarriedRule:
    """The same rule with small changes kept in the tag, or why there is none."""

    held: HeldRule | None
    refusal: str = ""

    @property
    def text(self) -> str:
        """As a call in Lava, to paste into a script; empty where there is none."""
        return lava_call(self.held.program) if self.held else ""


@dataclass(frozen=True, eq=False)
class LavaRuleCheck:
    """What became of a rule in Lava's terms.

    Parameters
    ----------
    runs
        Without rounding; as written in the emulator and in Lava; carried. Weights in units of Lava's weight.
    agreements
        Each run in integers against the one without rounding.
    bit_equality
        Emulator against Lava, as written.
    notes
        What integers do to the rule that its strings do not say.
    prediction
        Walk of the rounding and of the rule itself, where that can be predicted.
    """

    rule: LavaRule
    profile_id: str
    dt: float
    steps: int
    seed: int
    spikes: str
    runs: tuple[LearningRun, ...]
    agreements: tuple[LearningAgreement, ...]
    bit_equality: tuple[BitEquality, ...]
    notes: tuple[str, ...]
    prediction: Prediction | None
    carried: CarriedRule
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def broken(self) -> BitEquality | None:
        """Two runs that should be bit-equal and are not."""
        return next((b for b in self.bit_equality if b.states.mismatches), None)


def rule_from_lava(rule: Any) -> LavaRule:
    """A rule of Lava's, as an object or as text, in numbers.

    Parameters
    ----------
    rule
        A ``Loihi2FLearningRule``, ``Loihi3FLearningRule`` or an object derived from them (``STDPLoihi``,
        ``RewardModulatedSTDP``); or text: its keyword arguments as they stand in a script, or the call itself.

    Raises
    ------
    RuleError
        If it is neither, or means something else to Lava than it says; the message points at the character.
    BackendMissing
        If a text names a class that only Lava can make, and Lava is not installed.

    Examples
    --------
    >>> import neuroalign
    >>> text = "Loihi2FLearningRule(dw='x1*y0', x1_impulse=16, x1_tau=20, t_epoch=1)"
    >>> neuroalign.rule_from_lava(text).program.t_epoch
    1
    """
    if is_rule(rule):
        return rule_of(rule)
    text = str(rule)
    if is_lava_text(text) and "impulse " not in text:
        name, arguments = read_call(text)
        if name in ("", "Loihi2FLearningRule", "Loihi3FLearningRule"):
            return lava_rule(name, arguments)
        return made_by_lava(name, arguments)
    from neuroalign.microcode.lava_call import lava_rule_from_text

    return lava_rule_from_text(text)


def carried_rule(
    rule: LavaRule, profile: Profile, dt: float = 1e-3, choices: RuleChoices | None = None
) -> tuple[LearningRule | None, CarriedRule]:
    """The rule in SI units, and in the form that keeps what is below one weight unit; with the reason where there is none.

    ``choices`` name the form; the unit of the weight stays Lava's, so its weights mean what they meant.
    """
    try:
        si = in_si_units(rule, dt)
    except NeuroalignError as error:
        return None, CarriedRule(None, f"the rule has no form in SI units: {error}")
    if rule.program.tag_update:
        return si, CarriedRule(None, "the rule uses the tag itself, which the carry forms need")
    wanted = replace(choices or RuleChoices(), weight_unit=1.0, weight_limit=None)
    if wanted.form in ("auto", "direct"):
        wanted = replace(wanted, form="carry")
    try:
        held = hold_rule(si, "in Lava's terms", profile, dt, 1.0, wanted, free_unit=False)
    except NeuroalignError as error:
        return si, CarriedRule(None, _not_carried(si, error))
    return si, CarriedRule(held)


def _not_carried(si: LearningRule, refusal: NeuroalignError) -> str:
    """The refusal in the words of somebody who writes strings for Lava."""
    changes = [spike_change(si, term, 1.0) for term in si.weight if term.gate != "step"]
    if changes and min(changes) >= 1:
        return f"one pair of spikes moves a weight by {min(changes):g} units or more, so that there is little below one unit to keep"
    return str(refusal)


def check_lava_rule(
    rule: LavaRule, profile: Profile, choices: RuleChoices | None = None, options: CheckOptions | None = None
) -> LavaRuleCheck:
    """Run a rule as it is written, and carried, on seeded spikes; weights start from 0 and drive nothing.

    Raises
    ------
    ConversionRefused
        If the profile has no learning engine of integers.
    BackendMissing
        If a backend that was asked for is not installed.

    Examples
    --------
    >>> import neuroalign
    >>> rule = neuroalign.rule_from_lava("Loihi2FLearningRule(dw='2^-2*x1*y0', x1_impulse=16, x1_tau=20, t_epoch=1)")
    >>> options = neuroalign.CheckOptions(backends=("emulator",), steps=200)
    >>> check = neuroalign.check_lava_rule(rule, neuroalign.load_profile("loihi2"), options=options)
    >>> len(check.runs) > 1
    True
    """
    choices, options = choices or RuleChoices(), options or CheckOptions()
    check_profile("in Lava's terms", profile)
    if profile.arithmetic != "fixed":
        raise ConversionRefused(
            f"profile {profile.id!r} computes in double precision; a rule in Lava's terms is checked on one of integers, as loihi2"
        )
    if "norse" in options.backends:
        raise InputError(
            "norse has no form of a rule in Lava's terms; leave it out: the rule without rounding is always run"
        )
    require_backends(options.backends)
    spikes = trial_spikes(options.steps, options.dt, options.seed)
    rates = choices.rates or (RATE_HZ, RATE_HZ)
    si, carried = carried_rule(rule, profile, options.dt, choices)
    trial = _Trial(rule, spikes.stimulus, spikes.third[None] * LARGEST_SENT, profile, options)
    runs = [trial.run(IDEAL, real_program(rule.program), integers=False)]
    lava = "lava" in options.backends or (not options.backends and LavaBackend().missing() is None)
    if not rule.unheld:
        runs.append(trial.run(f"{WRITTEN} (emulator)", rule.program))
        if lava:
            runs.append(trial.run(f"{WRITTEN} (Lava)", rule.program, lava=True))
    if carried.held is not None:
        runs.append(trial.run(f"{CARRIED} ({carried.held.form}, emulator)", carried.held.program))
    prediction = predicted(rule, si, rates, options.dt) if si is not None else None
    found = notes(rule, options.dt, profile, rates)
    if not lava and not rule.unheld:
        found.append("Not compared with Lava in this run." + _hint(LavaBackend().missing()))
    return LavaRuleCheck(
        rule=rule,
        profile_id=profile.id,
        dt=options.dt,
        steps=options.steps,
        seed=options.seed,
        spikes=spikes.description,
        runs=tuple(runs),
        agreements=tuple(_agree(runs[0], run, trial.read_steps) for run in runs[1:]),
        bit_equality=_bit_equality(runs),
        notes=tuple(found),
        prediction=prediction,
        carried=carried,
        versions=versions(),
    )


@dataclass(frozen=True, eq=False)
class _Trial:
    """The trial of ``rule check`` with a Program put in as it is."""

    rule: LavaRule
    stimulus: Stimulus
    third: Any
    profile: Profile
    options: CheckOptions

    @property
    def read_steps(self) -> tuple[int, ...]:
        return model_reads(self.options.steps)

    def run(self, label: str, program: Program, *, integers: bool = True, lava: bool = False) -> LearningRun:
        chip = self._network(program, integers)
        third = {THIRD: np.rint(self.third)} if self.rule.third_factors else {}
        stimulus = chip_stimulus(Stimulus({**self.stimulus.inputs, **third}), chip)
        probes, reads = [*SPIKES, *learning_probes(chip)], chip_reads(chip, self.read_steps)
        tell, started = self.options.progress, time.perf_counter()
        told = None if tell is None else lambda done, total: tell(label, done, total)
        if lava:
            limit = self.options.lava_time_limit_s
            found = LavaBackend().run(chip, stimulus, probes, read_steps=reads, time_limit_s=limit, progress=told)
        else:
            how: Any = "kernels" if self.options.steps > COMPILED_STEPS else "reference"
            found = Emulator().run(chip, stimulus, probes, read_steps=reads, implementation=how, progress=told)
        weights = np.asarray(found.states[PLASTIC, "w"][0], dtype=np.float64)
        raw, unit = (found, 1.0) if integers else (None, 0.0)
        return LearningRun(label, "lava" if lava else "emulator", weights, raw, unit, time.perf_counter() - started)

    def _network(self, program: Program, integers: bool) -> ChipNetwork:
        """The trial compiled for some rule, whose Program is then this one."""
        network = trial_network(_stand_in(), self.options.dt)
        if integers:
            choices = RuleChoices(form="direct", weight_unit=1.0)
            chip, _ = compile_network(network, self.profile, learning={PLASTIC: choices})
        else:
            chip, _ = compile_network(network, load_profile("ideal"))
        third = self.rule.third_factors
        received = sorted(program.variables & set(POST_TRACES)) if third else []
        connections = tuple(
            c
            if c.plasticity is None
            else replace(
                c,
                plasticity=replace(
                    c.plasticity,
                    program=program,
                    weight_unit=1.0,
                    modulators=tuple((name, THIRD) for name in received),
                ),
            )
            for c in chip.connections
        )
        inputs = (*chip.inputs, ChipInput(THIRD, 1, message_bits=32)) if third else chip.inputs
        return replace(chip, inputs=inputs, connections=connections)


def _hint(missing: str | None) -> str:
    return f" {missing}" if missing else ""


def _stand_in() -> LearningRule:
    trace = {"x": RuleTrace("pre", 0.02)}
    return LearningRule("lava-rule", "stands in", "", "", (), trace, (Term(8.0, "post", ("x",)),), weight_limit=255.0)


def _agree(left: LearningRun, right: LearningRun, steps: tuple[int, ...]) -> LearningAgreement:
    return compare_learning(
        left.weights[None],
        right.weights[None],
        steps=steps,
        unit=right.unit,
        limits=HELD_RANGE["mixed"],
        counts=counts_of(right.raw.counts, PLASTIC) if right.raw else {},
        connection=PLASTIC,
        names=(left.label, right.label),
    )


def _bit_equality(runs: list[LearningRun]) -> tuple[BitEquality, ...]:
    here = next((r for r in runs if r.label == f"{WRITTEN} (emulator)"), None)
    there = next((r for r in runs if r.backend == "lava"), None)
    if here is None or there is None or here.raw is None or there.raw is None:
        return ()
    return (BitEquality(here.label, there.label, equal_states(here.raw, there.raw)),)
