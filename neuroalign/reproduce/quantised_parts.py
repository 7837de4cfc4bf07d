"""What 8 bits cost a trained spiking classifier: plain, searched, fine-tuned."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from neuroalign.errors import InputError
from neuroalign.reproduce.paired import bootstrap_interval
from neuroalign.reproduce.part import Case, Part, Values
from neuroalign.reproduce.quantised_tasks import DROP, stored_right
from neuroalign.reproduce.table import Bar, Check

BARS = {"searched": 0.5, "fine-tuned": 0.2}
"""Points of accuracy that may be lost."""
SEEDS = 3
FEW = 4
LABELS = {
    "float": "float model",
    "plain": "8 bits, plain",
    "searched": "8 bits, searched",
    "fine-tuned": "8 bits, fine-tuned",
}
QUICK = {"epochs": 1, "images": 600, "tested": 200, "hidden": 32, "steps": 10, "tuning_epochs": 1, "tuning_images": 200}


def quantised_parts(data: str = "fashion-mnist", folder: Path = Path("neuroalign-reproduce")) -> tuple[Part, ...]:
    """The parts for a data set; what they train is kept in ``folder``."""
    place = str(folder / "networks")
    cases = tuple(
        Case(
            label,
            "quantised_tasks:judged",
            {"stage": stage, "data": data, "folder": place},
            QUICK | {"folder": place + "-quick"},
            (Bar(DROP, "<=", BARS[stage], known="goal"),) if stage in BARS else (),
        )
        for stage, label in LABELS.items()
    )
    part = Part(
        "accuracy",
        f"{data}: pixels -> 256 CubaLIF -> LI, 20 steps of Bernoulli spikes, trained in Norse, on loihi2 by the emulator",
        "network, training and bars are our own",
        cases,
        SEEDS,
        checks=lambda values: _checks(values, Path(place)),
        quick_note="32 neurons, 10 steps, 600 training and 200 test images",
        notes=(
            "Searched and fine-tuned, towards what the float model gives, on training images only. Drops are paired: the same images as the same spikes, "
            "10 000 bootstrap samples of the images.",
        ),
    )
    return (part, _few_bits(data, place))


def _few_bits(data: str, place: str) -> Part:
    """The same networks with weights of half the bits: what searching and fine-tuning are for."""
    cases = tuple(
        Case(
            label.replace("8", str(FEW)),
            "quantised_tasks:judged",
            {"stage": stage, "data": data, "folder": place, "bits": FEW},
            QUICK | {"folder": place + "-quick"},
        )
        for stage, label in LABELS.items()
        if stage != "float"
    )
    title = f"{data}: the networks of the part accuracy, {FEW} bits a weight"
    note = "32 neurons, 10 steps, 600 training and 200 test images"
    return Part("few-bits", title, "network and training are our own; no bar", cases, SEEDS, quick_note=note)


def _checks(values: Values, folder: Path) -> tuple[Check, ...]:
    """Drops over all seeds together; the whole interval has to lie below the bar."""
    seeds = range(1, 1 + len(values[LABELS["float"]]["accuracy, %"]))
    found = []
    for stage in ("plain", *BARS):
        first, second = (np.stack([_stored(folder, k, which) for k in seeds]) for which in ("float", stage))
        mean, low, high = bootstrap_interval(first, second)
        told = f"{100 * mean:.2f} points, 95 % interval {100 * low:.2f} to {100 * high:.2f}"
        if stage in BARS:
            found.append(Check(f"{LABELS[stage]} loses at most {BARS[stage]} points", 100 * high <= BARS[stage], told))
        else:
            found.append(Check(f"{LABELS[stage]}: for comparison", True, told))
    return tuple(found)


def _stored(folder: Path, seed: int, stage: str) -> NDArray[np.bool_]:
    right = stored_right(folder, seed, stage)
    if right is None:
        raise InputError(
            f"{folder}: what seed {seed} judged is missing ({stage}); give another --out, or delete its results"
        )
    return right
