"""The update of one synapse as text, under Fixed: the arithmetic of products.py, in 16 bits where that is exact.

Products are computed in the narrowest width that holds them. The accumulator A has 16 bits where
:mod:`~neuroalign.sim.emulator.codegen_halves` finds them to be enough, else 32. The last sum is limited, rounded and
brought into the range of the variable in one step: limits ``low`` and ``high`` of A that depend on the epoch's offset
do all of that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from neuroalign.microcode import SYNAPTIC, Factor
from neuroalign.sim.emulator.codegen_halves import (
    HALF_MAX,
    HALF_MIN,
    HalfSum,
    Lane,
    all_even,
    fits_half,
    fits_last,
    only_rises,
    step_of,
    write_last,
    write_risen,
)
from neuroalign.sim.emulator.codegen_ranges import EVERYTHING, INT16, Range, factor_range
from neuroalign.sim.emulator.codegen_steps import StepChange, StepSum, in_steps, step_bits, whole
from neuroalign.sim.emulator.codegen_terms import Plan, Term
from neuroalign.sim.emulator.codegen_text import Text
from neuroalign.sim.emulator.products import ACCUMULATOR_MAX, ACCUMULATOR_MIN, FRACTION_BITS


@dataclass(frozen=True)
class Updated:
    """A variable after its update: its value, and how updates that were limited are counted over a row.

    ``counted``, of 16 bits, is summed over the row, where it is not empty; it has ``surplus`` for every synapse.
    """

    value: str
    counted: str
    surplus: int = 0


class Synapse:
    """Writes the update of one synapse, number ``k`` of a row, with the products ``terms`` acting."""

    def __init__(self, text: Text, plan: Plan, alone: bool) -> None:
        """``alone``: the target is known to have spiked, and one synapse at a time is computed, in 32 bits."""
        self.text, self.plan, self.alone = text, plan, alone
        self.ranges = plan.rule.ranges
        self.letters = {line.name: line.letter for line in plan.lines}

    def update(self, variable: int, terms: Sequence[Term], held: Mapping[str, str]) -> Updated:
        """Write the update of w, d or t (0, 1, 2); ``held`` maps them to names of their values before it."""
        synapses = {name: Lane(code, self.ranges[name], "h") for name, code in held.items()}
        marks: list[str] = []
        if not self.alone and in_steps(self.plan.rule, variable, terms):
            value = self._stepped(variable, terms, synapses, marks)
            return Updated(value, f"one_where({' | '.join(marks)})" if marks else "")
        changes = [self._change(term, synapses, marks) for term in terms]
        half = not self.alone and fits_half(self.plan.rule, variable, terms)
        start = synapses[SYNAPTIC[variable]]
        code = self.text.let(f"shift_left({start.code}, h({FRACTION_BITS}))")
        shifted = Lane(code, start.values.shifted(0, FRACTION_BITS), "h")
        if not half and not self.alone and fits_last(self.plan.rule, variable, terms):
            before = HalfSum(self.text, changes[:-1], False, marks).write(shifted)
            value = write_last(self.text, before, changes[-1], marks)
            return Updated(value, f"one_where({' | '.join(marks)})")
        if half and only_rises(self.plan.rule, variable, terms):
            total = write_risen(self.text, shifted, changes, step_of(terms))
            # summed over a row, this counts how often A was limited
            return Updated(
                f"shift_right({total}, h({FRACTION_BITS}))", f"most({total}, h({HALF_MAX - 1}))", HALF_MAX - 1
            )
        return self._limited(variable, shifted, changes, half, all_even(terms), marks)

    def _stepped(self, variable: int, terms: Sequence[Term], synapses: Mapping[str, Lane], marks: list[str]) -> str:
        total = StepSum(self.text, self.plan.rule, variable, step_bits(terms), marks)
        changes = [self._in_steps(term, synapses, total) for term in terms]
        return total.write(synapses[SYNAPTIC[variable]].code, terms, changes)

    def _in_steps(self, term: Term, synapses: Mapping[str, Lane], total: StepSum) -> StepChange:
        """A product in steps, limited; of ``scalar`` and ``masked`` ones there is a number a row."""
        if term.kind == "general":
            product, up = self._shifted_right(term, synapses), term.left - total.step
            bound = (whole(total.step) >> up) + 1
            code = product.code
            if product.values.within(-bound, bound) != product.values:
                code = self.text.let(f"most(least({code}, {product.letter}({bound})), {product.letter}({-bound}))")
            code = code if product.letter == "h" else f"h({code})"
            code = self.text.let(f"shift_left({code}, h({up}))" if up else code)
            return total.limited_change(code, term)
        if term.kind in ("line", "gathered"):
            name = f"{term.kind}{term.number}"
            letter = self.letters[name]
            shifted = f"shift_right({self._line(name)}, {letter}({total.step}))"
            return StepChange(self.text.let(shifted if letter == "h" else f"h({shifted})"))
        mask, name = self._line("mask") if term.kind == "masked" else "", f"steps{term.number}"
        excess = f"bits_of_both(excess{term.number}, {mask})" if mask else f"excess{term.number}"
        code = self.text.let(f"bits_of_both({name}, {mask})") if mask else name
        return StepChange(code, (f"differ({excess}, h(0))",) if term.can_exceed else ())

    def _limited(
        self, variable: int, shifted: Lane, changes: Sequence[Lane], half: bool, even: bool, marks: list[str]
    ) -> Updated:
        if half:
            total = HalfSum(self.text, changes, even, marks).write(shifted)
        else:
            total = Lane(self.text.let(shifted.as_letter("i")), shifted.values, "i")
            for number, change in enumerate(changes):
                total = self._sum(total, change, number == len(changes) - 1, marks)
        code = self._in_range(variable, total, marks, even)  # fits 16 bits again
        value = f"shift_right({code if half else f'h({code})'}, h({FRACTION_BITS}))"
        return Updated(value, f"one_where({' | '.join(marks)})" if marks else "")

    def _sum(self, total: Lane, change: Lane, last: bool, marks: list[str]) -> Lane:
        """The accumulator of 32 bits after one more product; the last sum is limited by :meth:`_in_range`."""
        code = self.text.let(f"add({total.code}, {change.as_letter('i')})")
        exact = Lane(code, total.values.plus(change.values), "i")
        return exact if last else self._limit(exact, str(ACCUMULATOR_MIN), str(ACCUMULATOR_MAX), marks)

    def _in_range(self, variable: int, total: Lane, marks: list[str], even: bool) -> str:
        """The accumulator within the range of the variable, and the offset."""
        name, mode, letter = SYNAPTIC[variable], self.plan.rule.sign_mode, total.letter
        least_high, most_low = HALF_MAX - (1 << FRACTION_BITS) + 1, HALF_MIN
        if name == "t":
            most_low = ACCUMULATOR_MIN
        elif name == "d" or mode == "excitatory":
            most_low = 0
        elif mode == "inhibitory":
            least_high, most_low = 0, -255 << FRACTION_BITS
        code = total.code
        if letter == "i" and (name == "t" or (name == "w" and mode == "mixed")):
            return self._in_half(total, name, least_high, most_low, marks)
        if total.values.low < most_low:
            marks.append(f"above(low_{name}_{letter}, {code})")
            code = self.text.let(f"most({code}, low_{name}_{letter})")
        if total.values.high <= least_high:
            return f"add({code}, offset_{letter})"
        marks.append(f"above({total.code}, {'top' if even and letter == 'h' else 'high'}_{name}_{letter})")
        if letter == "h" and least_high:
            return f"saturating_add({code}, offset_h)"  # the same as limited to 32767 - offset before
        return f"add(least({code}, high_{name}_{letter}), offset_{letter})"

    def _in_half(self, total: Lane, name: str, least_high: int, most_low: int, marks: list[str]) -> str:
        """A of 32 bits where the variable has all 9: with the offset it is limited to 16 bits, in which -32768 will do."""
        if total.values.low < most_low:
            marks.append(f"above(low_{name}_i, {total.code})")
        if total.values.high > least_high:
            marks.append(f"above({total.code}, high_{name}_i)")
        return f"most(least(add({total.code}, offset_i), i({HALF_MAX})), i({HALF_MIN}))"

    def _limit(self, exact: Lane, low: str, high: str, marks: list[str]) -> Lane:
        """Within two numbers, marked where it was not; nothing where the range proves that it is."""
        values = exact.values.within(int(low), int(high))
        if values == exact.values:
            return exact
        code = f"most({exact.code}, i({low}))" if exact.values.low < int(low) else exact.code
        limited = self.text.let(f"least({code}, i({high}))" if exact.values.high > int(high) else code)
        marks.append(f"differ({limited}, {exact.code})")
        return Lane(limited, values, "i")

    def _change(self, term: Term, synapses: Mapping[str, Lane], marks: list[str]) -> Lane:
        """A product, shifted and limited."""
        letter = "h" if term.limited_change.width == INT16 else "i"
        if term.kind == "scalar" or (term.kind == "masked" and self.alone):
            if term.can_exceed:
                marks.append(f"differ(excess{term.number}, h(0))")
            return Lane(f"scalar{term.number}", term.limited_change, letter)
        if term.kind == "masked":
            mask = Lane(self._line("mask"), Range(-1, 0), "h")
            if term.can_exceed:
                marks.append(f"differ(bits_of_both(excess{term.number}, {mask.code}), h(0))")
            code = self.text.let(f"bits_of_both(scalar{term.number}, {mask.as_letter(letter)})")
            return Lane(code, term.limited_change, letter)
        if term.kind == "gathered":
            if self.alone:
                return Lane(f"at_{term.number}", term.change, "i")
            return Lane(self._line(f"gathered{term.number}"), term.change, letter)
        if term.kind == "line":
            return Lane(self._line(f"line{term.number}"), term.change, letter)
        return self._general(term, synapses, marks)

    def _general(self, term: Term, synapses: Mapping[str, Lane], marks: list[str]) -> Lane:
        return self._shifted_left(term, self._shifted_right(term, synapses), marks)

    def _shifted_right(self, term: Term, synapses: Mapping[str, Lane]) -> Lane:
        """All factors of a product, shifted to the right."""
        parts = [self._scalar(term)]
        if term.has_line and (term.target or not self.alone):
            name = f"line{term.number}"
            parts.append(Lane(self._line(name), term.line, self.letters[name]))
        parts += [self._factor(factor, synapses[factor.variable]) for factor in term.synapse]
        product = parts[0]
        for part in parts[1:]:
            product = self._times(product, part)
        values = Range(product.values.low >> term.right, product.values.high >> term.right)
        if term.right:
            # a shift by the whole width is no operation of a processor
            right = min(term.right, 15 if product.letter == "h" else 31)
            code = self.text.let(f"shift_right({product.code}, {product.letter}({right}))")
            product = Lane(code, values, product.letter)
        return product

    def _shifted_left(self, term: Term, product: Lane, marks: list[str]) -> Lane:
        values = product.values.shifted(0, term.left)
        if values.width == INT16 and product.letter == "h":
            return Lane(self.text.let(f"shift_left({product.code}, h({term.left}))"), values, "h")
        code = product.as_letter("i")
        if values.low >= ACCUMULATOR_MIN and values.high <= ACCUMULATOR_MAX:
            return Lane(self.text.let(f"shift_left({code}, i({term.left}))"), values, "i")
        bounded = product.values
        if values.within(EVERYTHING.low, EVERYTHING.high) != values:
            # before the shift, whose result 32 bits then hold
            bound = ((ACCUMULATOR_MAX + 2) >> term.left) + 1
            bounded = product.values.within(-bound, bound)
            code = f"most(least({code}, i({bound})), i({-bound}))" if bounded != product.values else code
        exact = Lane(self.text.let(f"shift_left({code}, i({term.left}))"), bounded.shifted(0, term.left), "i")
        return self._limit(exact, str(ACCUMULATOR_MIN), str(ACCUMULATOR_MAX), marks)

    def _scalar(self, term: Term) -> Lane:
        letter = "h" if term.scalar.width == INT16 else "i"
        if not term.has_gathered:
            return Lane(f"scalar{term.number}", term.scalar, letter)
        if self.alone:
            return Lane(f"at_{term.number}", term.scalar, "i")
        return Lane(self._line(f"gathered{term.number}"), term.scalar, letter)

    def _times(self, a: Lane, b: Lane) -> Lane:
        values = a.values.times(b.values)
        letter = "h" if values.width == INT16 and a.letter == b.letter == "h" else "i"
        return Lane(self.text.let(f"multiply({a.as_letter(letter)}, {b.as_letter(letter)})"), values, letter)

    def _factor(self, factor: Factor, held: Lane) -> Lane:
        """A factor w, d or t."""
        whole = int(factor.constant // 1)
        moved = held.values.plus(Range(whole, whole))
        letter = "h" if moved.width == INT16 else "i"
        code = f"add({held.as_letter(letter)}, {letter}({whole}))" if whole else held.as_letter(letter)
        partial = factor.constant != whole
        if factor.sign:
            form = (
                f"bits_of_either(shift_right({code}, {letter}({15 if letter == 'h' else 31})), {letter}(1))"
                if partial
                else f"most(least({code}, {letter}(1)), {letter}(-1))"
            )
            return Lane(self.text.let(form), Range(-1, 1), letter)
        if partial:
            code = self.text.let(code)
            code = f"add({code}, negative({code}))"  # cut off towards zero
            moved = Range(moved.low + (moved.low < 0), moved.high + (moved.high < 0))
        low, high = -(1 << factor.bits), (1 << factor.bits) - 1
        code = f"most({code}, {letter}({low}))" if moved.low < low else code
        code = f"least({code}, {letter}({high}))" if moved.high > high else code
        return Lane(self.text.let(code), factor_range(factor, held.values), letter)

    def _line(self, name: str) -> str:
        """A number of a scratch line."""
        load = {"h": "load_half", "i": "load_word"}[self.letters[name]]
        return self.text.let(f"{load}(row_{name}, k, 3)")
