"""The learning engine with one step of its quantisation switched off, everything else as it is.

With nothing switched off it is the emulator's own arithmetic, bit for bit. Switched off, a number is real where it was an
integer, and what is not concerned stays as the engine has it: transfers read whole units of the tag, and so on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from neuroalign.chip import Numbers
from neuroalign.microcode import TRACES, Product, Program
from neuroalign.network import FloatArray
from neuroalign.quantise.held_rule import HeldRule
from neuroalign.quantise.rule_scales import dependency, factors, third_factor, trace_slots
from neuroalign.rule import TAG, WEIGHT, LearningRule, Term
from neuroalign.sim.emulator.learning_reference import TAG_MAX, TAG_MIN, PlasticState, plastic_state
from neuroalign.sim.emulator.products import ACCUMULATOR_MAX, ACCUMULATOR_MIN, Values, fixed_product, float_sum
from neuroalign.sim.emulator.traces import connection_traces

LIMITS = {"weight": (-256, 255), "tag": (TAG_MIN, TAG_MAX)}
UNIT = 128
"""Products are summed in 128ths of a unit."""


@dataclass(frozen=True)
class Switches:
    """What is switched off.

    Parameters
    ----------
    traces
        Traces are real: they decay by ``exp(-1/tau)`` and have no largest value; so is what a third factor sends.
    rounding
        Weight and tag keep their fractions; nothing is drawn for them.
    shared_draw
        Each synapse is rounded with a draw of its own.
    limits
        Weight, tag and accumulator have no range.
    program
        Another program, whose coefficients may be real; None: the one held.
    """

    traces: bool = False
    rounding: bool = False
    shared_draw: bool = False
    limits: bool = False
    program: Program | None = None


@dataclass
class SwitchedState(PlasticState):
    """A :class:`PlasticState` with something switched off; ``own_tag``: the tag is the rule's, and carries nothing."""

    switches: Switches = Switches()
    own_tag: bool = False

    def _updated(self, name: str, z: Numbers, products: tuple[Product, ...], values: Values, epoch: int) -> Numbers:
        off = self.switches
        if not products or off in (Switches(), Switches(shared_draw=True)):
            return super()._updated(name, z, products, values, epoch)
        whole = [p for p in products if self._is_whole(p)]
        total = np.asarray(z, dtype=np.float64) + self._whole_sum(whole, values, np.shape(z))
        real = [
            replace(p, mantissa=p.coefficient * 2.0 ** -self._shift(p), exponent=0) for p in products if p not in whole
        ]
        if real:
            total = total + float_sum(real, values)
        signed = self._with_sign(name, total)
        if not off.rounding:
            signed = np.floor(signed) + (self._rounding(name, epoch) < signed % 1)
        return signed if off.limits else np.clip(signed, *LIMITS[name])

    def _shift(self, product: Product) -> int:
        """The engine's shift acts on its own products only; a real coefficient means what it says."""
        return product.shift if product.is_microcode else 0

    def _is_whole(self, product: Product) -> bool:
        """Whether integers go in: then the engine's own arithmetic forms it."""
        driven = {
            f.variable
            for f in product.factors
            if f.variable in TRACES and (self.program.trace(f.variable).impulse or self.modulated)
        }
        kept = ("w", "t") if self.own_tag else ("w",)  # transfers read whole units of a tag that carries
        reads_weight = any(f.variable in kept for f in product.factors)
        return (
            product.is_microcode
            and not (self.switches.traces and driven)
            and not (self.switches.rounding and reads_weight)
        )

    def _whole_sum(self, products: Sequence[Product], values: Values, shape: tuple[int, ...]) -> Numbers:
        total = np.zeros(shape)
        for p in products:
            known = values[p.dependency]
            change = fixed_product(p, {**known, "t": np.floor(known["t"])}, shape)
            if not self.switches.limits:
                change = np.clip(change, ACCUMULATOR_MIN, ACCUMULATOR_MAX)
            total = total + change / UNIT
        return total


def switched_state(held: HeldRule, weight: Numbers, switches: Switches, rounding_seed: int) -> SwitchedState:
    """The state of a held rule's connection before its first step, with something switched off."""
    made = plastic_state(
        held.program,
        weight,
        fixed=True,
        rounding_seed=rounding_seed,
        rounding_draws="synapse" if switches.shared_draw else "shared",
        modulated=held.third is not None,
    )
    values: dict[str, Any] = {f.name: getattr(made, f.name) for f in fields(made)}
    if switches.program is not None:
        values["program"] = switches.program
    if switches.traces:
        values["x_arithmetic"], values["y_arithmetic"] = connection_traces(
            held.program, False, graded=False, modulated=made.modulated
        )
        for side in ("x", "y"):
            values[side] = np.asarray(values[side], dtype=np.float64)
    return SwitchedState(**values, switches=switches, own_tag=has_own_tag(held))


def has_own_tag(held: HeldRule) -> bool:
    """Whether the tag is the rule's own."""
    return held.tag_bits == 0 and bool(held.program.tag_update)


def sent(held: HeldRule, third: FloatArray, switches: Switches) -> FloatArray:
    """What a third factor is when it arrives: in the engine's units, rounded and cut unless traces are real."""
    if held.third is None:
        return third
    arrived = third / held.third.unit + held.third.zero
    return arrived if switches.traces else np.clip(np.rint(arrived), held.third.low, held.third.high)


def real_program(rule: LearningRule, held: HeldRule, dt: float, *, carried: bool) -> Program:
    """The rule's own coefficients, as they are, on the chip's traces; terms of every step act when they do on chip.

    ``carried``: they change what they change on chip, and transfers stay; otherwise they change the weight itself.
    """
    slots, third = trace_slots(rule), third_factor(rule, held.third)

    def product(term: Term, unit: float) -> Product:
        value = term.coefficient / unit
        for factor in term.factors:
            if factor == WEIGHT:
                value *= held.weight_unit
            elif factor in slots:
                value *= rule.traces[factor].impulse / held.program.trace(slots[factor]).impulse
            elif factor == TAG:
                value *= held.tag_unit
            elif held.third is not None:
                value *= held.third.unit
        k = held.program.k or 0 if term.gate == "step" else None
        if k is not None:
            value *= dt * held.program.t_epoch * 2.0**k
        return Product(dependency(term), float(value), 0, factors(term, slots, third), k)

    bits = held.tag_bits if carried else 0
    terms = tuple(product(term, held.weight_unit * 2.0**-bits) for term in rule.weight)
    if bits == 0:
        return replace(held.program, dw=terms, tag_update=tuple(product(term, held.tag_unit) for term in rule.tag))
    transfers = tuple(
        p for p in held.program.tag_update if p.dependency == "u" and any(f.variable == "t" for f in p.factors)
    )
    return replace(held.program, tag_update=(*terms, *transfers))
