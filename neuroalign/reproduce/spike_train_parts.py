"""Banerjee's spike-train rule (2016): exact on witness networks, and in the local form that a chip can hold."""

from __future__ import annotations

from statistics import fmean
from typing import Any

from neuroalign.reproduce.part import Case, Part, Values
from neuroalign.reproduce.table import Check

SOURCE = "design of Banerjee 2016, Neural Computation 28(5); constants and sizes are our own, none is claimed to be the paper's"
TASKS = "spike_train_tasks:"
ENOUGH_SEEDS = 10
TRAIN_FALL, WEIGHT_FALL = "spike-train error falls, times", "weight error falls, times"
LAST = "distance, last shows"
TWO_LAYERS: dict[str, Any] = {
    "sizes": [8, 4, 6], "inhibitory": [2, 0], "weights": [[1.5, 4.0], [1.5, 4.0]], "thresholds": [1.5, 1.5],
    "rate": 35.0, "window": 200.0, "first": 20.0, "every": 5.0, "windows": 2000, "rate_of_learning": 0.05, "final": 0.1,
    "steps": "normalised",
}  # fmt: skip
MIXED: dict[str, Any] = {**TWO_LAYERS, "sizes": [8, 5, 6], "inhibitory": [2, 1], "inhibition": 0.4}


def _share(values: Values, case: str, figure: str, least: float, needed: int) -> Check:
    """Whether a figure is reached on enough of ten seeds."""
    found = values[case][figure]
    reached = sum(value >= least for value in found)
    share = reached / len(found)
    return Check(
        f"{case}: {figure} by {least:g} or more on {needed} of 10 seeds",
        share >= needed / 10 if len(found) >= ENOUGH_SEEDS else None,
        f"{reached} of {len(found)} seeds",
    )


def _better(values: Values, case: str, other: str) -> Check:
    """Whether a case ends nearer to the target than another, seed by seed."""
    pairs = list(zip(values[case][LAST], values[other][LAST], strict=True))
    won = sum(a < b for a, b in pairs)
    return Check(
        f"{case} ends nearer to the target than {other}, on 8 of 10 seeds",
        won >= 0.8 * len(pairs) if len(pairs) >= ENOUGH_SEEDS else None,
        f"{won} of {len(pairs)} seeds; {fmean(a for a, _ in pairs):.2f} against {fmean(b for _, b in pairs):.2f}",
    )


def _local(label: str, form: str, **arguments: Any) -> Case:
    return Case(label, TASKS + "local", {"form": form, "shows": 100, **arguments}, {"shows": 5})


def _hidden(form: str, feedback: str) -> Case:
    return Case(
        f"{form}, {feedback}", TASKS + "hidden", {"form": form, "shows": 60, "feedback": feedback}, {"shows": 3}
    )


SPIKE_TRAIN: tuple[Part, ...] = (
    Part(
        "neuron",
        "One neuron, exact rule: from the witness' weights times U(0.8, 1.2) back to them, fresh inputs",
        SOURCE,
        (Case("exact", TASKS + "witness", {"windows": 1000}, {"windows": 20}),),
        seeds=10,
        checks=lambda values: (_share(values, "exact", WEIGHT_FALL, 5, 8),),
        x_label="windows",
    ),
    Part(
        "lost",
        "One neuron, exact spike times: what the local form's gradient lacks, one thing at a time",
        SOURCE,
        tuple(
            Case(lost, TASKS + "witness", {"windows": 1000, "lost": lost}, {"windows": 5})
            for lost in ("no slope", "no chain", "one time scale", "all three")
        ),
        seeds=5,
        x_label="windows",
        notes=("Nothing lost is part neuron.",),
    ),
    Part(
        "network",
        "Two layers, exact derivatives and normalised steps, fresh inputs: hidden neurons that excite, and with one that inhibits",
        SOURCE,
        (
            Case("all excite", TASKS + "witness", TWO_LAYERS, {"windows": 5}),
            Case("one of five inhibits", TASKS + "witness", MIXED, {"windows": 5}),
        ),
        seeds=10,
        checks=lambda values: tuple(_share(values, case, TRAIN_FALL, 5, 7) for case in values),
        x_label="windows",
        notes=(
            "Every output spike within 3 ms of a desired one asks for the smallest change of all weights that would move it "
            "there; the witness' weights of the hidden neuron that inhibits are 0.4 times the others'.",
        ),
    ),
    Part(
        "local",
        "Five desired spikes for a frozen pattern, local form; what it loses against the exact rule",
        SOURCE + "; the local form is our own",
        (
            _local("float", "float"),
            _local("chip", "chip"),
            _local("float, spike term alone", "float", rule={"error_gain": 0.0}),
            _local("float, error term alone", "float", rule={"spike_gain": 0.0}),
            _local("float, no slope", "float", rule={"graded_slope": False}),
            _local("float, no teacher", "float", teacher="none"),
            _local("chip, no teacher", "chip", teacher="none"),
            _local("chip, another teacher at every show", "chip", teacher="other"),
        ),
        seeds=10,
        checks=lambda values: (
            _share(values, "float", "fall", 0.5, 8),
            _share(values, "chip", "fall", 0.5, 8),
            _better(values, "float", "float, no teacher"),
            _better(values, "chip", "chip, no teacher"),
            _better(values, "chip", "chip, another teacher at every show"),
        ),
        x_label="shows",
    ),
    Part(
        "hidden",
        "Hidden neurons under the local form: feedback learnt by SAL, the transpose, fixed at random, none",
        SOURCE + "; the local form is our own; SAL of Gierlich et al. 2025",
        tuple(_hidden(form, feedback) for form in ("float", "chip") for feedback in ("sal", "transpose", "random", "none")),
        seeds=10,
        checks=lambda values: (
            _better(values, "float, sal", "float, random"),
            _better(values, "chip, sal", "chip, random"),
            *(
                Check(
                    f"{form}: SAL's feedback ends within 1.5 times the transpose's distance",
                    fmean(values[f"{form}, sal"][LAST]) <= 1.5 * fmean(values[f"{form}, transpose"][LAST]),
                    f"{fmean(values[f'{form}, sal'][LAST]):.2f} against {fmean(values[f'{form}, transpose'][LAST]):.2f}",
                )
                for form in ("float", "chip")
            ),
        ),
        x_label="shows",
        notes=("Output weights are fixed: a network cannot come to fit a random feedback.",),
    ),
)  # fmt: skip
