"""Which step of the quantisation costs what: the chip with each step switched off in turn, against the float model.

All runs see the same spikes, and there are several sets of spikes. A step's cost is the share of the chip's squared error
that goes away when it alone is switched off; steps act together, so the shares need not add up to 1, and a negative one
means that the step hides the error of another.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from neuroalign.compile import compile_network, float_model
from neuroalign.deployment.learning import AblatedStep
from neuroalign.fidelity.learning import pearson
from neuroalign.microcode import POST_TRACES
from neuroalign.network import Connection, FloatArray, InputPort, Network, Population
from neuroalign.pipeline.options import Progress
from neuroalign.profile import Profile, load_profile
from neuroalign.quantise.graded import chip_stimulus
from neuroalign.quantise.held_rule import HeldRule
from neuroalign.quantise.learning import float_program
from neuroalign.quantise.rule_choices import RuleChoices
from neuroalign.quantise.rule_sheet import rule_sheet
from neuroalign.quantise.third_factor import SLOT
from neuroalign.rule import LearningRule
from neuroalign.rule_check.switches import Switches, real_program, sent, switched_state
from neuroalign.rule_check.trial import POST, PRE, TrialSpikes, trial_spikes
from neuroalign.sim.emulator import Emulator
from neuroalign.sim.emulator.learning_reference import PlasticState, plastic_state
from neuroalign.sim.emulator.streams import LAVA_ROUNDING_SEED

CHIP, NEURONS = "nothing: the chip as it is", "neuron model"
TAU_MEM, TAU_SYN, PEAK = 0.010, 0.005, 1.1
"""Neurons of the neuron model's row (s): one spike in lifts the membrane to about PEAK times its threshold."""


@dataclass(frozen=True, eq=False)
class _Variant:
    """The chip with one step off; ``held`` where the program is another one."""

    step: str
    note: str
    switches: Switches
    held: HeldRule


def ablate(
    rule: LearningRule,
    constants: LearningRule,
    held: HeldRule,
    profile: Profile,
    choices: RuleChoices,
    *,
    steps: int,
    dt: float,
    seeds: Sequence[int],
    start: float = 0.0,
    progress: Progress | None = None,
) -> tuple[AblatedStep, ...]:
    """Run the chip as it is and with each step of its quantisation switched off.

    Parameters
    ----------
    constants
        The rule with the coefficients that the chip has.
    seeds
        Of the spikes; figures are means over them.
    start
        All weights at the start, in the rule's unit.

    A rule with a tag of its own has no line on the carry form: nothing else fits into its tag.
    """
    variants = list(_variants(rule, constants, held, profile, choices, dt))
    squares = np.zeros((len(variants) + 2, len(seeds)))
    correlations: list[list[float | None]] = [[] for _ in range(len(variants) + 2)]
    for n, seed in enumerate(seeds):
        told = (
            (lambda k, n=n: progress("ablation", n * (len(variants) + 2) + k, len(seeds) * (len(variants) + 2)))
            if progress
            else None
        )
        for k, (wanted, found) in enumerate(_runs(rule, variants, profile, steps, dt, seed, start)):
            squares[k, n] = float(np.mean(np.square(found - wanted)))
            correlations[k].append(pearson(wanted, found))
            if told:
                told(k)
    labels = [(v.step, v.note) for v in variants]
    labels += [
        ("neurons in the profile's integers, all of the above on", "spikes of CUBA LIF neurons instead of given ones"),
        (NEURONS, "the same with neurons in double precision; its cost is against the line above"),
    ]
    return tuple(
        AblatedStep(step, note, _mean(correlations[k]), float(np.sqrt(squares[k].mean())), _cost(squares, k))
        for k, (step, note) in enumerate(labels)
    )


def _cost(squares: FloatArray, k: int) -> float | None:
    """Share of the squared error that is gone; neurons are compared among themselves."""
    last = len(squares) - 1
    if k in (0, last - 1):
        return None
    reference = float(squares[last - 1 if k == last else 0].mean())
    return 1 - float(squares[k].mean()) / reference if reference > 0 else None


def _mean(values: Sequence[float | None]) -> float | None:
    known = [v for v in values if v is not None]
    return float(np.mean(known)) if known else None


def _variants(
    rule: LearningRule, constants: LearningRule, held: HeldRule, profile: Profile, choices: RuleChoices, dt: float
) -> Iterator[_Variant]:
    plain = real_program(constants, held, dt, carried=False)
    yield _Variant(CHIP, f"{held.form} form", Switches(), held)
    yield _Variant("trace bits", "real traces without a largest value", Switches(traces=True), held)
    yield _Variant(
        "weight bits", "a real weight, changed by the terms themselves", Switches(rounding=True, program=plain), held
    )
    own = Switches(program=real_program(rule, held, dt, carried=True))
    yield _Variant("coefficient rounding", "the rule's own coefficients", own, held)
    note = "weight and tag keep their fractions" + ("; here the same as weight bits" if held.form == "direct" else "")
    yield _Variant("stochastic rounding", note, Switches(rounding=True), held)
    yield _Variant("shared draw", "a draw for each synapse", Switches(shared_draw=True), held)
    yield _Variant("clipping", "no range of weight, tag and accumulator", Switches(limits=True), held)
    if held.form != "direct":
        yield _Variant(
            "carry form", "direct: the weight itself, rounded with a draw at each change", Switches(program=plain), held
        )
        return
    asked = replace(choices, form="carry", weight_unit=held.weight_unit, weight_limit=None)
    other = rule_sheet(rule, profile, dt, asked).held
    if other is not None:
        yield _Variant("carry form", f"{other.form} instead of direct", Switches(), other)


def _runs(
    rule: LearningRule,
    variants: Sequence[_Variant],
    profile: Profile,
    steps: int,
    dt: float,
    seed: int,
    start: float,
) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Weights of the float model and of each variant, in the model's unit; last, the two lines on neurons."""
    spikes = trial_spikes(steps, dt, seed)
    wanted = _float_weights(rule, spikes, dt, start)
    for variant in variants:
        yield wanted, _chip_weights(rule, variant, spikes, start)
    real, chip = (neuron_spikes(kind, spikes, dt) for kind in (None, profile))
    wanted = _float_weights(rule, real, dt, start)
    for given in (chip, real):
        yield wanted, _chip_weights(rule, variants[0], given, start)


def _float_weights(rule: LearningRule, spikes: TrialSpikes, dt: float, start: float) -> FloatArray:
    third = spikes.third_factor(rule)
    state = plastic_state(
        float_program(rule, dt), np.full((POST, PRE), start), fixed=False, modulated=third is not None
    )
    return learnt(state, spikes, third)


def _chip_weights(rule: LearningRule, variant: _Variant, spikes: TrialSpikes, start: float) -> FloatArray:
    held = np.full((POST, PRE), round(start / variant.held.weight_unit), dtype=np.int64)
    state = switched_state(variant.held, held, variant.switches, LAVA_ROUNDING_SEED)
    third = spikes.third_factor(rule)
    arrives = None if third is None else sent(variant.held, third, variant.switches)
    return learnt(state, spikes, arrives) * variant.held.weight_unit


def learnt(state: PlasticState, spikes: TrialSpikes, third: FloatArray | None) -> FloatArray:
    """Weights after the spikes, and third factors (steps, 1) as they arrive."""
    received = np.zeros((len(POST_TRACES), POST))
    for t, (pre, post) in enumerate(zip(spikes.pre, spikes.post, strict=True), 1):
        state.record_source(t, pre)
        state.record_target(t, post)
        if third is not None:
            received[POST_TRACES.index(SLOT)] = third[t - 1]
            state.receive(received)
        state.learn(t)
    return np.asarray(state.weight, dtype=np.float64)


def neuron_spikes(profile: Profile | None, spikes: TrialSpikes, dt: float) -> TrialSpikes:
    """What CUBA LIF neurons answer to these spikes: in the profile's integers, or in double precision without one.

    Raises
    ------
    NeuroalignError
        If the profile cannot hold the neurons.
    """
    network = _neurons(dt)
    ideal = load_profile("ideal")
    chip = float_model(network, ideal) if profile is None else compile_network(network, profile)[0]
    recording = Emulator().run(
        chip, chip_stimulus(spikes.stimulus, chip), [("pre", "s"), ("post", "s")], implementation="reference"
    )
    length = len(spikes.pre)
    pre, post = (np.asarray(recording.aligned(name, "s", length)[0], dtype=np.uint8) for name in ("pre", "post"))
    return replace(spikes, pre=pre, post=post)


def _neurons(dt: float) -> Network:
    def layer(name: str, size: int) -> Population:
        zero, one = np.zeros(size), np.ones(size)
        return Population(
            name, "CubaLIF", (size,), TAU_MEM * one, TAU_SYN * one, one, one, zero, one, zero, zero, zero, zero
        )

    weight = PEAK * 4 * TAU_SYN / dt  # the double exponential of 10 and 5 ms peaks at a quarter
    return Network(
        name="neurons",
        dt=dt,
        inputs=(InputPort("pre_spikes", (PRE,)), InputPort("post_spikes", (POST,))),
        populations=(layer("pre", PRE), layer("post", POST)),
        connections=(
            Connection("pre_in", "pre_spikes", "pre", weight * np.eye(PRE)),
            Connection("post_in", "post_spikes", "post", weight * np.eye(POST)),
        ),
        outputs=(("pre", "pre"), ("post", "post")),
    )
