"""What learning did: weights over time of every run, and the record of a rule that was checked by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from neuroalign.conversion import ConversionRow
from neuroalign.deployment.record import BitEquality
from neuroalign.fidelity import LearningAgreement
from neuroalign.network import FloatArray
from neuroalign.quantise.rule_sheet import RuleSheet
from neuroalign.recording import Recording


@dataclass(frozen=True, eq=False)
class LearningRun:
    """One run of a plastic connection: weights (reads, N_target, N_source) in the model's unit, and its raw recording.

    ``raw`` and ``unit`` (of a held weight, in the model's unit) are None and 0 where no integers were run.
    """

    label: str
    backend: str
    weights: FloatArray
    raw: Recording | None
    unit: float
    seconds: float


@dataclass(frozen=True)
class Share:
    """Where a difference comes from: RMS over all weights at the end, in the model's unit."""

    what: str
    rms: float


@dataclass(frozen=True)
class AblatedStep:
    """The chip with one step of its quantisation switched off, against the float model.

    Parameters
    ----------
    step, note
        What is off, and what takes its place.
    r, rms
        Pearson correlation, and deviation in the model's unit, over all weights at the end.
    cost
        Share of the chip's squared error that is gone without the step; None for the chip as it is.
    """

    step: str
    note: str
    r: float | None
    rms: float
    cost: float | None


@dataclass(frozen=True)
class FormRun:
    """The chip with changes kept in one form, against the float model.

    Parameters
    ----------
    r, rms
        Pearson correlation, and deviation in the model's unit, over all weights at the end; None and nan where refused.
    predicted
        Deviation that rounding was expected to make in this time on unrelated spikes, in the model's unit.
    needs, refusal
        What it asks of the chip, or why it cannot exist.
    """

    form: str
    r: float | None
    rms: float
    predicted: float
    needs: str
    refusal: str = ""


@dataclass(frozen=True, eq=False)
class RuleCheck:
    """A rule run on seeded spikes in floats, without rounding, and on chip.

    Parameters
    ----------
    sheet
        The rule on the profile, with the unit that was used.
    steps, read_steps
        Model steps run, and those (from 1) at whose end weights were read.
    spikes
        What the rule saw, in words.
    agreements
        Ideal against float; each chip run against ideal; each against float, which is the user's question.
    shares
        Where the difference between chip and float comes from.
    causes
        Rows of the conversion that are not exact: what can explain a difference.
    ablation
        What each step of the quantisation costs, where that was asked for.
    start
        All weights at the start.
    range_note
        Which range the chip's weights have, and why; "" where it was asked for.
    forms
        The same spikes with small changes kept in every form, where that was asked for.
    """

    sheet: RuleSheet
    steps: int
    read_steps: tuple[int, ...]
    seed: int
    spikes: str
    runs: tuple[LearningRun, ...]
    agreements: tuple[LearningAgreement, ...]
    bit_equality: tuple[BitEquality, ...]
    shares: tuple[Share, ...]
    causes: tuple[ConversionRow, ...]
    warnings: tuple[str, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    command: str = ""
    created: str = ""
    ablation: tuple[AblatedStep, ...] = ()
    start: float = 0.0
    range_note: str = ""
    forms: tuple[FormRun, ...] = ()

    @property
    def broken(self) -> BitEquality | None:
        """Two runs that should be bit-equal and are not."""
        return next((b for b in self.bit_equality if b.states.mismatches), None)

    @property
    def question(self) -> LearningAgreement:
        """The first chip run against float, else ideal against float."""
        chips = [run.label for run in self.runs if run.raw is not None]
        found = [a for a in self.agreements if a.reference == self.runs[0].label and a.candidate in chips]
        return (*found, *self.agreements)[0]
