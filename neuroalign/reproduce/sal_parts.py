"""SAL's experiments (Gierlich et al. 2025)."""

from __future__ import annotations

from math import sqrt
from statistics import fmean, median, stdev
from typing import Any

from neuroalign.reproduce.part import Case, Part, Values
from neuroalign.reproduce.table import Bar, Check

SOURCE = "Gierlich et al. 2025, arXiv 2503.02642"
TASKS = "sal_tasks:"
ON_CHIP = "sal_chip_tasks:"
EARLY, LATE = 1_000_000, 3_000_000
MISMATCHES = (0.02, 0.05, 0.1, 0.3)
STUCK = 0.05
"""A loss above this is that of a student that learned nothing of the target's form."""


def _pair(label: str, bars: tuple[Bar, ...] = (), **arguments: Any) -> Case:
    return Case(label, TASKS + "pair", {"epochs": 1500, **arguments}, {"epochs": 100}, bars)


def _layer(label: str, bars: tuple[Bar, ...] = (), **arguments: Any) -> Case:
    given = {"steps": LATE, "report": [EARLY, LATE], **arguments}
    return Case(label, TASKS + "layer", given, {"steps": 100_000, "report": [100_000]}, bars)


def _pair_checks(values: Values) -> tuple[Check, ...]:
    found = []
    for case in ("chip, exact carry",):
        drift = values[case]["drift of the sum"]
        error = stdev(drift) / sqrt(len(drift))
        found.append(
            Check(
                f"{case}: mean drift of the sum below 2 standard errors",
                abs(fmean(drift)) < 2 * error if len(drift) >= 20 else None,
                f"{fmean(drift):.4f} +- {error:.4f}",
            )
        )
    carried, direct = (
        sqrt(fmean(x * x for x in values[case]["drift of the sum"])) for case in ("chip, exact carry", "chip, direct")
    )
    found.append(
        Check(
            "carry lowers the RMS drift at least 2 times", 2 * carried <= direct, f"{carried:.4f} against {direct:.4f}"
        )
    )
    return tuple(found)


def _layer_checks(values: Values) -> tuple[Check, ...]:
    control = values["float, signs turned round"]["angle, 3e+06 steps"]
    return (Check("signs turned round do not align", min(control) > 75, f"smallest angle {min(control):.1f} degrees"),)


def _sampling_checks(values: Values) -> tuple[Check, ...]:
    found = []
    for form, most in (("", 100), ("chip, ", 30)):
        without, aligned = values[f"{form}noise, without SAL"], values[f"{form}noise, with SAL"]
        ratios = [a / b for a, b in zip(aligned["Var(Wij - Wji)"], without["Var(Wij - Wji)"], strict=True)]
        better = [a <= b for a, b in zip(aligned["D_KL"], without["D_KL"], strict=True)]
        words = f"{form}asymmetry at most 1/{most} with SAL, every seed"
        found.append(Check(words, max(ratios) <= 1 / most, f"largest ratio {max(ratios):.5f}"))
        if not form:
            words = "D_KL no worse with SAL, every seed"
            found.append(Check(words, all(better), f"{sum(better)} of {len(better)} seeds"))
    return tuple(found)


def _lif_checks(values: Values) -> tuple[Check, ...]:
    control = values["float, signs turned round"]["angle, 1e+06 steps"]
    return (Check("signs turned round do not align", min(control) > 75, f"smallest angle {min(control):.1f} degrees"),)


def _microcircuit_checks(values: Values) -> tuple[Check, ...]:
    losses = {arm: values[arm]["loss"] for arm in ("SAL", "BP", "FA", "SAL, chip")}
    on_chip = median(losses["SAL, chip"]) / median(losses["BP"])
    ratio = median(losses["SAL"]) / median(losses["BP"])
    stuck = sum(loss > STUCK for loss in losses["FA"])
    enough = len(losses["FA"]) >= 10
    return (
        Check("median loss of SAL below 2 times BP's", ratio < 2, f"{ratio:.2f} times"),
        Check("median loss of SAL on chip below 4 times BP's", on_chip < 4, f"{on_chip:.2f} times"),
        Check(
            "FA is stuck on half the seeds or more", 2 * stuck >= len(losses["FA"]) if enough else None,
            f"{stuck} of {len(losses['FA'])} seeds above {STUCK:g}",
        ),
    )  # fmt: skip


def _mismatch_checks(values: Values) -> tuple[Check, ...]:
    plain, varied = (fmean(values[case]["angle"]) for case in ("none", "synaptic, 0.3"))
    return (
        Check(
            "30 % of synaptic mismatch costs less than 5 degrees", varied - plain < 5, f"{plain:.1f} to {varied:.1f}"
        ),
    )


SAL: tuple[Part, ...] = (
    Part(
        "pair",
        "Two sampling neurons whose weights meet, 1500 epochs of 1500 steps",
        SOURCE,
        (
            _pair(
                "float, both learn",
                (Bar("difference", "<=", 0.15, "largest"), Bar("drift of the sum", "<=", 1e-9, "largest")),
            ),
            _pair("float, one learns", both=False),
            _pair("chip, direct", form="direct"),
            _pair("chip, as chosen", form="auto"),
            _pair("chip, exact carry", form="exact"),
            _pair("chip, sgn carry", form="sgn"),
        ),
        seeds=20,
        checks=_pair_checks,
        x_label="epochs",
    ),
    Part(
        "layer",
        "50 x 50 sampling neurons, feedback in the loop, one rounding draw an epoch for all synapses",
        SOURCE + "; one network instead of eight replicas; carry is our own",
        (
            _layer("float, eta 0.08", (Bar("angle, 1e+06 steps", "<=", 16.0),), eta=0.08),
            _layer("float, eta 0.04", (Bar("angle, 3e+06 steps", "<=", 8.0),), eta=0.04),
            _layer("float, signs turned round", control=True),
            _layer("chip, direct", form="direct"),
            _layer("chip, as chosen, eta 0.08", form="auto"),
            _layer(
                "chip, exact carry, eta 0.08",
                (Bar("angle, 1e+06 steps", "<=", 15.0, known="must"),),
                form="exact",
                eta=0.08,
            ),
            _layer(
                "chip, exact carry, eta 0.04",
                (Bar("angle, 3e+06 steps", "<=", 12.0, known="must"),),
                form="exact",
                eta=0.04,
            ),
            _layer("chip, sgn carry, eta 0.08", form="sgn", eta=0.08),
        ),
        seeds=3,
        checks=_layer_checks,
        x_label="steps",
    ),
    Part(
        "sampling",
        "Seven neurons that learn a Boltzmann distribution from weights with asymmetric noise of 0.8",
        SOURCE + "; validation over 200 sleeps",
        (
            Case("no noise, without SAL", TASKS + "sampling", {"sigma": 0.0, "aligned": False}, {"cycles": 300}),
            Case("noise, without SAL", TASKS + "sampling", {"sigma": 0.8, "aligned": False}, {"cycles": 300}),
            Case("noise, with SAL", TASKS + "sampling", {"sigma": 0.8, "aligned": True}, {"cycles": 300}),
            *(
                Case(
                    f"chip, noise, {label} SAL",
                    ON_CHIP + "sampling",
                    {"sigma": 0.8, "aligned": aligned, "cycles": 1600},
                    {"cycles": 10},
                )
                for label, aligned in (("without", False), ("with", True))
            ),
        ),
        seeds=3,
        checks=_sampling_checks,
        notes=(
            "Chip: weights and biases of 8 bits with exact carry, wake phases run by a network that samples the target, exponential "
            "traces, 24.5 times the published rates over 1600 of the 20 000 cycles.",
        ),
    ),
    Part(
        "lif",
        "The 50 x 50 layer of noisy CUBA LIF neurons instead of sampling neurons, feedback in the loop, 1e6 steps",
        SOURCE + "; the neurons are our own",
        (
            _layer("sampling neurons, eta 0.08", steps=EARLY, report=[EARLY], eta=0.08),
            *(
                Case(
                    label,
                    ON_CHIP + "lif_layer",
                    {"steps": EARLY, "report": [EARLY], **arguments},
                    {"steps": 20_000, "report": [20_000]},
                )
                for label, arguments in (
                    ("float, eta 0.3", {"eta": 0.3}),
                    ("float, eta 0.15", {"eta": 0.15}),
                    ("float, weights act 5/3 as strongly", {"eta": 0.3, "gain": 1.0}),
                    ("float, signs turned round", {"eta": 0.3, "control": True}),
                    ("chip, exact carry, eta 0.3", {"eta": 0.3, "form": "exact"}),
                    ("chip, direct, eta 0.3", {"eta": 0.3, "form": "direct"}),
                )
            ),
        ),
        seeds=3,
        checks=_lif_checks,
        x_label="steps",
    ),
    Part(
        "plasticity-noise",
        "The same with noise of 0.05 on the amplitude of every synapse's plasticity; 20 000 of the authors' 150 000 cycles",
        SOURCE + "; shortened",
        tuple(
            Case(
                label,
                TASKS + "sampling",
                {"sigma": 0.05, "aligned": aligned, "noise": "plasticity", "cycles": 20_000},
                {"cycles": 300},
            )
            for label, aligned in (("without SAL", False), ("with SAL", True))
        ),
        seeds=3,
    ),
    Part(
        "torch-form",
        "The form in torch, which defines the rule, against the compiled one that runs the other rows; 1e5 steps of 1 ms",
        "our own",
        tuple(
            Case(
                kind,
                ON_CHIP + "torch_form",
                {"kind": kind, "steps": 100_000},
                {"steps": 2_000},
                (Bar("largest difference", "<=", 1e-9, "largest"),),
            )
            for kind in ("pair", "layer")
        ),
        seeds=1,
    ),
    Part(
        "psp",
        "Two neurons with alpha-shaped synapses: where their weights end, for equal and different biases",
        SOURCE,
        tuple(
            Case(
                f"{shape}, biases {'equal' if biases[0] == biases[1] else 'apart'}",
                TASKS + "psp",
                {"shape": shape, "epochs": 1500, "biases": list(biases)},
                {"epochs": 100},
            )
            for shape in ("rectangular", "alpha, short", "alpha, long")
            for biases in ((-0.5, -0.5), (-1.0, 1.0))
        ),
    ),
    Part(
        "dale",
        "Two excitatory neurons with inhibition beside: SAL makes effective weights equal",
        SOURCE,
        tuple(
            Case(
                f"{form}, W = {weight:g}",
                TASKS + "dale",
                {"weight": weight, "steps": 2_000_000, "form": form},
                {"steps": 100_000},
            )
            for form in ("float", "exact")
            for weight in (0.0, 0.5, 1.0, 1.5, 2.0)
        ),
        seeds=3,
        notes=("Form exact is the chip with 8-bit weights and exact carry.",),
    ),
    Part(
        "mismatch",
        "The 50 x 50 layer where every synapse's rate, or every neuron's trace time constant, differs; 1e6 steps, float",
        SOURCE + "; the sweep is our own",
        (
            Case("none", TASKS + "mismatched", {"steps": EARLY, "kind": "none", "sigma": 0.0}, {"steps": 50_000}),
            *(
                Case(
                    f"{kind}, {sigma:g}",
                    TASKS + "mismatched",
                    {"steps": EARLY, "kind": kind, "sigma": sigma},
                    {"steps": 50_000},
                )
                for kind in ("synaptic", "trace")
                for sigma in MISMATCHES
            ),
        ),
        seeds=3,
        checks=_mismatch_checks,
    ),
    Part(
        "microcircuit",
        "A cortical microcircuit whose feedback is aligned by SAL, copied (BP) or fixed (FA), 150 epochs",
        SOURCE,
        (
            *(Case(arm, TASKS + "microcircuit", {"arm": arm}, {"epochs": 8}) for arm in ("SAL", "BP", "FA")),
            Case("SAL, chip", ON_CHIP + "microcircuit", {}, {"epochs": 8}),
        ),
        seeds=10,
        checks=_microcircuit_checks,
        x_label="epochs",
        notes=(
            "Losses are of outputs without nudging.",
            "Chip: weights of 8 bits with exact carry, forward rules with a third factor of 7 bits.",
        ),
    ),
)
