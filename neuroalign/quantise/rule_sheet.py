"""Everything about one rule on one profile: its microcode, its constants with their errors, or why it cannot be held."""

from __future__ import annotations

from dataclasses import dataclass

from neuroalign.conversion import ConversionRow
from neuroalign.errors import NeuroalignError, RuleError
from neuroalign.microcode import TARGETS, TRACES, Product, Program
from neuroalign.microcode.text import program_to_text, to_text
from neuroalign.profile import Profile
from neuroalign.quantise.engine import EngineNeeds, SynapseCost, engine_needs, synapse_cost
from neuroalign.quantise.held_rule import HeldRule
from neuroalign.quantise.learning import hold_rule
from neuroalign.quantise.rule_choices import RuleChoices
from neuroalign.rule import LearningRule

LEARNT_STEPS = 254
"""Weight units from 0 to the weight limit, as initial weights have them."""


@dataclass(frozen=True)
class RuleSheet:
    """A rule on a profile; ``held`` is None where ``refusal`` says why, in one line."""

    rule: LearningRule
    profile_id: str
    form: str
    dt: float
    held: HeldRule | None
    refusal: NeuroalignError | None

    @property
    def needs(self) -> EngineNeeds | None:
        """What a chip must offer."""
        if self.held is None:
            return None
        return engine_needs(self.held.program, third_factor=self.rule.modulator is not None)

    @property
    def cost(self) -> SynapseCost | None:
        """What it costs at each synapse."""
        if self.held is None:
            return None
        rates = self.held.prediction.rates if self.held.prediction else None
        return synapse_cost(self.held.program, rates, self.dt)


def rule_sheet(rule: LearningRule, profile: Profile, dt: float, choices: RuleChoices) -> RuleSheet:
    """The sheet of a rule for a connection that drives nothing; ``dt`` in seconds.

    Raises
    ------
    RuleError
        If neither the unit nor the limit of the weights is known.
    """
    limit = choices.weight_limit or rule.weight_limit
    if choices.weight_unit is None and limit is None:
        raise RuleError(
            f"rule {rule.name!r} does not say how large its weights grow; give --weight-limit or --unit, or state 'limit' in its text"
        )
    real = profile.arithmetic == "float64"
    unit = choices.weight_unit or (1.0 if real else float(limit or 0.0) / LEARNT_STEPS)
    held, refusal = None, None
    try:
        held = hold_rule(rule, rule.name, profile, dt, unit, choices, free_unit=choices.weight_unit is None)
    except NeuroalignError as error:
        refusal = error
    return RuleSheet(rule, profile.id, held.form if held else choices.form, dt, held, refusal)


def program_lines(program: Program) -> str:
    """The Program as text: Lava's rule language, or the same with real coefficients, which only Float64 runs."""
    if all(p.is_microcode for p in program.products):
        return program_to_text(program)
    lines = [f"t_epoch = {program.t_epoch}"]
    for name in TRACES:
        trace = getattr(program, name)
        if trace is not None:
            lines.append(f"{name} = impulse {trace.impulse!r} tau {trace.tau!r}")
    for target in TARGETS:
        if program.target(target):
            lines.append(f"{target} = {_real_text(program.target(target))}")
    return "\n".join(lines) + "\n"


def row_line(row: ConversionRow) -> str:
    """A conversion row in one line."""
    figures = f"{row.float_value:.6g} -> {row.stored_value:.6g} ({row.stored}), error {row.relative_error:.3%}, "
    return f"{row.quantity}: {figures if row.stored else ''}{row.status}: {row.note}"


def _real_text(products: tuple[Product, ...]) -> str:
    text = ""
    for product in products:
        rest = to_text((Product(product.dependency, 1, 0, product.factors, product.k),))
        sign = "-" if product.coefficient < 0 else "+"
        text += f" {sign} {abs(product.coefficient)!r}*{rest}"
    return text.removeprefix(" + ").strip()
