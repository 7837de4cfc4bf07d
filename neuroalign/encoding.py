"""Turning what a user has into what a network takes: spikes drawn from values, values kept as numbers, or a test signal."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuroalign.errors import InputError
from neuroalign.network import InputPort
from neuroalign.recording import TEST_SIGNAL, Stimulus, as_array

Encoding = Literal["bernoulli", "current"]
STRETCH = 1 << 20
"""Draws of a test signal that lie in memory at a time."""


@dataclass(frozen=True, eq=False)
class Encoded:
    """A stimulus ready to quantise; ``graded`` maps inputs that send numbers to their largest magnitude."""

    stimulus: Stimulus
    graded: Mapping[str, float] = field(default_factory=dict)
    note: str = ""


def encode(stimulus: Stimulus, how: Encoding | None, *, seed: int = 0, steps: int | None = None) -> Encoded:
    """Encode a stimulus.

    ``None`` passes 0/1 arrays through; "bernoulli" draws a spike with probability ``x`` in each step, values in [0, 1];
    "current" keeps the numbers, for graded spikes. Arrays of a single step are held for ``steps`` steps.

    Raises
    ------
    InputError
        If values are not finite, not 0/1 without an encoding, or outside [0, 1] for "bernoulli".
    """
    held = {name: _hold(array, steps) for name, array in stimulus.inputs.items()}
    for name, array in held.items():
        if not np.isfinite(array).all():
            raise InputError(f"input {name!r} holds NaN or infinite values; every value must be finite")
    if how is None:
        for name, array in held.items():
            if not ((array == 0) | (array == 1)).all():
                raise InputError(
                    f"input {name!r} holds values between {array.min():g} and {array.max():g}, not 0/1 spikes; "
                    "say how to encode them: --encode bernoulli (0 to 1 as spike probabilities"
                    f"{_divided(array)}) or --encode current (graded spikes)"
                )
        return Encoded(
            Stimulus({n: a.astype(np.uint8) for n, a in held.items()}, stimulus.labels, stimulus.description)
        )
    if how == "current":
        graded = {name: float(np.abs(a).max(initial=0.0)) for name, a in held.items()}
        arrays = {name: a.astype(np.float64) for name, a in held.items()}
        return Encoded(
            Stimulus(arrays, stimulus.labels, stimulus.description), graded, "values sent as numbers (graded spikes)"
        )
    return Encoded(_bernoulli(held, stimulus, seed), {}, f"spikes drawn from the values as probabilities, seed {seed}")


def _divided(array: NDArray[Any]) -> str:
    """How values above 1 become probabilities."""
    return f"; --input-scale {array.max():g} divides by the largest" if array.min() >= 0 and array.max() > 1 else ""


def _bernoulli(held: Mapping[str, NDArray[Any]], stimulus: Stimulus, seed: int) -> Stimulus:
    generator = np.random.default_rng(seed)
    spikes = {}
    for name, array in held.items():
        if array.min(initial=0.0) < 0 or array.max(initial=0.0) > 1:
            raise InputError(
                f"input {name!r} holds values between {array.min():g} and {array.max():g}; --encode bernoulli takes probabilities from 0 to 1; "
                f"divide by {np.abs(array).max():g}, with --input-scale {np.abs(array).max():g}"
            )
        spikes[name] = (generator.random(array.shape) < array).astype(np.uint8)
    return Stimulus(spikes, stimulus.labels, stimulus.description)


def stimulus_of(given: ArrayLike | Mapping[str, ArrayLike], inputs: tuple[InputPort, ...]) -> Stimulus:
    """Arrays or tensors as a stimulus: by name of the input, or one alone for the only input.

    Parameters
    ----------
    given
        Each (samples, steps, channels), or (steps, channels) of one sample.

    Raises
    ------
    InputError
        If there is not one array for each input, or an array does not fit its input.
    """
    if not isinstance(given, Mapping):
        if len(inputs) != 1:
            raise InputError(
                f"one array was given, but the network has {len(inputs)} inputs; give a dict with {', '.join(p.name for p in inputs)}"
            )
        given = {inputs[0].name: given}
    names = [p.name for p in inputs]
    if set(given) != set(names):
        raise InputError(
            f"arrays were given for {', '.join(map(str, given))}; the network's inputs are {', '.join(names)}"
        )
    arrays = {}
    for port in inputs:
        array = as_array(given[port.name])
        array = array[None] if array.ndim == 2 else array
        if array.ndim != 3 or array.shape[2] != port.size:
            raise InputError(
                f"the array for input {port.name!r} has shape {as_array(given[port.name]).shape}; (samples, steps, {port.size}) or "
                f"(steps, {port.size}) is needed"
            )
        arrays[port.name] = array
    return Stimulus(arrays, None, "arrays given by the caller")


def bernoulli_signal(
    inputs: tuple[InputPort, ...], *, samples: int = 1, steps: int = 1000, rate: float = 0.05, seed: int = 0
) -> Stimulus:
    """Independent Bernoulli spikes, probability ``rate`` per channel and step: what is used when no input is given."""
    if not 0 <= rate <= 1:
        raise InputError(f"--rate is {rate}; it is a probability per step, from 0 to 1")
    if steps < 1:
        raise InputError(f"--steps is {steps}; at least 1 is needed")
    generator = np.random.default_rng(seed)
    arrays = {p.name: _drawn(generator, (samples, steps, p.size), rate) for p in inputs}
    return Stimulus(
        arrays,
        None,
        f"{TEST_SIGNAL}: Bernoulli spikes, probability {rate:g} per channel and step, {steps} steps, seed {seed}",
    )


def _drawn(generator: np.random.Generator, shape: tuple[int, int, int], rate: float) -> NDArray[np.uint8]:
    """Spikes of one chance, drawn a stretch at a time: the draws themselves would take eight times their memory."""
    try:
        spikes = np.empty(math.prod(shape), dtype=np.uint8)
    except (MemoryError, ValueError, OverflowError) as error:  # what numpy raises depends on how much too large it is
        raise InputError(
            f"a test signal of {shape[1]} steps and {shape[2]} channels does not fit into memory; give fewer --steps"
        ) from error
    for start in range(0, spikes.size, STRETCH):
        part = spikes[start : start + STRETCH]
        part[:] = generator.random(part.size) < rate
    return spikes.reshape(shape)


def _hold(array: NDArray[Any], steps: int | None) -> NDArray[Any]:
    if steps is None or array.shape[1] == steps:
        return array
    if array.shape[1] == 1:
        return np.repeat(array, steps, axis=1)
    if array.shape[1] > steps:
        return array[:, :steps]
    raise InputError(f"the input has {array.shape[1]} steps, --steps asks for {steps}; give at most what the input has")
