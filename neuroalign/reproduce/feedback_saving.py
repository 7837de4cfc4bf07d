"""``--save-learned``: the network that one method learns, as a file that deploys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from neuroalign.datasets.named import load_images
from neuroalign.errors import InputError
from neuroalign.feedback.spiking import save_learned, spiking_accuracy
from neuroalign.reproduce.feedback_tasks import train_named

SEED = 1
TESTED_IMAGES, STEPS = 500, 200


@dataclass(frozen=True)
class Saved:
    """Test accuracy of the saved network as it was trained, and spiking on ``images`` of ``steps`` each."""

    accuracy: float
    spiking: float
    images: int
    steps: int


def check_saving(experiment: str, names: Sequence[str] | None, path: Path) -> None:
    """Refuse what cannot be saved before anything is run (InputError)."""
    if experiment != "feedback":
        raise InputError(f"--save-learned is for the experiment feedback; leave it out for {experiment!r}")
    if names is None or len(set(names)) != 1:
        raise InputError("--save-learned writes one network: give one method, as --methods stdwi")
    if path.suffix != ".nir":
        raise InputError(f"--save-learned {path}: a NIR file is written; call it {path.with_suffix('.nir').name}")


def save_trained(path: Path, method: str, data: str, *, quick: bool = False) -> Saved:
    """Train with seed 1 and write the network; ``quick``: one epoch on 320 images."""
    result = train_named(SEED, method, data, epochs=1 if quick else None, images=320 if quick else None)
    chip = save_learned(path, result.layers, result.back, method)
    images = load_images(data)
    few = slice(0, TESTED_IMAGES)
    found = spiking_accuracy(chip, images.test[few], images.test_labels[few], STEPS, SEED)
    return Saved(result.accuracy[-1], found, len(images.test[few]), STEPS)
