"""The handwritten digits that ship with this package: 1797 images of 8 x 8 pixels.

UCI "Optical Recognition of Handwritten Digits" (E. Alpaydin and C. Kaynak, 1998, CC BY 4.0), the part that scikit-learn
packs as ``load_digits``, in its order; ``digits.npz`` holds ``pixels`` (1797, 64) in 0..16 and ``labels``, unsigned bytes.
Every fifth image by index (0, 5, 10, ...) is the test split, as everywhere in this project.
"""

from __future__ import annotations

from importlib import resources

import numpy as np

from neuroalign.datasets.images import Images

BRIGHTEST = 16
TEST_EVERY = 5


def load_digits() -> Images:
    """The digits, from package data; needs no scikit-learn."""
    with (
        resources.files("neuroalign.datasets").joinpath("digits.npz").open("rb") as stream,
        np.load(stream, allow_pickle=False) as file,
    ):
        pixels = file["pixels"].astype(np.float32) / np.float32(BRIGHTEST)
        labels = file["labels"].astype(np.int64)
    held = np.arange(len(labels)) % TEST_EVERY == 0
    return Images("digits", pixels[~held], labels[~held], pixels[held], labels[held])
