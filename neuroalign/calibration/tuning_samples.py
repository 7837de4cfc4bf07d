"""Samples to fine-tune on, from a stimulus as users give it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroalign.calibration.layers import float_given
from neuroalign.encoding import encode
from neuroalign.errors import InputError
from neuroalign.network import Network
from neuroalign.recording import Stimulus
from neuroalign.sim.norse_reference.training.fine_tuning import HELD_OUT, Samples

CHUNK = 200
"""Samples that the float model runs at a time."""
SEARCHED = 64
"""Samples that a search before fine-tuning sees."""


def tuning_samples(
    network: Network, stimulus: Stimulus, *, bernoulli: bool = False, steps: int | None = None, seed: int = 0
) -> Samples:
    """Samples with the stimulus's labels, or with what the float model gives where it has none.

    Parameters
    ----------
    bernoulli
        The values are probabilities, from which spikes are drawn: anew in every epoch where there are labels.
    steps
        As deploy's: cuts the stimulus, or holds one of a single step.

    Raises
    ------
    InputError
        If values are neither 0/1 nor, with ``bernoulli``, probabilities, or labels are no classes of the output.
    """
    labels = stimulus.labels
    if bernoulli:
        encode(
            Stimulus({n: a[:, :1] for n, a in stimulus.inputs.items()}), "bernoulli"
        )  # refuses what is no probability
        held = {n: _held(a, steps) for n, a in stimulus.inputs.items()}

        def draw(rows: NDArray[np.int64], epoch: int) -> dict[str, NDArray[Any]]:
            key = [seed, epoch if labels is not None else 0, int(rows[0]), len(rows)]
            generator = np.random.default_rng(key)
            return {
                n: (generator.random((len(rows), *a.shape[1:])) < a[rows]).astype(np.uint8) for n, a in held.items()
            }

        if labels is None:  # what the float model gives belongs to the very spikes
            fixed = draw(np.arange(stimulus.samples), 0)
            return _alike(network, fixed, stimulus.samples)
        return Samples(stimulus.samples, draw, _classes(network, labels))
    spikes = encode(stimulus, None, steps=steps).stimulus
    if labels is None:
        return _alike(network, spikes.inputs, stimulus.samples)
    return Samples(stimulus.samples, _rows_of(spikes.inputs), _classes(network, labels))


def to_search(samples: Samples) -> Stimulus:
    """Some of the samples that are trained on, for a search before it."""
    rows = np.array([k for k in range(samples.count) if k % min(HELD_OUT, samples.count)][:SEARCHED], dtype=np.int64)
    return Stimulus(dict(samples.draw(rows, 0)), None, f"{len(rows)} of the samples to fine-tune on")


def _held(array: NDArray[Any], steps: int | None) -> NDArray[Any]:
    if steps is None or array.shape[1] > 1:
        return array[:, :steps]
    return np.repeat(array, steps, axis=1)


def _rows_of(inputs: Mapping[str, NDArray[Any]]) -> Any:
    return lambda rows, epoch: {name: a[rows] for name, a in inputs.items()}


def _alike(network: Network, inputs: Mapping[str, NDArray[Any]], count: int) -> Samples:
    """Towards the float model's outputs on these spikes."""
    parts: dict[str, list[NDArray[np.float64]]] = {target: [] for _, target in network.outputs}
    for start in range(0, count, CHUNK):
        found = float_given(network, Stimulus({n: a[start : start + CHUNK] for n, a in inputs.items()}))
        for name, kept in parts.items():
            given = found[name].astype(np.float64)
            kept.append(given.sum(axis=1) if network.population(name).spiking else given.mean(axis=1))
    if not parts:
        raise InputError(f"network {network.name!r} has no output to fine-tune towards; name one in the file")
    return Samples(count, _rows_of(inputs), None, {name: np.concatenate(kept) for name, kept in parts.items()})


def _classes(network: Network, labels: NDArray[np.int64]) -> NDArray[np.int64]:
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
    return labels
