r"""What was learnt as a spiking network: for a file that deploys.

A neuron with ``x = tanh(a)`` becomes an integrate-and-fire neuron whose rate is ``(1 + a) / 2`` of the fastest one, near
``(1 + x) / 2``, down from which it stops at 0. With ``s`` the spikes of the layer below and k the steps between two spikes
of the fastest neuron, the input of a step is, threshold 1::

    first layer:   ( 1/2 + (W s + b) / 2 ) / k                      pixels spike with their brightness as chance
    others:        W s + ( 1/2 + (b - W 1) / 2 ) / k
    output:        v := v + 2 k W s + (b - W 1)                     a readout that never spikes

From layer to layer a spike takes a step, as on chip, so that both ends of a feedback connection are in time there.
The class is the output with the largest v at the end. Where a rule aligned the feedback, its connections are there too,
plastic under that rule and driving nothing, so that a chip goes on learning them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroalign.chip import ChipNetwork, first_difference
from neuroalign.compile import compile_network
from neuroalign.errors import NetworkError
from neuroalign.export.nir_graph import read_nir
from neuroalign.export.nir_graph.write import write_nir
from neuroalign.feedback.methods import Back
from neuroalign.feedback.network import Layers
from neuroalign.feedback.phases import SalPhase, StdwiPhase
from neuroalign.network import Connection, InputPort, Network, NeuronKind, Population
from neuroalign.profile import Profile, load_profile
from neuroalign.recording import Stimulus
from neuroalign.rule import LearningRule
from neuroalign.rules import stdwi
from neuroalign.rules.sal import sal
from neuroalign.sim.emulator import Emulator

FloatArray = NDArray[np.float64]
DT = 1e-3
ROUNDS = 5
STEPS_BETWEEN = 8
"""k."""
INPUT, READOUT = "pixels", "readout"
RULES: dict[str, Callable[[], LearningRule]] = {
    "stdwi": lambda: stdwi(learning_rate=StdwiPhase.rate, decay=StdwiPhase.decay),
    "sal": lambda: sal(SalPhase.eta, replicas=1),
}
"""Methods whose feedback connections a file can hold: those with a rule of two factors."""


def spiking_network(layers: Layers, back: Back, method: str, name: str = "learnt") -> Network:
    """The network of a trained one; feedback connections where ``method`` has a rule."""
    weights = [np.asarray(w, np.float64) for w in layers.weights]
    biases = [np.asarray(b, np.float64) for b in layers.biases]
    names = [INPUT, *(f"layer {k + 1}" for k in range(len(weights) - 1)), READOUT]
    k = STEPS_BETWEEN
    populations, connections = [], []
    for layer, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
        first, last = layer == 0, layer == len(weights) - 1
        given = bias if first else bias - weight.sum(axis=1)
        held = weight / (2 * k) if first else 2 * k * weight if last else weight
        drive = given if last else (1 + given) / (2 * k)
        populations.append(_neurons(names[layer + 1], drive, "I" if last else "IF"))
        source, target = names[layer], names[layer + 1]
        connections.append(Connection(f"{source} to {target}", source, target, held, delay_steps=0 if first else 1))
    return Network(
        name,
        DT,
        (InputPort(INPUT, (weights[0].shape[1],)),),
        tuple(populations),
        (*connections, *_feedback(names, back, method)),
        ((READOUT, READOUT),),
    )


def save_learned(path: Path, layers: Layers, back: Back, method: str, profile: str = "loihi2") -> ChipNetwork:
    """Write what was learnt: the graph of the integers, the whole ChipNetwork, rules, and the float weights.

    Float weights and biases are texts of hexadecimal floats in ``extra``, by name (``read_extra``), so that no bit is lost.

    Raises
    ------
    NeuroalignError
        If the network does not fit the profile, or the file cannot be written.
    """
    name = path.stem  # what a file's network is called when it is read
    chip, network = _settled(spiking_network(layers, back, method, name), load_profile(profile), name)
    write_nir(path, chip, network=network, extra=float_texts(layers, back, method))
    return chip


def _settled(network: Network, profile: Profile, name: str) -> tuple[ChipNetwork, Network]:
    """The network on chip, and a model of it that is read back as it is.

    The graph is the float meaning of the integers. Put on chip again it gives the same integers, but units may differ in
    their last bit; then what was read back is written instead.
    """
    chip, _ = compile_network(network, profile)
    with TemporaryDirectory() as folder:
        file = Path(folder) / f"{name}.nir"
        for _ in range(ROUNDS):
            again = read_nir(write_nir(file, chip, network=network)).network
            found, _ = compile_network(again, profile)
            if first_difference(chip, found) is None:
                return chip, network
            chip, network = found, again
    raise NetworkError(
        f"network {name!r}: what is read back from its file differs after {ROUNDS} rounds; this is a fault of ours, please report it"
    )


def float_texts(layers: Layers, back: Back, method: str) -> dict[str, str]:
    """The learnt numbers as text: ``weight 1``, ``bias 1``, ``backward 1`` and so on, rows on lines of their own."""
    groups = (("weight", layers.weights), ("bias", layers.biases), ("backward", back.weights))
    arrays = {f"{what} {k + 1}": array for what, group in groups for k, array in enumerate(group)}
    return {"method": method, **{name: array_text(array) for name, array in arrays.items()}}


def array_text(array: NDArray[Any]) -> str:
    """Hexadecimal floats, one row a line."""
    rows = np.atleast_2d(np.asarray(array, np.float64))
    return "\n".join(" ".join(float(value).hex() for value in row) for row in rows)


def text_array(text: str) -> FloatArray:
    """The rows (N, M) of :func:`array_text`."""
    return np.array([[float.fromhex(value) for value in line.split()] for line in text.splitlines()])


def spiking_accuracy(
    chip: ChipNetwork, images: NDArray[Any], labels: NDArray[np.int64], steps: int, seed: int
) -> float:
    """Share of images whose readout is largest at the end, on the emulator."""
    drawn = np.random.default_rng(seed).random((len(images), steps, images.shape[1]))
    spikes = (drawn < np.asarray(images, np.float64)[:, None, :]).astype(np.uint8)
    recording = Emulator().run(chip, Stimulus({INPUT: spikes}, description="images as spikes"), [(READOUT, "v")])
    volts = chip.population(READOUT).volts(recording.states[READOUT, "v"][:, -1])
    return float(np.mean(volts.argmax(axis=1) == labels))


def _feedback(names: Sequence[str], back: Back, method: str) -> list[Connection]:
    if method not in RULES:
        return []
    rule = RULES[method]()
    return [
        Connection(
            f"{above} to {below}",
            above,
            below,
            np.asarray(estimate, np.float64),
            delay_steps=1,
            rule=rule,
            drives=False,
        )
        for below, above, estimate in zip(names[1:], names[2:], back.estimates, strict=False)
        if above != READOUT  # which sends no spikes to learn from
    ]


def _neurons(name: str, bias: FloatArray, kind: NeuronKind) -> Population:
    size = bias.size
    zero, one = np.zeros(size), np.ones(size)
    threshold = one if kind == "IF" else np.full(size, np.inf)
    return Population(
        name, kind, (size,), np.full(size, np.inf), zero, one / DT, one, zero, threshold, zero, bias, zero, zero
    )
