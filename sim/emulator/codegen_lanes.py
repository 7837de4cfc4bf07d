"""The update of one synapse as text, under Fixed: the arithmetic of products.py, in 16 bits where that is exact.

Where a range analysis proves that every change fits 16 bits, the accumulator A has 16 bits, and sums saturate at
-32768 and 32767. The lower end of the engine is one further down, -32769. That makes no difference

*   to the result, if nothing positive is added after A can have reached the lower end: -32768 and -32769 round to the
    same weight. (A tag of -32769 becomes -257 where the offset is 0; such epochs are the interpreter's.) So the order
    of the products counts;
*   to what is counted as limited, if all changes are even: A is then even until it is limited, and never -32769 by
    itself.

Everything else has 32 bits. The last sum is limited, rounded and brought into the range of the variable in one step:
limits ``low`` and ``high`` of A that depend on the epoch's offset do all of that.

Where all changes of a variable are 0 or more, the offset is added first, less its bits below the step of the changes,
which never carry. A then is 32767 only where it was limited, and ``most(A, 32766)`` summed over a row counts how often.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from neuroalign.microcode import SYNAPTIC, Factor
from neuroalign.sim.emulator.codegen_ranges import INT16, Range, factor_range
from neuroalign.sim.emulator.codegen_terms import Plan, Rule, Term
from neuroalign.sim.emulator.codegen_text import Text
from neuroalign.sim.emulator.products import ACCUMULATOR_MAX, ACCUMULATOR_MIN, FRACTION_BITS

HALF_MIN, HALF_MAX = -(1 << 15), (1 << 15) - 1


@dataclass(frozen=True)
class Lane:
    """An expression of 16 ("h") or 32 ("i") bits, and what it can be."""

    code: str
    values: Range
    letter: str

    def as_letter(self, letter: str) -> str:
        """The expression in this width."""
        return self.code if letter == self.letter else f"{letter}({self.code})"


@dataclass(frozen=True)
class Updated:
    """A variable after its update: its value, and how updates that were limited are counted over a row.

    ``counted`` is added to a number of width ``letter`` for each synapse, where it is not empty; it has ``surplus`` for
    every synapse of the row.
    """

    value: str
    counted: str
    letter: str
    surplus: int = 0


def fits_half(rule: Rule, variable: int, terms: Sequence[Term]) -> bool:
    """Whether 16 bits are exact for the accumulator of a variable, with these products acting."""
    total = rule.ranges[SYNAPTIC[variable]].shifted(0, FRACTION_BITS)
    reached_lower_end = False
    for term in terms:
        if term.change.width != INT16 or (reached_lower_end and term.change.high > 0):
            return False
        total = total.plus(term.change)
        reached_lower_end |= total.low < HALF_MIN
        total = total.within(HALF_MIN, HALF_MAX)
    return total.width == INT16 and not (reached_lower_end and any(term.left == 0 for term in terms))


def only_rises(rule: Rule, variable: int, terms: Sequence[Term]) -> bool:
    """Whether the short form for changes of 0 or more is exact."""
    falls = variable == 0 and rule.sign_mode == "inhibitory"
    return not falls and all(term.change.low >= 0 and term.left > 0 for term in terms)


def step_of(terms: Sequence[Term]) -> int:
    """A power of two that divides all changes and 128."""
    return 1 << min(FRACTION_BITS, *(term.left for term in terms))


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
        changes = [self._change(term, synapses, marks) for term in terms]
        half = not self.alone and fits_half(self.plan.rule, variable, terms)
        start = Lane(synapses[SYNAPTIC[variable]].code, self.ranges[SYNAPTIC[variable]], "h")
        if half and only_rises(self.plan.rule, variable, terms):
            return self._risen(start, changes, step_of(terms))
        even = all(term.left > 0 for term in terms)
        return self._limited(variable, start, changes, "h" if half else "i", marks, even)

    def _risen(self, start: Lane, changes: Sequence[Lane], step: int) -> Updated:
        code = f"add(shift_left({start.code}, h({FRACTION_BITS})), offset{step})"
        for change in changes:
            code = self.text.let(f"saturating_add({code}, {change.as_letter('h')})")
        value = f"shift_right({code}, h({FRACTION_BITS}))"
        return Updated(value, f"most({code}, h({HALF_MAX - 1}))", "h", HALF_MAX - 1)

    def _limited(
        self, variable: int, start: Lane, changes: Sequence[Lane], letter: str, marks: list[str], even: bool
    ) -> Updated:
        values = start.values.shifted(0, FRACTION_BITS)
        total = Lane(self.text.let(f"shift_left({start.as_letter(letter)}, {letter}({FRACTION_BITS}))"), values, letter)
        for number, change in enumerate(changes):
            total = self._sum(total, change, number == len(changes) - 1, marks, even)
        value = f"shift_right({self._in_range(variable, total, marks)}, {letter}({FRACTION_BITS}))"
        value = value if letter == "h" else f"h({value})"
        if not marks:
            return Updated(value, "", letter)
        count = "count_half" if letter == "h" else "count_word"
        return Updated(value, f"{count}({' | '.join(marks)})", letter)

    def _sum(self, total: Lane, change: Lane, last: bool, marks: list[str], even: bool) -> Lane:
        """The accumulator after one more product; in 32 bits the last sum is limited by :meth:`_in_range`."""
        letter, values = total.letter, total.values.plus(change.values)
        plain = f"add({total.code}, {change.as_letter(letter)})"
        if letter == "h":
            if values.width == INT16:
                return Lane(self.text.let(plain), values, letter)
            limited = self.text.let(f"saturating_add({total.code}, {change.as_letter(letter)})")
            # an even sum is never the upper end, which is odd, by itself
            upper = even and values.low >= HALF_MIN
            marks.append(f"same({limited}, h({HALF_MAX}))" if upper else f"differ({limited}, {plain})")
            return Lane(limited, values.within(HALF_MIN, HALF_MAX), letter)
        exact = Lane(self.text.let(plain), values, letter)
        return exact if last else self._limit(exact, str(ACCUMULATOR_MIN), str(ACCUMULATOR_MAX), marks)

    def _in_range(self, variable: int, total: Lane, marks: list[str]) -> str:
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
        if total.values.low < most_low:
            marks.append(f"above(low_{name}_{letter}, {code})")
            code = self.text.let(f"most({code}, low_{name}_{letter})")
        if total.values.high <= least_high:
            return f"add({code}, offset_{letter})"
        marks.append(f"above({total.code}, high_{name}_{letter})")
        if letter == "h" and least_high:
            return f"saturating_add({code}, offset_h)"  # the same as limited to 32767 - offset before
        return f"add(least({code}, high_{name}_{letter}), offset_{letter})"

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
        letter = "h" if term.change.width == INT16 else "i"
        if term.kind == "scalar" or (term.kind == "masked" and self.alone):
            return Lane(f"scalar{term.number}", term.change, letter)
        if term.kind == "masked":
            mask = Lane(self._line("mask"), Range(-1, 0), "h").as_letter(letter)
            return Lane(self.text.let(f"bits_of_both(scalar{term.number}, {mask})"), term.change, letter)
        if term.kind == "gathered":
            if self.alone:
                return Lane(f"at_{term.number}", term.change, "i")
            return Lane(self._line(f"gathered{term.number}"), term.change, letter)
        if term.kind == "line":
            return Lane(self._line(f"line{term.number}"), term.change, letter)
        return self._general(term, synapses, marks)

    def _general(self, term: Term, synapses: Mapping[str, Lane], marks: list[str]) -> Lane:
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
            product = Lane(f"shift_right({product.code}, {product.letter}({right}))", values, product.letter)
        return self._shifted_left(term, product, marks)

    def _shifted_left(self, term: Term, product: Lane, marks: list[str]) -> Lane:
        values = product.values.shifted(0, term.left)
        if values.width == INT16 and product.letter == "h":
            return Lane(self.text.let(f"shift_left({product.code}, h({term.left}))"), values, "h")
        code = product.as_letter("i")
        if values.low >= ACCUMULATOR_MIN and values.high <= ACCUMULATOR_MAX:
            return Lane(self.text.let(f"shift_left({code}, i({term.left}))"), values, "i")
        # bounded before the shift, whose result 32 bits then hold
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
