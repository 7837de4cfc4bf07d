"""A local learning rule in SI units: traces of spikes, and sums of products that change a weight or a tag.

With ``gate`` a spike of the pre- or the postsynaptic neuron in this step (0 or 1), or the step itself (dt, in s)::

    z      := z exp(-dt / tau) + impulse [spike]                    each trace z
    w      := w      + sum over weight terms  coefficient gate factor factor ...
    tag    := tag    + sum over tag terms     coefficient gate factor factor ...

A spike counts in the traces of its own step, so coincident spikes see each other. Both sums are formed from the values
before the update. What a synapse can see is all there is: its own weight and tag, traces of its two neurons, and one
third factor, which a sender outside writes: what it sends in a step is what the terms of that step read.
"""

from __future__ import annotations

import html
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from neuroalign.errors import RuleError
from neuroalign.notebook import html_table

Side = Literal["pre", "post"]
Gate = Literal["pre", "post", "step"]
WEIGHT, TAG = "w", "tag"
RESERVED = frozenset({WEIGHT, TAG, "pre", "post", "step", "dt"})


@dataclass(frozen=True)
class RuleTrace:
    """An exponentially decaying trace of one neuron's spikes.

    Parameters
    ----------
    of
        "pre" or "post".
    tau : s
        Time constant.
    impulse
        What a spike adds.

    Raises
    ------
    RuleError
        If a number is not positive, or ``of`` is neither side.

    Examples
    --------
    >>> import neuroalign
    >>> neuroalign.RuleTrace("pre", tau=0.02)
    RuleTrace(of='pre', tau=0.02, impulse=1.0)
    """

    of: Side
    tau: float
    impulse: float = 1.0

    def __post_init__(self) -> None:
        if self.of not in ("pre", "post"):
            raise RuleError(f"a trace is of {self.of!r}; a synapse sees spikes of 'pre' and 'post' only")
        if not (math.isfinite(self.tau) and self.tau > 0):
            raise RuleError(f"a trace has tau = {self.tau} s; a positive time constant is needed")
        if not (math.isfinite(self.impulse) and self.impulse > 0):
            raise RuleError(
                f"a trace has impulse {self.impulse}; a positive number is needed (signs belong to the terms)"
            )


@dataclass(frozen=True)
class Modulator:
    """The third factor of a rule: one value for each target neuron, or one for all, sent in every step.

    Parameters
    ----------
    name
        What the terms call it.
    sender
        Input or population of the network that sends it; a Connection may name another one.
    largest
        Largest magnitude that it reaches, in its own unit: sets what one unit means on chip, beyond which it is cut.
    signed
        Whether it can be negative.
    events
        Whether it is 0 but in single steps: terms that act in every step then have to do so on chip too.
    """

    name: str
    sender: str
    largest: float = 1.0
    signed: bool = True
    events: bool = False

    def __post_init__(self) -> None:
        if not (self.name.isidentifier() and self.sender):
            raise RuleError(f"a third factor {self.name!r} from {self.sender!r}; a name and a sender are needed")
        if not (math.isfinite(self.largest) and self.largest > 0):
            raise RuleError(f"third factor {self.name!r}: largest is {self.largest}; a positive number is needed")


@dataclass(frozen=True)
class Term:
    """``coefficient * gate * factors``: names of traces or of the third factor, ``"w"`` or ``"tag"``.

    With the gate "step" the term acts in every step and the coefficient is per second: a step changes by
    ``coefficient * dt * factors``.

    Raises
    ------
    RuleError
        If the coefficient is not finite or the gate is unknown.

    Examples
    --------
    >>> import neuroalign
    >>> neuroalign.Term(-0.5, "step", ("w",)).gate  # the weight decays by half of itself in a second
    'step'
    """

    coefficient: float
    gate: Gate
    factors: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not math.isfinite(self.coefficient):
            raise RuleError(f"a term has the coefficient {self.coefficient}; a finite number is needed")
        if self.gate not in ("pre", "post", "step"):
            raise RuleError(f"a term acts at {self.gate!r}; it acts at spikes of 'pre' or 'post', or in every 'step'")


@dataclass(frozen=True)
class LearningRule:
    """A rule of two factors, or of three with a modulator.

    Parameters
    ----------
    name, title
        Short name as given to the command line, and what it is called in full.
    equation, source
        The published form in plain text, and the paper with its equation or the authors' file.
    symbols
        (symbol, meaning, unit) of everything the equation names.
    traces
        Name to trace: at most two of "pre" and three of "post", which is what a learning engine has.
    weight, tag
        The terms.
    weight_limit
        Largest magnitude that weights reach with these parameters, in the unit of the weight; on chip it sets what one
        weight unit means, where nothing larger is given. None where the rule does not say.
    rates : Hz
        How often an active presynaptic and an active postsynaptic neuron spike: what walks, saturation and impulses on
        chip are predicted from. None where the rule does not say.
    modulator
        The third factor, or None.

    Raises
    ------
    RuleError
        If a term uses what a synapse cannot see, a trace is missing or superfluous, or nothing would change.

    Examples
    --------
    >>> import neuroalign
    >>> neuroalign.load_rule("stdwi").weight_limit is None
    False
    """

    name: str
    title: str
    equation: str
    source: str
    symbols: tuple[tuple[str, str, str], ...]
    traces: Mapping[str, RuleTrace]
    weight: tuple[Term, ...]
    tag: tuple[Term, ...] = ()
    notes: tuple[str, ...] = field(default=())
    weight_limit: float | None = None
    rates: tuple[float, float] | None = None
    modulator: Modulator | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "traces", MappingProxyType(dict(self.traces)))
        if not (self.weight or self.tag):
            raise RuleError(f"rule {self.name!r} has no terms; it would never change a weight")
        if self.weight_limit is not None and not (math.isfinite(self.weight_limit) and self.weight_limit > 0):
            raise RuleError(f"rule {self.name!r}: weight_limit is {self.weight_limit}; a positive number is needed")
        check_rates(f"rule {self.name!r}", self.rates)
        for side, most in (("pre", 2), ("post", 3 if self.modulator is None else 2)):
            found = [name for name, trace in self.traces.items() if trace.of == side]
            if len(found) > most:
                raise RuleError(
                    f"rule {self.name!r} has {len(found)} traces of {side!r} ({', '.join(found)}); a synapse has {most}"
                    + (" beside a third factor" if most == 2 and side == "post" else "")
                )
        for name in RESERVED & set(self.traces):
            raise RuleError(f"rule {self.name!r}: a trace is called {name!r}, which is reserved; choose another name")
        self._check_factors()

    def _check_factors(self) -> None:
        third = [] if self.modulator is None else [self.modulator.name]
        for name in third:
            if name in RESERVED or name in self.traces:
                raise RuleError(f"rule {self.name!r}: the third factor is called {name!r}, which is taken")
        used = {factor for term in (*self.weight, *self.tag) for factor in term.factors}
        for factor in sorted(used - set(self.traces) - {WEIGHT, TAG, *third}):
            seen = ", ".join([*self.traces, WEIGHT, TAG, *third])
            raise RuleError(
                f"rule {self.name!r}: {factor!r} is not visible at the synapse; it sees {seen}, and spikes of pre and post"
            )
        for name in sorted({*self.traces, *third} - used):
            raise RuleError(f"rule {self.name!r}: {name!r} is used in no term; remove it")

    @property
    def locality(self) -> str:
        """What the rule reads, in words."""
        gates = {t.gate for t in (*self.weight, *self.tag)} - {"step"}
        sides = sorted({t.of for t in self.traces.values()} | gates, reverse=True)
        used = {factor for term in (*self.weight, *self.tag) for factor in term.factors}
        own = [word for symbol, word in ((WEIGHT, "its weight"), (TAG, "its tag")) if symbol in used]
        seen = [f"{side}synaptic spikes" for side in sides] + own
        if self.modulator is None:
            third = "no third factor"
        else:
            third = f"one third factor, {self.modulator.name}, which {self.modulator.sender!r} sends"
        return "local: each synapse reads " + ", ".join(seen) + "; " + third

    def _repr_html_(self) -> str:
        from neuroalign.rule.mathml import rule_mathml  # which imports this module

        lines = html.escape(self.equation)
        below = [f"source: {self.source}", self.locality, *self.notes]
        table = html_table(f"{self.name}: {self.title}", ("symbol", "meaning", "unit"), self.symbols)
        return f"{table}<pre>{lines}</pre>{rule_mathml(self)}" + "".join(
            f"<p>{html.escape(line)}</p>" for line in below
        )


def check_rates(what: str, rates: tuple[float, float] | None) -> None:
    """Refuse rates that are not two positive numbers (RuleError)."""
    if rates is None:
        return
    if len(rates) != 2 or not all(math.isfinite(rate) and rate > 0 for rate in rates):
        raise RuleError(f"{what}: rates are {rates}; two positive numbers in Hz are needed, of pre and of post")
