"""The products of a rule as the parts that a generated kernel computes at different times.

A kernel goes through rows, the synapses of one source each. Of a product, it knows

*   once an epoch, for each target: the *line*, all factors that are traces or spikes of the target;
*   once a row: the *scalar*, the coefficient and all factors that are traces of the source. Where the product reads
    them at the target's spikes, in an epoch of several steps, they differ along the row: they are *gathered*;
*   for each synapse: factors w, d and t.

A product without factors of the synapse needs no multiplication there: it is one number a row (``scalar``), that
number where the target spiked (``masked``, ``gathered``), or a line of its own (``line``). The rest is ``general``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from neuroalign.chip import Plasticity, SignMode
from neuroalign.microcode import POST_TRACES, PRE_TRACES, SYNAPTIC, Factor, Product
from neuroalign.sim.emulator.codegen_ranges import EVERYTHING, TRACE, Range, factor_range, product_range
from neuroalign.sim.emulator.products import ACCUMULATOR_MAX, ACCUMULATOR_MIN, FRACTION_BITS

Kind = Literal["scalar", "masked", "gathered", "line", "general"]
HELD = Range(-(1 << 15), (1 << 15) - 1)
PAYLOAD = Range(0, 255)


@dataclass(frozen=True)
class Rule:
    """All that the source of a kernel depends on; ``updates`` are the products of w, d and t."""

    fixed: bool
    long_epochs: bool
    updates: tuple[tuple[Product, ...], tuple[Product, ...], tuple[Product, ...]]
    sign_mode: SignMode
    graded: bool
    modulated: bool

    @property
    def ranges(self) -> dict[str, Range]:
        """What values every factor's variable can have when a kernel runs: after a first update within its limits."""
        weight = {"mixed": Range(-256, 255), "excitatory": Range(0, 255), "inhibitory": Range(-255, 0)}[self.sign_mode]
        limited = (weight, Range(0, 255), Range(-256, 255))
        synaptic = {name: limited[k] if self.updates[k] or name == "d" else HELD for k, name in enumerate(SYNAPTIC)}
        traces = dict.fromkeys(PRE_TRACES, TRACE) | dict.fromkeys(POST_TRACES, EVERYTHING if self.modulated else TRACE)
        return {**traces, **({"x1": PAYLOAD} if self.graded else {}), "x0": Range(1, 1), "y0": Range(0, 1), **synaptic}

    @property
    def uses_u(self) -> bool:
        """Whether some product acts in the epochs of u only."""
        return any(p.dependency == "u" for products in self.updates for p in products)

    @property
    def always_u(self) -> bool:
        """Whether every epoch is one of u."""
        return any(p.k == 0 for products in self.updates for p in products)


def rule_of(plasticity: Plasticity, sign_mode: SignMode, fixed: bool) -> Rule:
    """The rule of a connection."""
    program = plasticity.program
    return Rule(
        fixed,
        program.t_epoch > 1,
        (program.dw, program.dd, program.tag_update),
        sign_mode,
        plasticity.graded != "impulse",
        bool(plasticity.modulators),
    )


@dataclass(frozen=True)
class Term:
    """A product, number ``number`` of a rule. ``scalar``, ``line`` and ``change`` are ranges (Fixed)."""

    number: int
    product: Product
    source: tuple[Factor, ...]
    target: tuple[Factor, ...]
    synapse: tuple[Factor, ...]
    needs_source: bool
    needs_target: bool
    at_target: bool  # reads the source's traces at the target's spikes, which differ
    kind: Kind
    scalar: Range
    line: Range
    change: Range

    @property
    def limited_change(self) -> Range:
        """Of the change as it is added."""
        return self.change.within(ACCUMULATOR_MIN, ACCUMULATOR_MAX)

    @property
    def can_exceed(self) -> bool:
        """Whether the change may be limited before it is added."""
        return self.change != self.limited_change

    @property
    def right(self) -> int:
        """Shift to the right."""
        return self.product.shift

    @property
    def left(self) -> int:
        """Shift to the left."""
        return self.product.exponent + FRACTION_BITS

    @property
    def needs_u(self) -> bool:
        """Whether it acts in the epochs of u only."""
        return self.product.dependency == "u"

    @property
    def has_line(self) -> bool:
        """Whether a line of its own is computed once an epoch."""
        general = self.kind == "general" and (len(self.target) > 0 or self.needs_target)
        return general or self.kind == "line"

    @property
    def has_gathered(self) -> bool:
        """Whether numbers are gathered for each row."""
        return self.at_target and bool(self.source)

    @property
    def lines_for_each_step(self) -> bool:
        """Whether the line depends on the step of the source's spike."""
        return self.product.dependency == "x0"


def terms_of(rule: Rule) -> tuple[tuple[Term, ...], tuple[Term, ...], tuple[Term, ...]]:
    """The products of w, d and t."""
    numbers = iter(range(1000))
    w, d, t = (tuple(_term(next(numbers), product, rule) for product in products) for products in rule.updates)
    return w, d, t


def _term(number: int, product: Product, rule: Rule) -> Term:
    flags = {product.dependency, *(f.variable for f in product.factors)}
    source, target, synapse = (
        tuple(f for f in product.factors if f.variable in names) for names in (PRE_TRACES, POST_TRACES, SYNAPTIC)
    )
    at_target = rule.long_epochs and product.dependency == "y0"
    if not rule.fixed:
        nothing = Range(0, 0)
        return Term(
            number, product, source, target, synapse, "x0" in flags, "y0" in flags, at_target, "general", nothing,
            nothing, nothing,
        )  # fmt: skip
    ranges = rule.ranges
    scalar = product_range(int(product.mantissa), source, ranges)
    line = product_range(1, target, ranges)
    line = line.or_zero() if "y0" in flags else line
    change = _change(product, scalar.times(line), synapse, ranges)
    if "y0" in flags:
        change = change.or_zero()
    kind = _kind(product, source, target, synapse, "y0" in flags, at_target, change)
    return Term(
        number, product, source, target, synapse, "x0" in flags, "y0" in flags, at_target, kind, scalar, line, change
    )


def _change(product: Product, start: Range, synapse: tuple[Factor, ...], ranges: Mapping[str, Range]) -> Range:
    found = start
    for factor in synapse:
        found = found.times(factor_range(factor, ranges[factor.variable]))
    return found.shifted(product.shift, product.exponent + FRACTION_BITS)


def _kind(
    product: Product,
    source: tuple[Factor, ...],
    target: tuple[Factor, ...],
    synapse: tuple[Factor, ...],
    needs_target: bool,
    at_target: bool,
    change: Range,
) -> Kind:
    exceeds = change.low < ACCUMULATOR_MIN or change.high > ACCUMULATOR_MAX
    if synapse or (target and source) or (exceeds and (target or (at_target and source))):
        return "general"
    if target:
        return "line"
    if not needs_target:
        return "scalar"
    return "gathered" if at_target and source else "masked"


@dataclass(frozen=True)
class Line:
    """Numbers for all targets, in scratch memory: of 2, 4 or 8 bytes each, for one or for all steps of an epoch."""

    name: str
    letter: Literal["h", "i", "r"]
    for_each_step: bool = False

    @property
    def item_bytes(self) -> int:
        """Bytes of one number."""
        return {"h": 2, "i": 4, "r": 8}[self.letter]


@dataclass(frozen=True)
class Plan:
    """A rule, its terms, and the scratch lines of its kernel."""

    rule: Rule
    terms: tuple[tuple[Term, ...], tuple[Term, ...], tuple[Term, ...]]
    lines: tuple[Line, ...] = ()

    @property
    def all_terms(self) -> tuple[Term, ...]:
        """Terms of w, d and t."""
        return self.terms[0] + self.terms[1] + self.terms[2]

    def scratch_bytes(self, targets: int, t_epoch: int) -> int:
        """Scratch memory that the kernel of a connection needs."""
        pitch = -(-targets // 32) * 32
        numbers = 4 * pitch + 8 * (t_epoch + 1) * len(self.all_terms) + 64
        return numbers + sum(line.item_bytes * pitch * (t_epoch if line.for_each_step else 1) for line in self.lines)


def plan_of(rule: Rule) -> Plan:
    """The plan of a rule's kernel."""
    terms = terms_of(rule)
    lines = []
    if rule.fixed and any(t.kind == "masked" for own in terms for t in own):
        lines.append(Line("mask", "h"))
    for term in terms[0] + terms[1] + terms[2]:
        if term.has_line:
            width = _letter(rule, term.change if term.kind == "line" else term.line)
            lines.append(Line(f"line{term.number}", width, rule.long_epochs and term.lines_for_each_step))
        if term.has_gathered:
            lines.append(
                Line(f"gathered{term.number}", _letter(rule, term.change if term.kind == "gathered" else term.scalar))
            )
    return Plan(rule, terms, tuple(lines))


def _letter(rule: Rule, values: Range) -> Literal["h", "i", "r"]:
    if not rule.fixed:
        return "r"
    return "h" if values.width == 16 else "i"
