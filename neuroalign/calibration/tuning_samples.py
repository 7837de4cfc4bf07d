"""Samples to fine-tune on, from a stimulus as users give it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from neuroalign.calibration.layers import float_given
from neuroalign.encoding import encode
from neuroalign.errors import InputError
from neuroalign.network import Network
from neuroalign.recording import Stimulus
from neuroalign.sim.norse_reference.training.fine_tuning import HELD_OUT, Draw, Samples

FloatArray = NDArray[np.float64]
SEARCHED = 64
"""Samples that a search before fine-tuning sees."""


def tuning_samples(
    network: Network,
    stimulus: Stimulus,
    *,
    towards: Literal["labels", "float"] | None = None,
    bernoulli: bool = False,
    steps: int | None = None,
    seed: int = 0,
) -> Samples:
    """Samples of a stimulus, with what to train towards.

    Parameters
    ----------
    towards
        The stimulus's labels, or what the float model gives on the same spikes; None: labels where there are some.
    bernoulli
        The values are probabilities, from which spikes are drawn anew in every epoch.
    steps
        As deploy's: cuts the stimulus, or holds one of a single step.

    Raises
    ------
    InputError
        If values are neither 0/1 nor, with ``bernoulli``, probabilities, or labels are missing or no classes of the output.
    """
    labels = stimulus.labels
    if towards == "labels" and labels is None:
        raise InputError(
            f"{stimulus.description or 'the data'} have no labels to train towards; add them, or say --towards float"
        )
    if labels is not None:
        _check_classes(network, labels)
    if bernoulli:
        encode(
            Stimulus({n: a[:, :1] for n, a in stimulus.inputs.items()}), "bernoulli"
        )  # refuses what is no probability
        draw = _drawn({n: _held(a, steps) for n, a in stimulus.inputs.items()}, seed)
    else:
        draw = _rows_of(encode(stimulus, None, steps=steps).stimulus.inputs)
    by_model = towards == "float" or labels is None
    return Samples(stimulus.samples, draw, labels, as_the_model(network) if by_model else None)


def as_the_model(network: Network) -> Callable[[NDArray[np.int64], Mapping[str, NDArray[Any]]], dict[str, FloatArray]]:
    """What the outputs of the float model give on some input: spikes of a neuron in a sample, or mean v."""
    names = [target for _, target in network.outputs]
    if not names:
        raise InputError(f"network {network.name!r} has no output to fine-tune towards; name one in the file")

    def wanted(rows: NDArray[np.int64], given: Mapping[str, NDArray[Any]]) -> dict[str, FloatArray]:
        found = float_given(network, Stimulus(given))
        return {
            name: found[name].sum(axis=1).astype(np.float64)
            if network.population(name).spiking
            else found[name].mean(axis=1)
            for name in names
        }

    return wanted


def to_search(samples: Samples) -> Stimulus:
    """Some of the samples that are trained on, for a search before it."""
    rows = np.array([k for k in range(samples.count) if k % min(HELD_OUT, samples.count)][:SEARCHED], dtype=np.int64)
    return Stimulus(dict(samples.draw(rows, 0)), None, f"{len(rows)} of the samples to fine-tune on")


def _held(array: NDArray[Any], steps: int | None) -> NDArray[Any]:
    if steps is None or array.shape[1] > 1:
        return array[:, :steps]
    return np.repeat(array, steps, axis=1)


def _rows_of(inputs: Mapping[str, NDArray[Any]]) -> Draw:
    return lambda rows, epoch: {name: a[rows] for name, a in inputs.items()}


def _drawn(values: Mapping[str, NDArray[Any]], seed: int) -> Draw:
    def draw(rows: NDArray[np.int64], epoch: int) -> dict[str, NDArray[Any]]:
        generator = np.random.default_rng([seed, epoch, int(rows[0]), len(rows)])
        return {n: (generator.random((len(rows), *a.shape[1:])) < a[rows]).astype(np.uint8) for n, a in values.items()}

    return draw


def _check_classes(network: Network, labels: NDArray[np.int64]) -> None:
    if not network.outputs:
        raise InputError(f"network {network.name!r} has no output that could give a class; name one in the file")
    size, name = max((network.population(target).size, target) for _, target in network.outputs)
    beyond = (labels < 0) | (labels >= size)
    if beyond.any():
        first = int(beyond.argmax())
        raise InputError(
            f"the label of sample {first} is {labels[first]}, but output {name!r} has the classes 0 to {size - 1}; number the "
            "labels so, or leave them out"
        )
