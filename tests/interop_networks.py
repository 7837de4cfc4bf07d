"""Networks that we save for the frameworks to open: every kind of node that our writer makes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from neuroalign.chip import ChipNetwork
from neuroalign.compile import compile_network
from neuroalign.network import Connection, InputPort, Network, NeuronKind, Population
from neuroalign.pattern import Convolution
from neuroalign.profile import load_profile
from neuroalign.recording import Stimulus
from neuroalign.sim.emulator.driver import Emulator

DT, STEPS, CHANNELS = 1e-4, 200, 6
"""snnTorch computes with a dt of 1e-4 s, whatever a file means."""


@dataclass(frozen=True)
class Saved:
    """A chip network, the Network it was made from, an input and what the chip spikes on it."""

    network: Network
    chip: ChipNetwork
    given: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]
    spikes: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]


def neurons(name: str, shape: tuple[int, ...], kind: NeuronKind, threshold: float = 1.0) -> Population:
    """A population of equal neurons, since snnTorch takes one threshold a layer."""
    size = int(np.prod(shape))
    one, zero = np.ones(size), np.zeros(size)
    integrates = kind in ("IF", "I")
    tau = np.full(size, np.inf) if integrates else 2e-3 * one
    return Population(
        name=name, kind=kind, shape=shape, tau_mem=tau, tau_syn=5e-4 * one if kind.startswith("Cuba") else zero,
        r=one / DT if integrates else one, w_in=one, v_leak=zero,
        v_threshold=threshold * one if kind.endswith("F") else np.inf * one, v_reset=zero, bias=zero, v0=zero, i0=zero,
    )  # fmt: skip


def _weights(rows: int, columns: int, seed: int, scale: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return np.random.default_rng(seed).uniform(-0.4, 1.0, (rows, columns)) * scale


def _chain(kind: NeuronKind, scale: float, *, recurrent: float = 0.0, last: NeuronKind | None = None) -> Network:
    populations = (neurons("hidden", (8,), kind), neurons("out", (4,), last or kind))
    connections = [
        Connection("in->hidden", "input", "hidden", _weights(8, CHANNELS, 1, scale)),
        Connection("hidden->out", "hidden", "out", _weights(4, 8, 2, scale)),
    ]
    if recurrent:
        connections.append(Connection("again", "hidden", "hidden", _weights(8, 8, 3, recurrent), 1))
    port = InputPort("input", (CHANNELS,))
    return Network("chain", DT, (port,), populations, tuple(connections), (("output", "out"),))


def _images() -> Network:
    pattern = Convolution(
        source_shape=(1, 6, 6), channels=2, kernel=(3, 3), stride=(1, 1), padding=(1, 1), dilation=(1, 1), groups=1
    )
    kernel = np.random.default_rng(4).uniform(-0.3, 1.0, (2, 1, 3, 3))
    connections = (
        Connection("kernel", "input", "image", kernel, pattern=pattern),
        Connection("image->out", "image", "out", _weights(4, 72, 5, 0.4)),
    )
    populations = (neurons("image", (2, 6, 6), "IF", 2.0), neurons("out", (4,), "IF", 3.0))
    return Network("images", DT, (InputPort("input", (1, 6, 6)),), populations, connections, (("output", "out"),))


NETWORKS = {
    "lif": lambda: _chain("LIF", 8.0),
    "cuba": lambda: _chain("CubaLIF", 8.0),
    "if": lambda: _chain("IF", 0.5),
    "recurrent": lambda: _chain("LIF", 8.0, recurrent=2.0),
    "conv": _images,
}
"""What the frameworks run."""
OPENED = NETWORKS | {
    "li": lambda: _chain("LIF", 8.0, last="LI"),
    "cubali": lambda: _chain("LIF", 8.0, last="CubaLI"),
    "i": lambda: _chain("LIF", 8.0, last="I"),
    "v_reset": lambda: _with_reset(_chain("LIF", 8.0)),
}
"""What versions of the nir package are to open, or to be spared by --compat."""


def _with_reset(network: Network) -> Network:
    moved = tuple(replace(p, v_reset=np.full(p.size, 0.1)) for p in network.populations)
    return replace(network, populations=moved)


def saved(name: str, profile: str = "loihi2") -> Saved:
    """One of :data:`OPENED`, compiled and run on the emulator; spikes are those of its output population."""
    network = OPENED[name]()
    chip, _ = compile_network(network, load_profile(profile))
    port = network.inputs[0]
    given = (np.random.default_rng(11).random((STEPS, port.size)) < 0.25).astype(np.uint8)
    return Saved(network, chip, given, output_spikes(chip, given))


def output_spikes(
    chip: ChipNetwork, given: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]
) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Spikes of the first output, its latency taken off."""
    name = chip.outputs[0][1]
    population = chip.population(name)
    late = population.latency_steps
    stimulus = Stimulus({chip.inputs[0].name: given[None]})
    recording = Emulator().run(chip, stimulus, [(name, "s")], implementation="reference")
    return np.asarray(recording.states[name, "s"][0][late : late + len(given)], np.uint8)
