"""One rule on one profile: float, ideal and chip on the same seeded spikes, and where they part."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from neuroalign.chip import ChipNetwork
from neuroalign.compile import compile_network, float_model
from neuroalign.deployment import BitEquality
from neuroalign.deployment.learning import AblatedStep, FormRun, LearningRun, RuleCheck, Share
from neuroalign.deployment.plastic_runs import HELD_RANGE, chip_reads, learning_probes, model_reads
from neuroalign.fidelity import LearningAgreement, compare_learning, equal_states
from neuroalign.fidelity.learning import counts_of
from neuroalign.network import FloatArray, Network
from neuroalign.pipeline import versions
from neuroalign.pipeline.backend_runs import require_backends
from neuroalign.pipeline.options import BackendName, Progress
from neuroalign.profile import Profile, load_profile
from neuroalign.quantise.graded import chip_stimulus
from neuroalign.quantise.rule_choices import RuleChoices
from neuroalign.quantise.rule_sheet import RuleSheet
from neuroalign.recording import Probe, Recording, Stimulus
from neuroalign.rule import LearningRule
from neuroalign.rule_check.ablation import ablate
from neuroalign.rule_check.compared_forms import compared_forms
from neuroalign.rule_check.trial import PLASTIC, trial_network, trial_spikes
from neuroalign.rule_check.weight_range import ranged, start_of
from neuroalign.sim.emulator import Emulator
from neuroalign.sim.lava_processes.backend import LavaBackend
from neuroalign.sim.norse_reference.backend import NorseReference

FLOAT, IDEAL = "float model", "ideal (no rounding)"
SPIKES: tuple[Probe, ...] = (("pre", "s"), ("post", "s"))
COMPILED_STEPS = 20_000
"""Shorter checks are done in the emulator's readable form before the compiled one would be compiled; the bits are equal."""


@dataclass(frozen=True)
class CheckOptions:
    """How to check a rule.

    Parameters
    ----------
    backends
        "emulator", "lava", "norse"; empty: whatever is installed here.
    steps, dt
        Model steps, and their length in seconds.
    ablate_seeds
        Over how many sets of spikes each step of the quantisation is switched off; 0: it is not.
    start
        All weights at the start, in the rule's unit. None: 0, or half of the rule's limit where every term is
        proportional to the weight.
    fit
        Take the range that the float run needs even where the rule states a limit.
    forms
        Also run every form in which small changes can be kept.

    Examples
    --------
    >>> import neuroalign
    >>> neuroalign.CheckOptions(backends=("emulator",), steps=500).steps
    500
    """

    backends: tuple[BackendName, ...] = ()
    steps: int = 10_000
    dt: float = 1e-3
    seed: int = 0
    ablate_seeds: int = 0
    lava_time_limit_s: float = 600.0
    command: str = ""
    progress: Progress | None = None
    start: float | None = None
    fit: bool = False
    forms: bool = False


def check_rule(
    rule: LearningRule, profile: Profile, choices: RuleChoices | None = None, options: CheckOptions | None = None
) -> RuleCheck:
    """Run a rule on seeded spikes in every room and compare.

    Where ``choices`` give no weight limit, the range is the rule's own limit, as in a network that uses the rule. Where it
    has none, where the float run grows beyond it, or with ``fit``, it is a quarter more than the float run's largest weight.
    Either is doubled until the chip can hold the rule's changes in it.

    Raises
    ------
    ConversionRefused, RuleError
        If the profile cannot hold the rule in this form.
    BackendMissing
        If a backend that was asked for is not installed.

    Examples
    --------
    >>> import neuroalign
    >>> rule, profile = neuroalign.load_rule("stdwi"), neuroalign.load_profile("loihi2")
    >>> options = neuroalign.CheckOptions(backends=("emulator",), steps=200)
    >>> check = neuroalign.check_rule(rule, profile, neuroalign.RuleChoices(), options)
    >>> check.question.candidate
    'loihi2 (emulator)'
    """
    choices, options = choices or RuleChoices(), options or CheckOptions()
    backends = options.backends or _installed()
    require_backends(backends)
    spikes = trial_spikes(options.steps, options.dt, options.seed)
    start = start_of(rule, options.start)
    network = trial_network(rule, options.dt, start)
    trial = _Trial(network, spikes.stimulus_of(rule), model_reads(options.steps), options)
    reference = trial.norse() if NorseReference().missing() is None else trial.float_model()
    largest = float(np.abs(reference.weights).max())
    taken = ranged(rule, profile, choices, options.dt, largest, fit=options.fit)
    sheet, choices = taken.sheet, taken.choices
    ideal_profile = load_profile("ideal")
    ideal = trial.chip_run(IDEAL, compile_network(network, ideal_profile)[0])
    runs = [reference, ideal]
    shares: tuple[Share, ...] = ()
    ablation: tuple[AblatedStep, ...] = ()
    forms: tuple[FormRun, ...] = ()
    if profile.arithmetic == "fixed":
        chip, _ = compile_network(network, profile, learning={PLASTIC: choices})
        if "emulator" in backends or "lava" not in backends:
            runs.append(trial.chip_run(f"{profile.id} (emulator)", chip))
        if "lava" in backends:
            runs.append(trial.lava_run(f"{profile.id} (Lava)", chip))
        held = with_held_constants(rule, sheet)
        constants = trial.chip_run(
            "constants", compile_network(trial_network(held, options.dt, start), ideal_profile)[0]
        )
        shares = _shares(ideal, constants, runs[2])
        ablation = _ablation(rule, held, sheet, profile, choices, options, start)
        forms = _forms(trial, rule, profile, choices, reference.weights[-1])
    return RuleCheck(
        sheet=sheet,
        steps=options.steps,
        read_steps=trial.read_steps,
        seed=options.seed,
        spikes=spikes.description,
        runs=tuple(runs),
        agreements=_agreements(runs, trial.read_steps),
        bit_equality=_bit_equality(runs),
        shares=shares,
        causes=tuple(r for r in (sheet.held.rows if sheet.held else ()) if r.status != "exact"),
        warnings=_warnings(backends, reference),
        versions=versions(),
        command=options.command,
        ablation=ablation,
        start=start,
        range_note=taken.note,
        forms=forms,
        created=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
    )


def _forms(
    trial: _Trial, rule: LearningRule, profile: Profile, choices: RuleChoices, wanted: FloatArray
) -> tuple[FormRun, ...]:
    if not trial.options.forms:
        return ()

    def ended(asked: RuleChoices, form: str) -> FloatArray:
        chip, _ = compile_network(trial.network, profile, learning={PLASTIC: asked})
        ends: FloatArray = trial.chip_run(f"{form} form", chip).weights[-1]
        return ends

    dt = trial.options.dt
    return compared_forms(rule, profile, choices, dt, wanted, trial.options.steps * dt, ended)


def _ablation(
    rule: LearningRule,
    constants: LearningRule,
    sheet: RuleSheet,
    profile: Profile,
    choices: RuleChoices,
    options: CheckOptions,
    start: float,
) -> tuple[AblatedStep, ...]:
    if options.ablate_seeds == 0 or sheet.held is None:
        return ()
    seeds = range(options.seed, options.seed + options.ablate_seeds)
    return ablate(
        rule,
        constants,
        sheet.held,
        profile,
        choices,
        steps=options.steps,
        dt=options.dt,
        seeds=seeds,
        start=start,
        progress=options.progress,
    )


@dataclass(frozen=True, eq=False)
class _Trial:
    """The network, its spikes, and when weights are read."""

    network: Network
    stimulus: Stimulus
    read_steps: tuple[int, ...]
    options: CheckOptions

    def norse(self) -> LearningRun:
        probe: Probe = (PLASTIC, "w")
        tell = self.told("float model in Norse")
        started = time.perf_counter()
        found = NorseReference().run_model(
            self.network, self.stimulus, [probe], read_steps=self.read_steps, progress=tell
        )
        seconds = time.perf_counter() - started
        return LearningRun(f"{FLOAT} (Norse)", "norse", np.asarray(found.states[probe][0]), None, 0.0, seconds)

    def float_model(self) -> LearningRun:
        return self.chip_run(f"{FLOAT} (own)", float_model(self.network, load_profile("ideal")))

    def chip_run(self, label: str, chip: ChipNetwork) -> LearningRun:
        started = time.perf_counter()
        recording = Emulator().run(
            chip,
            chip_stimulus(self.stimulus, chip),
            [*SPIKES, *learning_probes(chip)],
            read_steps=chip_reads(chip, self.read_steps),
            implementation="kernels" if self.options.steps > COMPILED_STEPS else "reference",
            progress=self.told(f"emulator: {label}"),
        )
        return _run(label, "emulator", chip, recording, time.perf_counter() - started)

    def lava_run(self, label: str, chip: ChipNetwork) -> LearningRun:
        started = time.perf_counter()
        recording = LavaBackend().run(
            chip,
            chip_stimulus(self.stimulus, chip),
            [*SPIKES, *learning_probes(chip)],
            read_steps=chip_reads(chip, self.read_steps),
            time_limit_s=self.options.lava_time_limit_s,
            progress=self.told("Lava"),
        )
        return _run(label, "lava", chip, recording, time.perf_counter() - started)

    def told(self, what: str) -> Callable[[int, int], None] | None:
        tell = self.options.progress
        return None if tell is None else lambda done, total: tell(what, done, total)


def _installed() -> tuple[BackendName, ...]:
    return ("emulator", "lava") if LavaBackend().missing() is None else ("emulator",)


def with_held_constants(rule: LearningRule, sheet: RuleSheet) -> LearningRule:
    """The rule with the coefficients that the chip has."""
    rows = sheet.held.rows if sheet.held else ()
    stored = [row.stored_value for row in rows if row.quantity.startswith("term ")]
    terms = [replace(t, coefficient=c) for t, c in zip((*rule.weight, *rule.tag), stored, strict=True)]
    weight, tag = terms[: len(rule.weight)], terms[len(rule.weight) :]
    return replace(rule, weight=tuple(weight), tag=tuple(tag))


def _run(label: str, backend: str, chip: ChipNetwork, recording: Recording, seconds: float) -> LearningRun:
    unit = next(c.plasticity.weight_unit for c in chip.connections if c.plasticity is not None)
    weights: FloatArray = np.asarray(recording.states[PLASTIC, "w"][0] * unit, dtype=np.float64)
    raw = recording if chip.is_fixed else None
    return LearningRun(label, backend, weights, raw, unit if chip.is_fixed else 0.0, seconds)


def _agreements(runs: Sequence[LearningRun], steps: tuple[int, ...]) -> tuple[LearningAgreement, ...]:
    """Ideal against float; then for each chip run against ideal, and last each against float."""
    reference, ideal, *chips = runs
    pairs = [(reference, ideal), *((ideal, chip) for chip in chips), *((reference, chip) for chip in chips)]
    return tuple(_agree(left, right, steps) for left, right in pairs)


def _agree(left: LearningRun, right: LearningRun, steps: tuple[int, ...]) -> LearningAgreement:
    low, high = HELD_RANGE["mixed"]
    return compare_learning(
        left.weights[None],
        right.weights[None],
        steps=steps,
        unit=right.unit,
        limits=(low * right.unit, high * right.unit) if right.unit else None,
        counts=counts_of(right.raw.counts, PLASTIC) if right.raw else {},
        connection=PLASTIC,
        names=(left.label, right.label),
    )


def _bit_equality(runs: Sequence[LearningRun]) -> tuple[BitEquality, ...]:
    fixed = {run.backend: run for run in runs if run.raw is not None}
    if "emulator" not in fixed or "lava" not in fixed:
        return ()
    left, right = fixed["emulator"], fixed["lava"]
    if left.raw is None or right.raw is None:
        return ()
    return (BitEquality(left.label, right.label, equal_states(left.raw, right.raw)),)


def _shares(ideal: LearningRun, constants: LearningRun, chip: LearningRun) -> tuple[Share, ...]:
    """The difference between chip and ideal, split at a run with the chip's constants and no rounding."""
    ends = [run.weights[-1] for run in (ideal, constants, chip)]
    between = [float(np.sqrt(np.mean(np.square(b - a)))) for a, b in pairwise(ends)]
    return (
        Share("coefficients as the chip holds them", between[0]),
        Share("rounding and limits of traces, tags and weights", between[1]),
    )


def _warnings(backends: Sequence[BackendName], reference: LearningRun) -> tuple[str, ...]:
    warnings = []
    if reference.backend != "norse":
        warnings.append(f"The float side is the toolkit's own double-precision form. {NorseReference().missing()}")
    if "lava" not in backends:
        missing = LavaBackend().missing()
        warnings.append("Not compared with Lava in this run." + (f" {missing}" if missing else ""))
    return tuple(warnings)
