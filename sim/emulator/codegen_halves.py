"""The accumulator A of a synapse in 16 bits, as text: where that is exact, and what makes it so.

Where a range analysis proves that every change fits 16 bits, sums saturate at -32768 and 32767. The lower end of the
engine is one further down, -32769. That makes no difference

*   to the result, if nothing is added afterwards: -32768 and -32769 round to the same weight. (A tag of -32769 becomes
    -257 where the offset is 0; such epochs are the interpreter's.) If something positive is, which is a matter of the
    order of the products, a mask of the synapses at the lower end takes the 1 off again;
*   to what is counted as limited, if all changes are even: A is then even until it is limited, and never -32769 by
    itself. Nor is it ever 32767, so that being there means having been limited.

A change that is itself limited on the way, to 32767, is odd, but its synapse counts as limited whatever follows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from neuroalign.microcode import SYNAPTIC
from neuroalign.sim.emulator.codegen_ranges import INT16, Range
from neuroalign.sim.emulator.codegen_terms import Rule, Term
from neuroalign.sim.emulator.codegen_text import Text
from neuroalign.sim.emulator.products import FRACTION_BITS

HALF_MIN, HALF_MAX = -(1 << 15), (1 << 15) - 1
HALVES = Range(HALF_MIN, HALF_MAX)


@dataclass(frozen=True)
class Lane:
    """An expression of 16 ("h") or 32 ("i") bits, and what it can be."""

    code: str
    values: Range
    letter: str

    def as_letter(self, letter: str) -> str:
        """The expression in this width."""
        return self.code if letter == self.letter else f"{letter}({self.code})"


def fits_half(rule: Rule, variable: int, terms: Sequence[Term]) -> bool:
    """Whether 16 bits are exact for the accumulator of a variable, with these products acting."""
    total = rule.ranges[SYNAPTIC[variable]].shifted(0, FRACTION_BITS)
    low = False
    for term in terms:
        change = term.limited_change
        if change.width != INT16 or (low and change.low < 0 < change.high):
            return False
        total = total.plus(change)
        low |= total.low < HALF_MIN
        total = total.within(HALF_MIN, HALF_MAX)
    return total.width == INT16 and (not low or all_even(terms))


def fits_last(rule: Rule, variable: int, terms: Sequence[Term]) -> bool:
    """Whether :func:`write_last` serves: A stays above -32769 before the last product, and the variable has all 9 bits."""
    total = rule.ranges[SYNAPTIC[variable]].shifted(0, FRACTION_BITS)
    for term in terms[:-1]:
        total = total.plus(term.limited_change)
        if term.limited_change.width != INT16 or total.low < HALF_MIN:
            return False
        total = total.within(HALF_MIN, HALF_MAX)
    change, whole = terms[-1].limited_change, variable == 2 or (variable == 0 and rule.sign_mode == "mixed")
    return whole and change.low >= HALF_MIN and change.high <= HALF_MAX - (1 << FRACTION_BITS)


def write_last(text: Text, total: Lane, change: Lane, marks: list[str]) -> str:
    """The variable after the last change, which may be odd and reach -32769.

    -32768 stands for all that is below, which rounds to the same. What counts as limited is above 32767 with the offset,
    or below -32769 (-32768 where the offset is 0) without it; a sum of 16 bits that overflows there tells.
    """
    sums = []
    for more in ("offset_h", "moves_h"):
        by = text.let(f"add({change.as_letter('h')}, {more})")
        sums.append(text.let(f"saturating_add({total.code}, {by})"))
        marks.append(f"differ({sums[-1]}, add({total.code}, {by}))")
    return f"shift_right({sums[0]}, h({FRACTION_BITS}))"


def all_even(terms: Sequence[Term]) -> bool:
    """Whether all changes are even."""
    return all(term.left > 0 for term in terms)


def only_rises(rule: Rule, variable: int, terms: Sequence[Term]) -> bool:
    """Whether no change is below 0, odd or limited, nor the variable kept below 0."""
    falls = variable == 0 and rule.sign_mode == "inhibitory"
    return not falls and all_even(terms) and all(t.change.low >= 0 and not t.can_exceed for t in terms)


def step_of(terms: Sequence[Term]) -> int:
    """A power of two that divides all changes and 128."""
    return 1 << min(FRACTION_BITS, *(term.left for term in terms))


def write_risen(text: Text, shifted: Lane, changes: Sequence[Lane], step: int) -> str:
    """A where it only rises, offset included.

    The offset comes first, less its bits below the step of the changes, which never carry. A is then 32767 only where it
    was limited.
    """
    code = f"add({shifted.code}, offset{step})"
    for change in changes:
        code = text.let(f"saturating_add({code}, {change.as_letter('h')})")
    return code


class HalfSum:
    """Writes the sum of changes; ``marks`` gains what is true where it was limited, but by the last sum at its upper end.

    The upper end of the last sum is left to the caller if ``even``.
    """

    def __init__(self, text: Text, changes: Sequence[Lane], even: bool, marks: list[str]) -> None:
        self.text, self.changes, self.even, self.marks = text, changes, even, marks
        self.low = ""  # -1 where the engine's A is -32769 and this one -32768

    def write(self, total: Lane) -> Lane:
        """The accumulator after all changes."""
        for number, change in enumerate(self.changes):
            total = self._sum(total, change, self.changes[number + 1 :])
        return total

    def _sum(self, total: Lane, change: Lane, following: Sequence[Lane]) -> Lane:
        values = total.values.plus(change.values)
        plain = f"add({total.code}, {change.as_letter('h')})"
        if values.width == INT16 and not self.low:
            return Lane(self.text.let(plain), values, "h")
        limited = self.text.let(f"saturating_add({total.code}, {change.as_letter('h')})")
        if not self.even or values.low < HALF_MIN:
            self.marks.append(f"differ({limited}, {plain})")
        elif following and values.high > HALF_MAX:
            self.marks.append(f"same({limited}, h({HALF_MAX}))")
        rising = any(later.values.high > 0 for later in following)
        if self.low and change.values.high > 0:
            limited = self.text.let(f"saturating_add({limited}, {self.low})")
            if rising:
                at_end = f"whole_mask(same({limited}, h({HALF_MIN})))"
                self.low = self.text.let(f"bits_of_both({self.low}, {at_end})")
        elif rising and values.low < HALF_MIN:
            reached = (
                f"whole_mask(differ({limited}, {plain}))" if change.values.high <= 0 else self._fell(limited, plain)
            )
            self.low = self.text.let(f"bits_of_either({self.low}, {reached})" if self.low else reached)
        return Lane(limited, values.within(HALF_MIN, HALF_MAX), "h")

    def _fell(self, limited: str, plain: str) -> str:
        """Where a change of either sign reached the lower end."""
        return f"whole_mask(differ({limited}, {plain}) & same({limited}, h({HALF_MIN})))"
