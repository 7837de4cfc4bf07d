"""Rules held as microcode: every coefficient in exact rational arithmetic, and one spike pair at a time on the engine."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from neuroalign.errors import ConversionRefused, NeuroalignError, RuleError
from neuroalign.microcode import Program
from neuroalign.profile import load_profile
from neuroalign.quantise.held_rule import HeldRule
from neuroalign.quantise.learning import float_program, hold_rule
from neuroalign.quantise.rule_choices import RuleChoices
from neuroalign.quantise.rule_scales import trace_slots
from neuroalign.quantise.rule_sheet import rule_sheet
from neuroalign.rule import TAG, WEIGHT, LearningRule, RuleTrace, Term
from neuroalign.rules import load_rule, pair_stdp, stdwi
from neuroalign.sim.emulator.learning_reference import PlasticState, plastic_state
from neuroalign.sim.emulator.products import accumulate

DT = 1e-3
LOIHI = load_profile("loihi2")
FORMS: list[Any] = ["direct", "stochastic", "exact", "sgn"]


@st.composite
def rules(draw: st.DrawFn) -> LearningRule:
    """A rule of one to four terms on up to two traces a side; some with a tag of their own."""
    names = {"a": "pre", "b": "pre", "c": "post", "d": "post"}
    shown = draw(st.lists(st.sampled_from(sorted(names)), unique=True, max_size=4))
    factors = st.lists(st.sampled_from([*shown, WEIGHT]), max_size=2).map(tuple)
    coefficient = st.builds(
        lambda sign, power: sign * 10**power, st.sampled_from([-1.0, 1.0]), st.floats(-5.0, -0.5, allow_nan=False)
    )
    terms = st.lists(st.builds(Term, coefficient, st.sampled_from(["pre", "post"]), factors), min_size=1, max_size=3)
    weight, tag = draw(terms), draw(st.one_of(st.just([]), terms))
    used = {f for t in (*weight, *tag) for f in t.factors}
    traces = {
        n: RuleTrace(names[n], draw(st.floats(0.002, 0.3)), draw(st.floats(0.05, 5.0)))  # type: ignore[arg-type]
        for n in shown
        if n in used
    }
    return LearningRule("drawn", "", "", "", (), traces, tuple(weight), tuple(tag))


def term_sums(rule: LearningRule, program: Program, values: Mapping[str, int]) -> dict[tuple[str, str], Fraction]:
    """What the learnt products add for each (target, gate), shifts as exact divisions; transfers left out."""
    sums: dict[tuple[str, str], Fraction] = {}
    for target, products in (("dw", program.dw), ("dt", program.tag_update)):
        for p in products:
            if p.dependency == "u":
                continue
            value = Fraction(p.mantissa) * Fraction(2) ** (p.exponent - p.shift)
            for f in p.factors:
                value *= values.get(f.variable, 0) + Fraction(f.constant)
            sums[target, p.dependency] = sums.get((target, p.dependency), Fraction(0)) + value
    return sums


@settings(deadline=None, max_examples=60)
@given(rules(), st.sampled_from(FORMS), st.floats(-3.5, -1.0), st.data())
def test_products_add_up_to_the_real_coefficients(
    rule: LearningRule, form: Any, power: float, data: st.DataObject
) -> None:
    """Held products against ``coefficient * factors``, in model units, within the error that microcode can have."""
    tag_unit = 0.01
    choices = RuleChoices(form=form, tag_unit=tag_unit)
    try:
        held = hold_rule(rule, "c", LOIHI, DT, 10**power, choices, free_unit=data.draw(st.booleans()))
    except NeuroalignError:
        assume(False)
        raise
    unit, program, slots = held.weight_unit, held.program, trace_slots(rule)
    # a decay clocked by u_k stands for spikes at an assumed rate; what it is worth is tested by itself
    assume(not any(p.dependency == "u" and any(f.variable == "w" for f in p.factors) for p in program.products))
    counts = {slot: data.draw(st.integers(0, 127)) for slot in slots.values()}
    weight, tag = data.draw(st.integers(-256, 255)), data.draw(st.integers(-256, 255))
    found = term_sums(rule, program, {**counts, "w": weight, "t": tag})
    bits = held.tag_bits
    for name, terms in (("weight", rule.weight), *([("tag", rule.tag)] if form == "direct" else [])):
        for gate, flag in (("pre", "x0"), ("post", "y0")):
            wanted, allowed = Fraction(0), Fraction(1, 10**9)
            for term in (t for t in terms if t.gate == gate):
                real = Fraction(term.coefficient) / Fraction(unit if name == "weight" else tag_unit)
                real *= 2**bits if name == "weight" else 1
                factors = Fraction(1)
                for f in term.factors:
                    trace = program.trace(slots[f]).impulse if f in slots else 0
                    scale = rule.traces[f].impulse / trace if f in slots else unit if f == WEIGHT else tag_unit
                    real *= Fraction(scale)
                    factors *= counts[slots[f]] if f in slots else weight if f == WEIGHT else tag
                wanted += real * factors
                allowed += max(abs(real) / 100, _grain(term)) * abs(factors) + _centring(program, term)
            target = "dt" if name == "tag" or form != "direct" else "dw"
            assert abs(found.get((target, flag), Fraction(0)) - wanted) <= allowed


def _grain(term: Term) -> Fraction:
    """Half the smallest coefficient, 2^-7, divided by the product shift of the term's factors."""
    bits = sum(9 if f in (WEIGHT, TAG) else 7 for f in term.factors)
    return Fraction(1, 2 ** (8 + max(0, bits + 4 - 15)))


def _centring(program: Program, term: Term) -> Fraction:
    """A weight term that the shift divides has half a smallest unit added, and its constant is a whole number."""
    return Fraction(1, 2**7) if term.factors == (WEIGHT,) else Fraction(0)


@given(rules(), st.floats(-3.5, -1.0))
@settings(deadline=None, max_examples=30)
def test_the_unit_grows_at_most_twofold_and_never_shrinks(rule: LearningRule, power: float) -> None:
    """A smaller unit would not hold weights up to the limit any more."""
    try:
        held = hold_rule(rule, "c", LOIHI, DT, 10**power, RuleChoices(), free_unit=True)
    except NeuroalignError:
        assume(False)
        raise
    assert 1 - 1e-8 <= held.weight_unit / 10**power <= 2 + 1e-8


def test_equal_terms_of_weight_and_tag_stay_apart() -> None:
    """A term that appears in both sums acts once in each."""
    term = Term(0.5, "pre", ("x",))
    rule = LearningRule("both", "", "", "", (), {"x": RuleTrace("pre", 0.02)}, (term,), (term,))
    program = float_program(rule, DT, 0.25)
    assert [p.mantissa for p in program.dw] == [2.0]
    assert [p.mantissa for p in program.tag_update] == [0.5]
    held = hold_rule(rule, "c", LOIHI, DT, 0.25, RuleChoices("direct", impulses={"x": 32}), free_unit=False).program
    assert len(held.dw) == len(held.tag_update) == 1
    assert held.dw[0].coefficient == 4 * held.tag_update[0].coefficient


def run_pairs(state: PlasticState, pairs: int, post_first: int) -> None:
    """Lone spike pairs: the target's spike ``post_first`` steps before the source's; traces are cleared in between."""
    one, steps, t = np.ones(1, dtype=np.int64), 40, 0
    for _ in range(pairs):
        state.x, state.y = np.zeros_like(state.x), np.zeros_like(state.y)
        for step in range(steps):
            t += 1
            state.record_source(t, one * (step == max(post_first, 0)))
            state.record_target(t, one * (step == max(-post_first, 0)))
            state.learn(t)


def chip_units(state: PlasticState, bits: int) -> float:
    """Weight and what its tag holds of the next unit."""
    return float(state.weight[0, 0]) + (float(state.tag[0, 0]) / 2**bits if bits else 0.0)


@pytest.mark.parametrize(
    ("rule", "form", "post_first"),
    [
        (stdwi(), "exact", 0),
        (stdwi(), "exact", 10),
        (stdwi(), "sgn", 10),
        (pair_stdp(), "direct", -5),
        (pair_stdp(), "exact", -5),
        (pair_stdp(), "exact", 5),
    ],
)
def test_spike_pairs_on_the_engine_move_the_weight_as_in_float(rule: LearningRule, form: Any, post_first: int) -> None:
    """Lone pairs: integers and doubles end at the same weight, within what rounding leaves over.

    Carried, that is the rounding of the traces; direct, also a rounding of the weight at each pair, with a deviation of
    at most half a unit, of which four are allowed.
    """
    sheet = rule_sheet(rule, LOIHI, DT, RuleChoices(form=form))
    held = sheet.held
    assert held is not None
    bits = held.tag_bits
    fixed = plastic_state(held.program, np.zeros((1, 1)), fixed=True)
    real = plastic_state(float_program(rule, DT), np.zeros((1, 1)), fixed=False)
    for state in (fixed, real):
        run_pairs(state, 60, post_first)
    wanted = float(real.weight[0, 0]) / held.weight_unit
    assert abs(wanted) > 0.9
    assert chip_units(fixed, bits) == pytest.approx(wanted, rel=0.03, abs=0.1 if bits else 2 * math.sqrt(60))
    assert not any(fixed.counts.values())


@pytest.mark.parametrize("bits", [5, 6, 7, 8])
def test_exact_carry_moves_whole_units_and_keeps_the_remainder(bits: int) -> None:
    """Every tag value at once: weight and tag together stay, but for Lava's accumulator, 2^-7 short of a unit of 256."""
    held = _carried("exact", bits)
    tags = np.arange(-256, 256)[None, :]
    state = plastic_state(held.program, np.zeros(tags.shape), fixed=True, tag=tags)
    none = np.zeros(tags.shape[1], dtype=np.int64)
    state.record_source(1, none)
    state.record_target(1, none[:1])
    state.learn(1)
    moved = state.weight * 2**bits + state.tag - tags
    assert moved[tags > -129].any() is np.False_
    assert set(np.unique(moved)) <= {-1, 0}
    assert state.tag.max() < 2 ** (bits - 1)
    assert state.tag.min() >= -(2 ** (bits - 1)) - 1


def test_sgn_carry_moves_one_unit_beyond_its_threshold() -> None:
    tags = np.array([[-200, -113, -111, 0, 111, 113, 200]])
    state = plastic_state(_carried("sgn", None).program, np.zeros(tags.shape), fixed=True, tag=tags)
    state.record_source(1, np.zeros(7, dtype=np.int64))
    state.record_target(1, np.zeros(1, dtype=np.int64))
    state.learn(1)
    assert state.weight.tolist() == [[-1, -1, 0, 0, 0, 1, 1]]
    assert (state.tag == tags - 128 * state.weight).all()


def _carried(form: Any, bits: int | None) -> HeldRule:
    """A rule with small changes, transferred in every epoch."""
    return hold_rule(stdwi(), "c", LOIHI, DT, 0.002, RuleChoices(form=form, tag_bits=bits, k=0), free_unit=False)


def test_bits_that_are_asked_for_need_room_for_one_pair_only() -> None:
    """Pair STDP with a limit of 1 moves 85 of 255 tag units a pair with 5 bits: a burst saturates it, and the row says so."""
    choices = RuleChoices(form="exact", weight_limit=1.0)
    assert rule_sheet(pair_stdp(), LOIHI, DT, choices).held is None
    held = rule_sheet(pair_stdp(), LOIHI, DT, replace(choices, tag_bits=5)).held
    assert held is not None
    assert [row.status for row in held.rows if row.quantity == "carry"] == ["approximate"]
    assert rule_sheet(pair_stdp(), LOIHI, DT, replace(choices, tag_bits=8)).held is None


def test_a_small_decay_is_centred() -> None:
    """STDWI's decay is below 2^-7 on chip; rounded down at each spike it would pull all weights by more than a unit."""
    (decay,) = [
        p for p in _carried("exact", 8).program.tag_update if p.dependency == "x0" and p.factors[0].variable == "w"
    ]
    weights = np.arange(-255, 256)[None, :]
    values: Any = {"x0": {"x0": np.ones((1, 1)), "w": weights, "y3": np.zeros((1, 1))}}
    change = accumulate(np.zeros_like(weights), (decay,), values)[0] / 2**7
    wanted = -1e-5 * 2**8 * weights
    assert abs(change - wanted).max() <= 2**-7
    assert abs((change - wanted).mean()) < 0.25 * 2**-7  # rounding down leaves half a unit of 2^-7
    centre = 0.5 * (weights[change < 0].min() + weights[change > 0].max())
    assert abs(centre) <= 0.5


def test_impulses_leave_room_for_the_assumed_rate() -> None:
    """1 + r tau + 3 sqrt(r tau / 2) impulses fit into 127, and twice as large ones would not."""
    held = rule_sheet(stdwi(), LOIHI, DT, RuleChoices(form="exact")).held
    assert held is not None
    assert stdwi().rates == (60.0, 34.0)
    for slot, tau in (("y1", 0.02), ("y2", 0.2)):
        peak = 1 + 34 * tau + 3 * math.sqrt(34 * tau / 2)
        assert held.program.trace(slot).impulse * peak <= 127 < 2 * held.program.trace(slot).impulse * peak


def test_a_trace_that_must_saturate_is_said_to() -> None:
    rule = LearningRule("slow", "", "", "", (), {"x": RuleTrace("pre", 20.0)}, (Term(0.1, "post", ("x",)),))
    rows = hold_rule(rule, "c", LOIHI, DT, 0.01, RuleChoices("direct"), free_unit=False).rows
    assert rows[0].status == "approximate"
    assert "exceeds" in rows[0].note


def test_pair_stdp_keeps_its_balance() -> None:
    """Depression is 5 % larger than potentiation: one mantissa cannot tell them apart, so impulses or products must."""
    forms: list[Any] = ["direct", "exact"]
    for form in forms:
        held = rule_sheet(pair_stdp(), LOIHI, DT, RuleChoices(form=form)).held
        assert held is not None
        products = held.program.dw if form == "direct" else held.program.tag_update
        up, down = (sum(p.coefficient for p in products if p.dependency == gate) for gate in ("y0", "x0"))
        assert -down / up == pytest.approx(1.05, abs=0.001)


def test_the_idle_trace_is_one_that_no_spike_drives() -> None:
    """y3 if it is free, else one of the pre traces; with all five in use there is none."""
    slots: dict[str, Any] = {"a": ("post", 0.01), "b": ("post", 0.02), "c": ("post", 0.03)}
    traces = {n: RuleTrace(of, tau) for n, (of, tau) in slots.items()}
    terms = tuple(Term(1e-4, "pre", (n,)) for n in traces)
    rule = LearningRule("three", "", "", "", (), traces, terms)
    program = hold_rule(rule, "c", LOIHI, DT, 0.002, RuleChoices(form="exact"), free_unit=False).program
    assert program.x2 is not None
    assert program.x2.impulse == 0
    both = {**traces, "d": RuleTrace("pre", 0.01), "e": RuleTrace("pre", 0.02)}
    full = LearningRule("five", "", "", "", (), both, tuple(Term(1e-4, "post", (n,)) for n in both))
    with pytest.raises(NeuroalignError, match="sgn"):
        hold_rule(full, "c", LOIHI, DT, 0.002, RuleChoices(form="exact"), free_unit=False)


@pytest.mark.parametrize(
    ("rule", "choices", "words"),
    [
        (stdwi(), RuleChoices("direct"), ["-1e-05 [pre spike] w", "no change", "carry form"]),
        (
            stdwi(decay=0.0),
            RuleChoices("direct", weight_limit=1.0),
            ["fast", "2^-7", "carry form", "smaller weight limit (--weight-limit)"],
        ),
        (
            pair_stdp(1000.0, 1.0),
            RuleChoices("direct", weight_limit=1.0),
            ["1000 [post spike] x", "7*2^8", "smaller learning"],
        ),
        (
            stdwi(learning_rate=1e-9, decay=0.0),
            RuleChoices(form="exact", weight_limit=1.0),
            ["1e-09", "larger learning rate"],
        ),
        (stdwi(decay=1e-5), RuleChoices(form="exact", weight_limit=0.5), ["1e-09 [pre spike] w", "no change"]),
        (
            pair_stdp(),
            RuleChoices(form="sgn", weight_limit=0.2),
            ["one spike pair", "255", "direct form", "weight_limit"],
        ),
    ],
)
def test_what_no_chip_can_hold_is_one_line(rule: LearningRule, choices: RuleChoices, words: list[str]) -> None:
    refusal = rule_sheet(rule, LOIHI, DT, choices).refusal
    assert isinstance(refusal, ConversionRefused)
    assert "\n" not in str(refusal)
    for word in (rule.name, *words):
        assert word in str(refusal)


def test_a_profile_without_an_engine() -> None:
    plain = replace(LOIHI, learning=replace(LOIHI.learning, supported=False))
    with pytest.raises(ConversionRefused, match="no learning engine"):
        hold_rule(load_rule("stdwi"), "c", plain, DT, 0.002, RuleChoices(form="exact"), free_unit=True)


def test_limits_of_the_profile_are_checked() -> None:
    few = replace(LOIHI, learning=replace(LOIHI.learning, products_per_rule=3))
    with pytest.raises(ConversionRefused, match="5 products; profile 'loihi2' has 3"):
        hold_rule(load_rule("stdwi"), "c", few, DT, 0.002, RuleChoices(form="exact"), free_unit=True)
    traces = replace(LOIHI, learning=replace(LOIHI.learning, traces=("x1", "y1")))
    with pytest.raises(ConversionRefused, match="trace y2"):
        hold_rule(load_rule("stdwi"), "c", traces, DT, 0.002, RuleChoices(form="exact"), free_unit=True)


def test_a_coefficient_held_too_coarsely_is_not_called_the_rule() -> None:
    """A ratio of 1.49 that would be held as 2 changes what is learnt: the row says so, and strict refuses it."""
    rule = pair_stdp(potentiation=0.01, depression=0.0149)
    held = hold_rule(rule, "c", load_profile("loihi2"), 1e-3, 40 / 255, RuleChoices("direct"), free_unit=False)
    terms = [row for row in held.rows if row.quantity.startswith("term")]
    assert {row.status for row in terms if row.relative_error > 0.05} == {"approximate"}
    assert {row.status for row in terms if row.relative_error <= 0.05} <= {"exact", "rounded"}
    assert any(row.status == "approximate" for row in terms)


@pytest.mark.parametrize(
    "wrong", [{"k": 2.5}, {"k": True}, {"t_epoch": 2.5}, {"rng_seed": 1.0}, {"impulses": {"x": 16.5}}]
)
def test_choices_are_whole_numbers(wrong: dict[str, Any]) -> None:
    with pytest.raises(RuleError, match="whole number"):
        RuleChoices("exact", **wrong)
