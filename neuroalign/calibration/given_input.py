"""The input that a search runs on: a file of its own, or spikes drawn from stated rates, never the input under test."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from neuroalign.encoding import Encoding, bernoulli_signal, encode
from neuroalign.errors import InputError
from neuroalign.export.stimulus_file import read_stimulus
from neuroalign.network import Network
from neuroalign.recording import Stimulus

SAMPLES = 32
"""Samples drawn where rates are given."""
APART = 7_919
"""Added to the seed, so that a drawn calibration input is never the drawn test signal."""


def calibration_input(
    network: Network,
    given: str | Path | float | Stimulus,
    tested: Stimulus,
    *,
    encoding: Encoding | None = None,
    scale: float = 1.0,
    seed: int = 0,
) -> Stimulus:
    """Calibration input for a network.

    Parameters
    ----------
    given
        A Stimulus or a file of one, or the probability of a spike per channel and step; then samples are drawn that are as
        long as those of ``tested``.
    tested
        The input that the figures come from.
    encoding, scale
        As for the input under test.

    Raises
    ------
    InputError
        If the input cannot be read, has numbers that are no spikes, or shares a sample with ``tested``.
    """
    if isinstance(given, float | int):
        if not 0 < given <= 1:
            raise InputError(
                f"--calibrate is {given:g}; a spike probability per channel and step, above 0 and up to 1, or a file is needed"
            )
        return bernoulli_signal(
            network.inputs, samples=SAMPLES, steps=tested.steps, rate=float(given), seed=seed + APART
        )
    if not isinstance(given, Stimulus):
        given = read_stimulus(Path(given), network.inputs, network.dt, scale=scale)
    encoded = encode(given, encoding, seed=seed + APART, steps=tested.steps if given.steps == 1 else None)
    if encoded.graded:
        raise InputError("the search takes spikes; input that enters as numbers is quantised by its scale alone")
    shared = set(_samples(encoded.stimulus)) & set(_samples(tested))
    if shared:
        raise InputError(
            f"calibration input: {len(shared)} of its samples are in the input under test too, whose figures would then be "
            "too good; give other samples"
        )
    return encoded.stimulus


def _samples(stimulus: Stimulus) -> list[bytes]:
    """A digest of each sample that has any spike."""
    names = sorted(stimulus.inputs)
    return [
        hashlib.sha256(b"".join(np.packbits(stimulus.inputs[n][k] != 0).tobytes() for n in names)).digest()
        for k in range(stimulus.samples)
        if any(stimulus.inputs[n][k].any() for n in names)
    ]
