"""Learning rules as text: a few lines in SI units, with errors that point at the character.

::

    rule my-stdp: STDP whose depression needs no trace
    source: an example
    A = 0.002                                   # a parameter; what stands behind # is its meaning
    x = trace of pre, tau 20 ms                 # a spike adds 1, or say: impulse 0.5
    dw = A*post*x - 0.0005*pre*(1 + w)
    limit = 1                                   # how large weights grow; nothing stops them there
    rates = 40 Hz, 20 Hz                        # of active pre and post neurons

``pre`` and ``post`` are 1 in a step with a spike of that neuron, and ``dt`` is the time of a step: every term has one of
them. Beside them a term may use the weight ``w``, the traces, and the synapse's ``tag``, which ``dtag = ...`` changes.
A name may stand for an expression too (``pair = post*x``), and a power for its exponent (``w^mu`` with ``mu = 1``).
``weight in mV`` gives the weight a unit; each term of ``dw`` then has to have it. A third factor has a line too::

    M = modulator from reward, up to 2          # -2..2, from the input or population "reward"; positive: 0..2;
                                                # events: 0 but in single steps, none of which the chip may miss
    dtag = post*x - tag*dt/(0.5 s)              # what is per second acts in every step
    dw = 0.1 Hz*M*tag*dt
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from neuroalign.errors import RuleError
from neuroalign.rule.expression import (
    PURE,
    UNITS,
    Dimension,
    Expressions,
    Line,
    Monomial,
    Value,
    error_at,
    unit_name,
)
from neuroalign.rule.hints import plain_marks
from neuroalign.rule.learning_rule import TAG, WEIGHT, Gate, LearningRule, Modulator, RuleTrace, Side, Term

STEP = "dt"
GATES: dict[str, Gate] = {"pre": "pre", "post": "post", STEP: "step"}
TARGETS = ("dw", "dtag")
TIME, RATE = UNITS["s"][1], UNITS["Hz"][1]
KEYWORDS = {
    *GATES, WEIGHT, TAG, *TARGETS, "trace", "limit", "rates", "weight", "rule", "modulator",
}  # fmt: skip


def rule_from_text(text: str) -> LearningRule:
    """The rule that the lines say.

    Raises
    ------
    RuleError
        At the character that is wrong: a synapse does not see it, its unit does not fit, a number or mark is missing.

    Examples
    --------
    >>> import neuroalign
    >>> lines = ["rule mine: potentiation alone", "x = trace of pre, tau 20 ms", "dw = 0.01*post*x", "limit = 1"]
    >>> rule = neuroalign.rule_from_text(chr(10).join(lines))
    >>> rule.weight
    (Term(coefficient=0.01, gate='post', factors=('x',)),)
    """
    reader = _Reader()
    for number, written in enumerate(text.splitlines(), 1):
        code, _, comment = written.partition("#")
        code = plain_marks(code)
        if code.strip():
            with _numbered(number):
                reader.line(number, code.rstrip(), comment.strip())
    return reader.rule()


@contextlib.contextmanager
def _numbered(number: int) -> Iterator[None]:
    """Errors inside name the line."""
    try:
        yield
    except RuleError as error:
        raise RuleError(f"line {number}, {error.message}", error.text, error.column) from None


@dataclass
class _Reader:
    """What has been read so far."""

    name: str = ""
    title: str = ""
    source: str = ""
    notes: list[str] = field(default_factory=list)
    symbols: list[tuple[str, str, str]] = field(default_factory=list)
    parameters: dict[str, Value] = field(default_factory=dict)
    traces: dict[str, RuleTrace] = field(default_factory=dict)
    sums: dict[str, tuple[Value, str, int]] = field(default_factory=dict)
    limit: tuple[Value, str, int] | None = None
    rates: tuple[float, float] | None = None
    modulator: Modulator | None = None
    modulator_unit: Dimension = PURE
    unit: Dimension = PURE
    number: int = 0

    def line(self, number: int, text: str, comment: str) -> None:
        """One line without its comment."""
        self.number = number
        head, colon, rest = text.partition(":")
        words = head.split()
        if colon and words and words[0] in ("rule", "source", "note"):
            self._heading(text, words, rest.strip())
        elif words[:2] == ["weight", "in"]:
            self._weight_unit(text)
        else:
            self._statement(text, comment)

    def _heading(self, text: str, words: list[str], rest: str) -> None:
        if words[0] == "rule":
            if len(words) != 2:
                raise error_at("a rule has one name without spaces, as in 'rule my-stdp: its title'", text, 6)
            if self.name:
                raise error_at(f"the rule has the name {self.name!r} already; write a file for each rule", text, 1)
            self.name, self.title = words[1], rest
        elif words[0] == "source":
            self.source = rest
        else:
            self.notes.append(rest)

    def _weight_unit(self, text: str) -> None:
        column = text.index("in") + 3
        name = text[column:].strip()
        if self.sums:
            raise error_at("the weight's unit comes before dw", text, 1)
        if name not in UNITS:
            raise error_at(f"{name!r} is no unit; one of {', '.join(UNITS)}", text, min(column + 1, len(text)))
        self.unit = UNITS[name][1]

    def _statement(self, text: str, comment: str) -> None:
        start = len(text) - len(text.lstrip())
        name, equals, _ = text.partition("=")
        name = name.strip()
        if not equals:
            raise error_at("a line is 'name = ...' or begins with 'rule', 'source:', 'note:'", text, start + 1)
        line = Line(text, text.index("=") + 1)
        if name in TARGETS:
            self._once(name, self.sums, text, start)
            self.sums[name] = (self._value(line), text, self.number)
        elif name == "limit":
            self._once(name, {name: 0} if self.limit else {}, text, start)
            self.limit = (self._value(line, inside=False), text, self.number)
        elif name == "rates":
            self._once(name, {name: 0} if self.rates else {}, text, start)
            self.rates = self._rates(line)
        else:
            self._definition(name, line, start, comment)
        line.end()

    def _definition(self, name: str, line: Line, start: int, comment: str) -> None:
        if not name.isidentifier() or name in KEYWORDS:
            what = "a word of its own" if name in KEYWORDS else "no name"
            raise error_at(f"{name!r} is {what}; choose letters and digits that are not taken", line.text, start + 1)
        third = {} if self.modulator is None else {self.modulator.name: self.modulator}
        self._once(name, {**self.parameters, **self.traces, **third}, line.text, start)
        if line.take("modulator"):
            if self.modulator is not None:
                raise error_at(
                    f"a second third factor beside {self.modulator.name!r}; a synapse sees one", line.text, start + 1
                )
            self.modulator = self._modulator(name, line)
            of_size = f"third factor from {self.modulator.sender}, up to {self.modulator.largest:g}"
            unit = unit_name(self.modulator_unit).replace("no unit", "1")
            self.symbols.append((name, comment or of_size, unit))
        elif line.take("trace"):
            self.traces[name] = trace = self._trace(line)
            adds = "" if trace.impulse == 1 else f", a spike adds {trace.impulse:g}"
            meant = f"trace of {trace.of} spikes, tau {1e3 * trace.tau:g} ms{adds}"
            self.symbols.append((name, comment or meant, "1"))
        else:
            value = self._value(line)
            self.parameters[name] = value
            number = value.constant
            written = line.text.partition("=")[2].strip() if number is None else f"{number:g}"
            unit = unit_name(value.dimension).replace("no unit", "1")
            between = ": " if number is None else ", "
            self.symbols.append((name, between.join(filter(None, (comment, written))), unit))

    def _once(self, name: str, seen: Mapping[str, object], text: str, start: int) -> None:
        if name in seen:
            raise error_at(f"{name!r} has a line already; give it another name, or one sum", text, start + 1)

    def _trace(self, line: Line) -> RuleTrace:
        line.need("of", "between 'trace' and its neuron")
        side: dict[str, Side] = {"pre": "pre", "post": "post"}
        if line.token.text not in side:
            line.refuse(
                f"a trace is of {line.token.text or 'nothing'!r}; a synapse sees spikes of 'pre' and 'post' only"
            )
        of = side[line.token.text]
        line.place += 1
        line.need(",", "before tau")
        line.need("tau", "with a time, as in tau 20 ms")
        tau = self._sized(line, TIME, "a time constant", "20 ms")
        impulse = 1.0
        if line.take(","):
            line.need("impulse", "with a number, as in impulse 0.5")
            impulse = self._sized(line, PURE, "an impulse", "0.5")
        return RuleTrace(of, tau, impulse)

    def _modulator(self, name: str, line: Line) -> Modulator:
        line.need("from", "between 'modulator' and its sender")
        sender = line.token
        if sender.kind != "name":
            line.refuse("the sender of a third factor is an input or population, as in 'modulator from reward'")
        line.place += 1
        largest, signed, events = 1.0, True, False
        while line.take(","):
            if line.take("up"):
                line.need("to", "in 'up to 2'")
                largest, self.modulator_unit = self._measured(line)
            else:
                if line.take("events"):
                    events = True
                    continue
                line.need("positive", "'events' or 'up to 2' behind the sender")
                signed = False
        return Modulator(name, sender.text, largest, signed, events)

    def _measured(self, line: Line) -> tuple[float, Dimension]:
        """A positive size with whatever unit it has."""
        column = line.token.column
        value = self._value(line, inside=False)
        size = value.constant or 0.0
        if not size > 0:
            line.refuse(f"a largest value of {size:g}; a positive number is needed", column)
        return size, value.dimension

    def _rates(self, line: Line) -> tuple[float, float]:
        pre = self._sized(line, RATE, "a rate", "30 Hz")
        line.need(",", "between the rates of pre and post")
        return pre, self._sized(line, RATE, "a rate", "30 Hz")

    def _sized(self, line: Line, dimension: Dimension, what: str, example: str) -> float:
        column = line.token.column
        value = self._value(line, inside=False)
        number = value.constant or 0.0
        if value.dimension != dimension:
            line.refuse(f"{what} with {unit_name(value.dimension)}; write it as {example}", column)
        if not number > 0:
            line.refuse(f"{what} of {number:g}; a positive number is needed", column)
        return number

    def _value(self, line: Line, *, inside: bool = True) -> Value:
        """An expression; ``inside``: one that the synapse forms, so that what it sees may be in it."""
        seen = (*GATES, WEIGHT, TAG, *self.traces)
        visible: dict[str, Value] = {}
        if inside:
            visible = {name: Value((Monomial(1.0, (name,), 0),)) for name in seen}
            visible[WEIGHT] = Value((Monomial(1.0, (WEIGHT,), 0),), self.unit)
            visible[STEP] = Value((Monomial(1.0, (STEP,), 0),), TIME)
            if self.modulator is not None:
                third = self.modulator.name
                visible[third] = Value((Monomial(1.0, (third,), 0),), self.modulator_unit)
        changing = () if inside else (*seen, *(n for n, v in self.parameters.items() if v.constant is None))
        refused = {name: f"{name!r} changes; a number is needed here" for name in changing}
        return Expressions({**visible, **self.parameters}, refused).sum(line)

    def rule(self) -> LearningRule:
        """The rule, once all lines are read."""
        if not self.name:
            raise RuleError("the text has no line 'rule NAME: title'; begin with one")
        if "dw" not in self.sums:
            raise RuleError(f"rule {self.name!r} has no line 'dw = ...'; say what changes the weight")
        limit = None
        if self.limit is not None:
            value, text, number = self.limit
            limit = value.constant
            with _numbered(number):
                if value.dimension != self.unit:
                    found, wanted = unit_name(value.dimension), unit_name(self.unit)
                    raise error_at(f"the limit has {found}, the weight {wanted}", text, _right_side(text))
        equation = "; ".join(text.strip() for _, text, _ in self.sums.values())
        return LearningRule(
            name=self.name,
            title=self.title or self.name,
            equation=equation,
            source=self.source or "a user's own rule",
            symbols=tuple(self.symbols),
            traces=self.traces,
            weight=self._terms("dw"),
            tag=self._terms("dtag"),
            notes=tuple(self.notes),
            weight_limit=limit,
            rates=self.rates,
            modulator=self.modulator,
        )

    def _terms(self, target: str) -> tuple[Term, ...]:
        if target not in self.sums:
            return ()
        value, text, number = self.sums[target]
        wanted = self.unit if target == "dw" else PURE
        merged: dict[tuple[Gate, tuple[str, ...]], float] = {}
        written: dict[
            tuple[Gate, tuple[str, ...]], tuple[str, ...]
        ] = {}  # x*y and y*x are one product, as it came first
        with _numbered(number):
            if value.dimension != wanted:
                what = f"{target} has {unit_name(value.dimension)}, but the {'weight' if target == 'dw' else 'tag'} has {unit_name(wanted)}"
                raise error_at(what, text, _right_side(text))
            for monomial in value.monomials:
                gate, factors = _gated(monomial, text)
                term = (gate, tuple(sorted(factors)))
                written.setdefault(term, factors)
                merged[term] = merged.get(term, 0.0) + monomial.coefficient
            return tuple(Term(c, term[0], written[term]) for term, c in merged.items() if c)


def _right_side(text: str) -> int:
    """The character at which what stands behind "=" begins."""
    start = text.index("=") + 1
    return start + len(text[start:]) - len(text[start:].lstrip()) + 1


def _gated(monomial: Monomial, text: str) -> tuple[Gate, tuple[str, ...]]:
    """The gate of a product and its other factors."""
    gates = [gate for gate in GATES for f in monomial.factors if f == gate]
    if len(gates) != 1:
        has = "no spike" if not gates else " and ".join(gates)
        raise error_at(
            f"a term with {has}: a synapse changes at spikes, so each term has 'pre' or 'post' as a factor, once (or 'dt', for what "
            "happens in every step); for pairs use a trace",
            text,
            monomial.column,
        )
    return GATES[gates[0]], tuple(f for f in monomial.factors if f not in GATES)
