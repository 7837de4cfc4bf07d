"""Single runs of networks that learn with feedback from anywhere."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from neuroalign.datasets.images import Images, validation_of
from neuroalign.datasets.named import load_images
from neuroalign.feedback.chip_phases import chip_method_named
from neuroalign.feedback.local_learning import LocalSettings, learn_locally
from neuroalign.feedback.protocols import protocol_for
from neuroalign.feedback.training import Trained, train
from neuroalign.reproduce.task import Result

PERCENT = 100.0
FIRST_TUNING_SEED = 100
"""Seeds up to here are those of the comparison."""


def trained(
    seed: int,
    method: str,
    data: str = "digits",
    *,
    rate: float | None = None,
    epochs: int | None = None,
    images: int | None = None,
    chip: bool = False,
    backend: str = "emulator",
) -> Result:
    """One network, judged on the test split; it has one form, so ``backend`` is not used.

    Parameters
    ----------
    chip
        Whether the 8-bit Program on the emulator aligns the feedback.
    images
        Only so many training images, for quick runs.
    """
    return measured(train_named(seed, method, data, rate=rate, epochs=epochs, images=images, chip=chip))


def tuned(
    seed: int, method: str, data: str, rate: float, *, epochs: int | None = None, backend: str = "emulator"
) -> Result:
    """One network trained at ``rate``, judged on the validation split; its seed is ``seed`` above those of the comparison."""
    protocol = protocol_for(data)
    length = protocol.tuning_epochs if epochs is None else epochs
    result = train_named(
        FIRST_TUNING_SEED + seed, method, data, rate=rate, epochs=length, images=protocol.tuning_images, tuning=True
    )
    return {"figures": {"validation accuracy, %": PERCENT * result.accuracy[-1]}, "curves": {}}


def local(
    seed: int, *, deep: bool = True, epochs: int | None = None, images: int | None = None, backend: str = "emulator"
) -> Result:
    """The digits learnt wholly on chip; ``deep``: hidden weights learn too; ``epochs`` and ``images`` for quick runs."""
    data = load_images("digits")
    if images is not None:
        data = replace(data, train=data.train[:images], train_labels=data.train_labels[:images])
    settings = LocalSettings(deep=deep)
    begun = time.perf_counter()
    found = learn_locally(data, settings if epochs is None else replace(settings, epochs=epochs), seed)
    figures = {
        "accuracy, %": PERCENT * found.accuracy[-1],
        "time, s": time.perf_counter() - begun,
    }
    curve = [list(range(1, len(found.accuracy) + 1)), [PERCENT * a for a in found.accuracy]]
    return {"figures": figures, "curves": {"accuracy, %": curve}}


@lru_cache(maxsize=1)
def _images(data: str) -> Images:
    """Read once for all runs of a data set; nobody writes into them."""
    return load_images(data)


def measured(result: Trained) -> Result:
    """Figures and curves of a trained network; angles are means over layers and epochs, and over epochs by layer."""
    weights, errors = np.array(result.weight_angles), np.array(result.error_angles)
    figures: dict[str, Any] = {
        "accuracy, %": PERCENT * result.accuracy[-1],
        "error angle, degrees": float(errors.mean()),
        "weight angle, degrees": float(weights.mean()),
    }
    epochs = list(range(1, len(result.accuracy) + 1))
    curves: dict[str, Any] = {"accuracy, %": [epochs, [PERCENT * a for a in result.accuracy]]}
    for layer in range(errors.shape[1]):
        figures[f"error angle, layer {layer + 1}"] = float(errors[:, layer].mean())
        figures[f"weight angle, layer {layer + 1}"] = float(weights[:, layer].mean())
        curves[f"error angle, layer {layer + 1}"] = [epochs, errors[:, layer].tolist()]
        curves[f"weight angle, layer {layer + 1}"] = [epochs, weights[:, layer].tolist()]
    figures["time, s"] = result.seconds
    figures["of it in phases, s"] = result.phase_seconds
    return {"figures": figures, "curves": curves}


def train_named(
    seed: int,
    method: str,
    data: str,
    *,
    rate: float | None = None,
    epochs: int | None = None,
    images: int | None = None,
    chip: bool = False,
    tuning: bool = False,
) -> Trained:
    """Train by names; ``tuning`` judges on the validation split, the others are as in :func:`trained`."""
    found = _images(data)
    if tuning:
        found = validation_of(found)
    if images is not None:
        found = replace(found, train=found.train[:images], train_labels=found.train_labels[:images])
    protocol = protocol_for(data)
    settings = protocol.settings(method, rate)
    source = chip_method_named(method) if chip else protocol.method(method)
    return train(found, source, settings if epochs is None else replace(settings, epochs=epochs), seed)
