"""The demonstration: a network trained by this project and the test split it never saw, as package data.

``digits.nir`` classifies scikit-learn's handwritten digits (UCI "Optical Recognition of Handwritten Digits", E. Alpaydin
and C. Kaynak, 1998, CC BY 4.0); ``digits_test.npz`` holds its test split, every fifth image by index, as spikes. Both
are made by ``python -m neuroalign.sim.norse_reference.training.digits --out DIR``, which documents the network, the
encoding and the training. Reading them needs neither torch nor scikit-learn.

The class that the network chooses is the argmax over its outputs of the sum over the steps of the membrane ``v`` of
population ``readout``.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import numpy as np

from neuroalign.recording import Stimulus

INPUT = "input"
"""The input of the network that the stimulus drives."""
READOUT = "readout"
"""The population whose summed membrane decides the class."""
DT = 1e-3
"""Time step of model and stimulus, in seconds."""


def load_demo() -> tuple[Path, Stimulus]:
    """The trained network's file and its test split.

    Returns
    -------
    tuple[Path, Stimulus]
        The path of ``digits.nir``; 360 samples of 40 steps of 64 channels, 0/1, with their labels.
    """
    folder = Path(str(resources.files(__name__)))
    with np.load(folder / "digits_test.npz", allow_pickle=False) as file:
        channels = int(file["channels"])
        spikes = np.unpackbits(file["spikes"], axis=2, count=channels)
        labels = file["labels"].astype(np.int64)
        seed = int(file["seed"])
    description = (
        f"test split of scikit-learn's handwritten digits: every fifth image by index, {len(labels)} images, "
        f"Bernoulli spikes drawn once with seed {seed}"
    )
    return folder / "digits.nir", Stimulus({INPUT: spikes}, labels, description)
