"""What enters the network, from whatever was given; refused where it does not fit what is asked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from numpy.typing import ArrayLike

from neuroalign.encoding import bernoulli_signal, stimulus_of
from neuroalign.errors import InputError
from neuroalign.export.stimulus_file import check_scale, read_stimulus
from neuroalign.network import Network
from neuroalign.recording import Stimulus
from neuroalign.sim.emulator.memory import available_bytes


def stimulus_from(
    given: Stimulus | str | Path | ArrayLike | Mapping[str, ArrayLike] | None,
    network: Network,
    scale: float,
    steps: int | None,
    rate: float | None,
    seed: int,
) -> Stimulus:
    """What enters the network, from whatever was given."""
    if given is None:
        steps = 1000 if steps is None else steps
        _check_room(network, steps)
        return bernoulli_signal(network.inputs, steps=steps, rate=0.05 if rate is None else rate, seed=seed)
    if isinstance(given, Stimulus):
        return given
    if isinstance(given, str | Path):
        return read_stimulus(Path(given), network.inputs, network.dt, scale=scale)
    return stimulus_of(given, network.inputs)


def _check_room(network: Network, steps: int) -> None:
    """Refuse a test signal that memory cannot hold, with the copies that are made while it is checked."""
    need, free = 4 * steps * sum(port.size for port in network.inputs), available_bytes()
    if free is not None and need > free:
        raise InputError(
            f"a test signal of {steps} steps needs {need / 1e9:.2f} GB, but {free / 1e9:.2f} GB of memory are available; "
            "give fewer --steps"
        )


def check_input_options(stimulus: object, scale: float, rate: float | None) -> None:
    """Refuse what would be left unused without a word."""
    check_scale(scale)
    if rate is not None and stimulus is not None:
        raise InputError(f"--rate is {rate:g}, but it belongs to the test signal; leave out --rate or --input")
    if scale != 1 and not isinstance(stimulus, str | Path):
        raise InputError(f"--input-scale is {scale:g}, but there is no input file to divide; give one with --input")


def check_labels(network: Network, stimulus: Stimulus) -> None:
    """Refuse labels that are no class of the output with the most neurons (one neuron chooses nothing)."""
    if stimulus.labels is None or not network.outputs:
        return
    classes, name = max((network.population(target).size, output) for output, target in network.outputs)
    beyond = (stimulus.labels < 0) | (stimulus.labels >= classes)
    if classes > 1 and beyond.any():
        first = int(beyond.argmax())
        raise InputError(
            f"{stimulus.description or 'stimulus'}: the label of sample {first} is {stimulus.labels[first]}, but output {name!r} "
            f"has the classes 0 to {classes - 1}; number the labels so, or leave them out"
        )
