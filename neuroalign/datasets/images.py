"""Images with labels, in a training and a test split."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neuroalign.errors import InputError

Pixels = NDArray[np.float32]
Labels = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Images:
    """A data set.

    Parameters
    ----------
    name
        As given to ``--data``.
    train, test : (images, pixels)
        0 to 1.
    train_labels, test_labels : (images,)
        0 to ``classes - 1``.

    Raises
    ------
    InputError
        If images and labels do not fit each other.
    """

    name: str
    train: Pixels
    train_labels: Labels
    test: Pixels
    test_labels: Labels
    classes: int = 10

    def __post_init__(self) -> None:
        for split, images, labels in (("train", self.train, self.train_labels), ("test", self.test, self.test_labels)):
            check_split(f"{self.name}, {split} split", images, labels, self.classes)
        if self.train.shape[1] != self.test.shape[1]:
            raise InputError(
                f"{self.name}: training images have {self.train.shape[1]} pixels, test images {self.test.shape[1]}; "
                "take both from one data set"
            )

    @property
    def pixels(self) -> int:
        """Of one image."""
        return int(self.train.shape[1])


def check_split(what: str, images: Pixels, labels: Labels, classes: int) -> None:
    """Refuse images without a label each, and labels that are no class (InputError)."""
    if len(images) == 0:
        raise InputError(f"{what}: no image; take the complete files")
    if len(images) != len(labels):
        raise InputError(f"{what}: {len(images)} images but {len(labels)} labels; take files that belong together")
    if labels.min() < 0 or labels.max() >= classes:
        bad = int(np.flatnonzero((labels < 0) | (labels >= classes))[0])
        raise InputError(f"{what}: label {bad} is {labels[bad]}; labels are 0 to {classes - 1}")


def validation_of(data: Images, every: int = 5) -> Images:
    """The training split alone, every fifth image of it as test: what rates are tuned on, without the test split."""
    held = np.arange(len(data.train)) % every == 1
    return Images(
        f"{data.name}, validation",
        data.train[~held],
        data.train_labels[~held],
        data.train[held],
        data.train_labels[held],
        data.classes,
    )
