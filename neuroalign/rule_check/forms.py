"""Every rule in every form: on each backend and profile, in a file and back; or why that form cannot exist.

A cell that passes was run here: its text says what was compared. A cell that is refused has the reason, in the words of
what refused it. Methods of the same field that are no local rule are rows too: stated, not run, with the reason why there is
nothing to hold.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from neuroalign.chip import ChipNetwork, first_difference
from neuroalign.compile import compile_network, float_model
from neuroalign.deployment.plastic_runs import chip_reads, learning_probes
from neuroalign.errors import BackendMissing, ConversionRefused, NeuroalignError
from neuroalign.export.nir_graph import read_nir
from neuroalign.export.nir_graph.write import read_chip, write_nir
from neuroalign.fidelity import equal_states
from neuroalign.network import FloatArray
from neuroalign.profile import load_profile
from neuroalign.quantise.graded import chip_stimulus
from neuroalign.quantise.rule_choices import RuleChoices
from neuroalign.quantise.rule_sheet import rule_sheet
from neuroalign.recording import Recording
from neuroalign.rule import LearningRule
from neuroalign.rule_check.ablation import ablate
from neuroalign.rule_check.run import with_held_constants
from neuroalign.rule_check.stated import ABLATION, FILE, FLOAT, LAVA, METHODS, NORSE, Form, Stated
from neuroalign.rule_check.trial import PLASTIC, THIRD, trial_network, trial_spikes
from neuroalign.rule_check.weight_range import ROOM, WIDENINGS
from neuroalign.sim.emulator import Emulator
from neuroalign.sim.lava_processes.backend import LavaBackend, Run
from neuroalign.sim.norse_reference.backend import NorseReference

PROFILES = ("loihi1", "loihi2", "cpu")
STEPS, DT, SEED = 600, 1e-3, 0
ABLATION_STEPS = 100
"""Enough to run every step that can be switched off; what each costs is for ``rule check`` to say."""
READS = tuple(range(20, STEPS + 1, 20))
"""Steps at whose end weights, tags and traces are compared."""
COLUMNS = (FLOAT, NORSE, *(f"emulator ({p})" for p in PROFILES), LAVA, FILE, ABLATION)
CLOSE = 1e-9


@dataclass(frozen=True)
class FormRow:
    """One rule or method: its forms by column."""

    name: str
    title: str
    forms: Mapping[str, Form]


@dataclass(frozen=True, eq=False)
class _Held:
    """A rule on a profile, and the network that carries it."""

    choices: RuleChoices
    chip: ChipNetwork
    form: str


def rule_forms(
    rules: Sequence[LearningRule], *, lava: bool = True, progress: Callable[[str, int, int], None] | None = None
) -> tuple[FormRow, ...]:
    """Run every form of every rule; ``lava`` False leaves Lava's column out of all rows.

    Raises
    ------
    BackendMissing
        If Norse, or Lava where it is asked for, is not installed.
    """
    for missing in (NorseReference().missing(), LavaBackend().missing() if lava else None):
        if missing:
            raise BackendMissing(missing)
    cases, rows = [_Case(rule) for rule in rules], []
    lava_forms = _lava_forms(cases) if lava else {}
    for done, case in enumerate(cases):
        if progress is not None:
            progress(f"forms of {case.rule.name}", done, len(cases))
        forms = dict(case.forms())
        if lava:
            forms[LAVA] = lava_forms[case.rule.name]
        rows.append(FormRow(case.rule.name, case.rule.title, {c: forms[c] for c in COLUMNS if c in forms}))
    return (*rows, *(_without_rule(name, method, lava=lava) for name, method in METHODS.items()))


def _without_rule(name: str, method: Stated, *, lava: bool) -> FormRow:
    forms = {c: Form(method.exists, method.reason) for c in COLUMNS if lava or c != LAVA}
    if not method.exists:
        forms[FLOAT] = Form(True, "in double precision, in neuroalign's experiments")
    return FormRow(name, method.title, forms | {c: form for c, form in method.forms.items() if c in forms})


class _Case:
    """One rule on its trial network, and what it is compared with."""

    def __init__(self, rule: LearningRule) -> None:
        self.rule = rule
        self.network = trial_network(rule, DT)
        self.stimulus = trial_spikes(STEPS, DT, SEED).stimulus_of(rule)
        self.reference = self._weights(float_model(self.network, load_profile("ideal")), "reference")
        self._held: dict[str, _Held] = {}

    def forms(self) -> dict[str, Form]:
        """All forms but Lava's."""
        found = {
            FLOAT: self._tried(self._compiled),
            NORSE: self._tried(self._norse),
            FILE: self._tried(self._file),
            ABLATION: self._tried(self._ablated),
        }
        for profile in PROFILES:
            found[f"emulator ({profile})"] = self._tried(partial(self._emulated, profile))
        return found

    def held(self, profile: str) -> _Held:
        """The rule on a profile, its range from the float run as ``rule check --fit`` takes it; found once."""
        if profile not in self._held:
            self._held[profile] = self._found(profile)
        return self._held[profile]

    def _found(self, profile: str) -> _Held:
        target = load_profile(profile)
        largest = ROOM * float(np.abs(self.reference).max()) or self.rule.weight_limit or 1.0
        for doubling in range(WIDENINGS):
            choices = RuleChoices(weight_limit=largest * 2.0**doubling)
            sheet = rule_sheet(self.rule, target, DT, choices)
            if sheet.held is not None:
                chip, _ = compile_network(self.network, target, learning={PLASTIC: choices}, graded=self.graded)
                return _Held(choices, chip, sheet.form)
            if sheet.refusal is not None and doubling == WIDENINGS - 1:
                raise sheet.refusal
        raise ConversionRefused(f"rule {self.rule.name!r} does not fit {profile}")

    @property
    def graded(self) -> Mapping[str, float]:
        """Range of the input that sends the third factor."""
        return {} if self.rule.modulator is None else {THIRD: self.rule.modulator.largest}

    def _tried(self, run: Callable[[], str]) -> Form:
        try:
            return Form(True, run())
        except NeuroalignError as error:
            return Form(False, str(error))

    def _compiled(self) -> str:
        chip = float_model(self.network, load_profile("ideal"))
        found = self._weights(chip, "kernels")
        _require(found, self.reference, CLOSE)
        return "compiled equals readable form to 1e-9"

    def _norse(self) -> str:
        found = NorseReference().run_model(self.network, self.stimulus, [(PLASTIC, "w")])
        _require(np.asarray(found.states[PLASTIC, "w"][0, -1]), self.reference, CLOSE)
        return "equals float to 1e-9"

    def _emulated(self, profile: str) -> str:
        held = self.held(profile)
        runs = [self._run(held.chip, how) for how in ("reference", "kernels")]
        equal = equal_states(*runs)
        if equal.mismatches or not equal.compared:
            raise ConversionRefused(
                f"{equal.mismatches} of {equal.compared} values differ between the emulator's forms"
            )
        unit = next(c.plasticity.weight_unit for c in held.chip.connections if c.plasticity is not None)
        r = np.corrcoef(unit * runs[0].states[PLASTIC, "w"][0, -1].ravel(), self.reference.ravel())[0, 1]
        return f"{held.form}; r {r:.3f} with float after {STEPS} steps"

    def _file(self) -> str:
        held = self.held("loihi2")
        with tempfile.TemporaryDirectory() as folder:
            file = write_nir(Path(folder) / "rule.nir", held.chip, network=self.network)
            difference = first_difference(held.chip, read_chip(file))
            back = next(c.rule for c in read_nir(file).network.connections if c.name == PLASTIC)
        if difference is not None or back != self.rule:
            raise ConversionRefused(f"differs after reading: {difference or 'the rule'}")
        return "ChipNetwork and rule identical"

    def _ablated(self) -> str:
        held = self.held("loihi2")
        sheet = rule_sheet(self.rule, load_profile("loihi2"), DT, held.choices)
        if sheet.held is None:
            raise ConversionRefused(str(sheet.refusal))
        constants = with_held_constants(self.rule, sheet)
        steps = ablate(
            self.rule,
            constants,
            sheet.held,
            load_profile("loihi2"),
            held.choices,
            steps=ABLATION_STEPS,
            dt=DT,
            seeds=[SEED],
        )
        return f"{len(steps) - 1} steps switched off in turn"

    def _weights(self, chip: ChipNetwork, how: str) -> FloatArray:
        unit = next(c.plasticity.weight_unit for c in chip.connections if c.plasticity is not None)
        return np.asarray(self._run(chip, how).states[PLASTIC, "w"][0, -1] * unit, dtype=np.float64)

    def _run(self, chip: ChipNetwork, how: str) -> Recording:
        stimulus = chip_stimulus(self.stimulus, chip)
        return Emulator().run(
            chip,
            stimulus,
            learning_probes(chip),
            read_steps=chip_reads(chip, READS),
            implementation=how,  # type: ignore[arg-type]
        )


def _lava_forms(cases: Sequence[_Case]) -> dict[str, Form]:
    """Lava's column, all rules that it holds in one worker."""
    found: dict[str, Form] = {}
    runs: list[tuple[_Case, ChipNetwork, Run]] = []
    for case in cases:
        try:
            chip = case.held("loihi2").chip
            stimulus = chip_stimulus(case.stimulus, chip)
            runs.append((case, chip, (chip, stimulus, learning_probes(chip), chip_reads(chip, READS))))
        except NeuroalignError as error:
            found[case.rule.name] = Form(False, str(error))
    recordings = LavaBackend().run_cases([run for *_, run in runs])
    for (case, chip, _), recording in zip(runs, recordings, strict=True):
        equal = equal_states(case._run(chip, "kernels"), recording)
        good = equal.mismatches == 0 and equal.compared > 0
        words = f"bit-equal to the emulator ({equal.compared:,} values that change)"
        found[case.rule.name] = Form(good, words if good else f"{equal.mismatches:,} values differ")
    return found


def _require(found: FloatArray, wanted: FloatArray, tolerance: float) -> None:
    scale = float(np.abs(wanted).max()) or 1.0
    worst = float(np.abs(found - wanted).max()) / scale
    if not worst <= tolerance:
        raise ConversionRefused(f"differs by {worst:.2g} of the largest weight")


def forms_page(rows: Sequence[FormRow]) -> str:
    """The table as Markdown."""
    columns = [c for c in COLUMNS if any(c in row.forms for row in rows)]
    notes: list[str] = []
    lines = [
        "# Every rule in every form", "",
        "Made by `neuroalign rule forms --out FILE`; a test makes it again and compares. A cell passed here says what was",
        f"compared ({STEPS} steps of 1 ms of the trial that `rule check` runs, {ABLATION_STEPS} in the ablation; weights read at the",
        "end; in integers every value without tolerance). A number in brackets leads to the reason why a form cannot exist. The",
        "last rows are methods without a rule: what they say is stated, not run.", "",
        "| rule | " + " | ".join(columns) + " |", "|---|" + "---|" * len(columns),
    ]  # fmt: skip
    for row in rows:
        cells = []
        for column in columns:
            form = row.forms[column]
            if not form.passed and form.text not in notes:
                notes.append(form.text)
            cells.append(form.text if form.passed else f"refused ({notes.index(form.text) + 1})")
        lines.append(f"| **{row.name}** {row.title} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, "", *(f"{k + 1}. {note}" for k, note in enumerate(notes)), ""])
