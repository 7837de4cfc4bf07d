"""The accumulator A of a synapse in 16 bits, as text, counted in the steps that all changes are multiples of.

With 2^s dividing every change and 128, what is computed is B = floor((A + offset) / 2^s), so that the new value is
B >> (7 - s). It says all that is needed although the engine's limits, -32769 and 32767, are no multiples:

*   floor keeps order, so that limiting B to the B of a limit is limiting A;
*   adding a multiple of 2^s to A adds as many steps to B, whatever A is;
*   a change that is limited itself is 1 below a multiple, 2^15 - 1 or -2^15 - 1. It adds 2^(15 - s) or -2^(15 - s) steps
    to an A that is a multiple, and one less where 2^s divides the offset; to an A that was limited before, one less where
    it divides the offset - 1. A third such change would need another case, and is left to 32 bits;
*   as to counting, A passes a limit where B passes that of the next multiple: A is one, or was limited before, and then
    its synapse counts anyway.

B is below 2^15 from s = 1 on. So changes may be of any size here, and of any order of signs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from neuroalign.microcode import SYNAPTIC
from neuroalign.sim.emulator.codegen_halves import fits_half
from neuroalign.sim.emulator.codegen_ranges import INT16, Range
from neuroalign.sim.emulator.codegen_terms import Rule, Term
from neuroalign.sim.emulator.codegen_text import Text
from neuroalign.sim.emulator.products import ACCUMULATOR_MAX, ACCUMULATOR_MIN, FRACTION_BITS


@dataclass(frozen=True)
class Limit:
    """The ends of a variable: of B as it is kept, and of B where nothing counts as limited; code of 16 bits."""

    low: str
    high: str
    under: str
    over: str


@dataclass(frozen=True)
class StepChange:
    """A change in steps, of 16 bits, and what is true where it was limited."""

    code: str
    marks: tuple[str, ...] = ()


def step_bits(terms: Sequence[Term]) -> int:
    """The s of some products."""
    return min(FRACTION_BITS, *(term.left for term in terms))


def whole(step: int) -> int:
    """Steps from 0 to the multiple next to a limit."""
    count: int = (ACCUMULATOR_MAX + 1) >> step
    return count


def fits_steps(rule: Rule, variable: int, terms: Sequence[Term]) -> bool:
    """Whether the update of a variable can be computed like this, with these products acting."""
    step = step_bits(terms)
    if step < 1:
        return False
    total, below = rule.ranges[SYNAPTIC[variable]].shifted(0, FRACTION_BITS), 0
    for term in terms:
        if (term.can_exceed and below > 1) or bounded(term, step).shifted(0, term.left - step).width != INT16:
            return False
        exact = total.plus(term.limited_change)
        total = exact.within(ACCUMULATOR_MIN, ACCUMULATOR_MAX)
        below = max(below + term.can_exceed, total != exact)
    return True


def in_steps(rule: Rule, variable: int, terms: Sequence[Term]) -> bool:
    """Whether it is: where the sums of :mod:`~neuroalign.sim.emulator.codegen_halves` are not enough."""
    return not fits_half(rule, variable, terms) and fits_steps(rule, variable, terms)


def bounded(term: Term, step: int) -> Range:
    """A product, shifted to the right, as far as its size matters."""
    bound = (whole(step) >> (term.left - step)) + 1
    return Range(term.change.low >> term.left, term.change.high >> term.left).within(-bound, bound)


def write_step_limits(text: Text, step: int) -> None:
    """What depends on the offset, once an epoch."""
    count = whole(step)
    text.add(
        f"rest_s{step} = h(offset >> {step})",
        f"low_s{step}, high_s{step} = h(({ACCUMULATOR_MIN} + offset) >> {step}), h(({ACCUMULATOR_MAX} + offset) >> {step})",
        f"under_s{step}, over_s{step} = h((offset >> {step}) - {count}), h((offset >> {step}) + {count - 1})",
        f"again_s{step} = h((offset & {(1 << step) - 1} == 0) - (offset & {(1 << step) - 1} == 1))",
        f"least_s{step}, greatest_s{step} = subtract(low_s{step}, rest_s{step}), subtract(high_s{step}, rest_s{step})",
    )


def limits_of(rule: Rule, variable: int, step: int) -> Limit:
    """Of the last sum."""
    name, mode = SYNAPTIC[variable], rule.sign_mode
    count, rest, up = whole(step), f"rest_s{step}", FRACTION_BITS - step
    high = f"h({count - 1})"
    if name == "d" or (name == "w" and mode == "excitatory"):
        return Limit("h(0)", high, rest, high)
    if name == "w" and mode == "inhibitory":
        low = f"h({-255 << up})"
        return Limit(low, "h(0)", low, rest)
    return Limit(f"h({-count})", high, f"under_s{step}", high)


class StepSum:
    """Writes the sum of changes in steps; ``marks`` gains what is true where something was limited."""

    def __init__(self, text: Text, rule: Rule, variable: int, step: int, marks: list[str]) -> None:
        self.text, self.rule, self.variable, self.step, self.marks = text, rule, variable, step, marks

    def write(self, held: str, terms: Sequence[Term], changes: Sequence[StepChange]) -> str:
        """The variable after all changes, ``held`` being its value before."""
        step, values = self.step, self.rule.ranges[SYNAPTIC[self.variable]].shifted(0, FRACTION_BITS)
        code = self.text.let(f"add(shift_left({held}, h({FRACTION_BITS - step})), rest_s{step})")
        join = "add" if 2 * whole(step) + 256 < 1 << 15 else "saturating_add"
        for number, (term, change) in enumerate(zip(terms, changes, strict=True)):
            values = values.plus(term.limited_change)
            added = change.code
            if self.marks and change.marks:
                twice = self.text.let(f"({' | '.join(self.marks)}) & ({' | '.join(change.marks)})")
                added = f"add({added}, bits_of_both(whole_mask({twice}), again_s{step}))"
            self.marks += change.marks
            code = self.text.let(f"{join}({code}, {added})")
            if number < len(terms) - 1:
                code = self._limited(code, values)
                values = values.within(ACCUMULATOR_MIN, ACCUMULATOR_MAX)
        return f"shift_right({self._in_range(code)}, h({FRACTION_BITS - step}))"

    def _limited(self, code: str, values: Range) -> str:
        """A sum that others follow."""
        step = self.step
        if values.low < ACCUMULATOR_MIN:
            self.marks.append(f"above(under_s{step}, {code})")
        if values.high > ACCUMULATOR_MAX:
            self.marks.append(f"above({code}, over_s{step})")
        kept = f"most({code}, low_s{step})" if values.low < ACCUMULATOR_MIN else code
        return self.text.let(f"least({kept}, high_s{step})") if values.high > ACCUMULATOR_MAX else self.text.let(kept)

    def _in_range(self, code: str) -> str:
        limit = limits_of(self.rule, self.variable, self.step)
        self.marks += [f"above({limit.under}, {code})", f"above({code}, {limit.over})"]
        return f"least(most({code}, {limit.low}), {limit.high})"

    def limited_change(self, code: str, term: Term) -> StepChange:
        """A change in steps, limited."""
        step, count, marks = self.step, whole(self.step), []
        if term.change.low < ACCUMULATOR_MIN:
            marks.append(f"above(h({-count}), {code})")
        if term.change.high > ACCUMULATOR_MAX:
            marks.append(f"above({code}, h({count - 1}))")
        kept = f"most({code}, least_s{step})" if term.change.low < ACCUMULATOR_MIN else code
        kept = f"least({kept}, greatest_s{step})" if term.change.high > ACCUMULATOR_MAX else kept
        return StepChange(self.text.let(kept) if marks else code, tuple(marks))
