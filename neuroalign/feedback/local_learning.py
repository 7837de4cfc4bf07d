r"""A classifier that learns on chip, from its first weight to its last, by local rules; nothing is computed beside it.

All of it is one ChipNetwork, run by the emulator::

    pixels ==> hidden ==> output          learn (==>), 8-bit weights
    teacher --> error <-- output          error: +1 for a missing spike, -1 for one too many (ternary neurons)
    error   --> hidden error              fixed random weights: direct feedback (ternary neurons)

    dw = c u0 y3 x1        y3: what the target's error neuron sends in this step;  x1: trace of the source's spikes

Pixels spike with a chance in proportion to their brightness. In training the teacher makes the neuron of the right class
spike at a fixed rate; in tests there is no teacher, and the class is the output neuron with the most spikes. All neurons
start from rest with every image.

The rule is the event-driven random backpropagation of Neftci, Augustine, Paul, Detorakis 2017 (Front. Neurosci. 11:324)
without its gate on the target's membrane; constants are our own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroalign.chip import ChipConnection, ChipInput, ChipNetwork, ChipPopulation, Fixed, Plasticity
from neuroalign.datasets.images import Images
from neuroalign.microcode import Factor, Product, Program, Trace
from neuroalign.recording import Stimulus
from neuroalign.sim.emulator import Emulator

Integers = NDArray[np.int64]
DT = 1e-3
PIXELS, TEACHER = "pixels", "teacher"
HIDDEN, OUTPUT, ERROR, HIDDEN_ERROR = "hidden", "output", "error", "hidden error"
FIRST, SECOND = "pixels to hidden", "hidden to output"
NEVER = ((1, 2),)
"""A phase of one step, before any spike can have arrived."""
NO_MEMORY = 4095
"""Decay field of a current that lasts one step."""


@dataclass(frozen=True)
class LocalSettings:
    """Sizes and constants.

    Parameters
    ----------
    hidden
        Hidden neurons.
    steps, repeats
        Of one image in training; in tests it is shown so many times as long, anew each time.
    rate
        Chance of a spike in a step of the brightest pixel, and of the teacher.
    leak
        Decay field of the membranes, of 4096.
    thresholds
        Of hidden, output, error and hidden error neurons, in units of a synapse's weight.
    spreads
        Standard deviation of the first weights of pixels to hidden and of hidden to output, and the magnitude of the
        fixed feedback, in weight units.
    exponents
        Of the learning coefficient: hidden, output; the output's falls by one after each third of the epochs.
    impulse, tau : 1, steps
        Of the trace x1.
    deep
        Whether hidden weights learn, or stay as they were drawn.
    """

    hidden: int = 200
    steps: int = 30
    repeats: int = 3
    epochs: int = 6
    rate: float = 0.5
    leak: int = 200
    thresholds: tuple[int, int, int, int] = (150, 400, 1, 400)
    spreads: tuple[float, float, float] = (30.0, 30.0, 64.0)
    exponents: tuple[int, int] = (-7, -4)
    impulse: int = 16
    tau: float = 10.0
    deep: bool = True


@dataclass(frozen=True, eq=False)
class LocallyLearnt:
    """The network with the weights that it learnt, and the accuracy on the test split after every epoch."""

    network: ChipNetwork
    accuracy: tuple[float, ...]


def local_program(settings: LocalSettings, exponent: int, seed: int) -> Program:
    """``dw = 2^exponent u0 y3 x1``."""
    return Program(
        dw=(Product("u", 1, exponent, (Factor("y3"), Factor("x1")), 0),),
        x1=Trace(settings.impulse, settings.tau),
        y3=Trace(0, 0),
        rng_seed=seed,
    )


def local_network(pixels: int, classes: int, settings: LocalSettings, seed: int) -> ChipNetwork:
    """The network before it learns; weights are drawn from ``seed``."""
    rng = np.random.default_rng([seed, 20])
    s, h = settings, settings.hidden

    def drawn(shape: tuple[int, int], spread: float) -> Integers:
        return np.clip(2 * np.round(rng.normal(0, spread / 2, shape)), -254, 254).astype(np.int64)

    feedback = (2 * np.round(rng.choice((-1, 1), (h, classes)) * s.spreads[2] / 2)).astype(np.int64)
    one = 2 * np.eye(classes, dtype=np.int64)
    hidden, output, error, hidden_error = s.thresholds
    network = ChipNetwork(
        "local",
        DT,
        "loihi2",
        (ChipInput(PIXELS, pixels), ChipInput(TEACHER, classes)),
        (
            _neurons(HIDDEN, h, hidden, s),
            _neurons(OUTPUT, classes, output, s),
            _neurons(ERROR, classes, 2 * error, s, ternary=True),
            _neurons(HIDDEN_ERROR, h, hidden_error, s, ternary=True),
        ),
        (
            _learning(
                FIRST, PIXELS, HIDDEN, drawn((h, pixels), s.spreads[0]), HIDDEN_ERROR, s, s.exponents[0], 2 * seed
            ),
            _learning(
                SECOND, HIDDEN, OUTPUT, drawn((classes, h), s.spreads[1]), ERROR, s, s.exponents[1], 2 * seed + 1
            ),
            _fixed("teacher to error", TEACHER, ERROR, one),
            _fixed("output to error", OUTPUT, ERROR, -one),
            replace(_fixed("error to hidden error", ERROR, HIDDEN_ERROR, feedback), message_bits=8),
        ),
        ((OUTPUT, OUTPUT),),
    )
    return network if s.deep else without_learning(network, FIRST)


def learn_locally(data: Images, settings: LocalSettings, seed: int) -> LocallyLearnt:
    """Train on the training split, image after image in random order, and test after every epoch."""
    network = local_network(data.pixels, data.classes, settings, seed)
    session = Emulator().start(network, probes=[(OUTPUT, "s")])
    order, spikes = np.random.default_rng([seed, 21]), np.random.default_rng([seed, 22])
    accuracy = []
    for epoch in range(settings.epochs):
        later = 3 * epoch // settings.epochs
        session.change(SECOND, local_program(settings, settings.exponents[1] - later, _trace_seed(2 * seed + 1)))
        for rows in np.array_split(order.permutation(len(data.train)), max(1, len(data.train) // 100)):
            shown = encoded(data.train[rows], settings, spikes)
            taught = np.zeros((len(rows), settings.steps, data.classes))
            taught[np.arange(len(rows)), :, data.train_labels[rows]] = settings.rate
            teacher = spikes.random(taught.shape) < taught
            session.advance({PIXELS: _joined(shown), TEACHER: _joined(teacher)})
        network = with_weights(network, {name: session.read(name, "w") for name in (FIRST, SECOND)})
        accuracy.append(judged(network, data, settings, seed))
    return LocallyLearnt(network, tuple(accuracy))


def judged(network: ChipNetwork, data: Images, settings: LocalSettings, seed: int) -> float:
    """Accuracy on the test split, without teacher or learning."""
    fixed = without_learning(network)
    longer = replace(settings, steps=settings.repeats * settings.steps)
    shown = encoded(data.test, longer, np.random.default_rng([seed, 23]))
    silent = np.zeros((*shown.shape[:2], data.classes), np.uint8)
    stimulus = Stimulus({PIXELS: shown.astype(np.uint8), TEACHER: silent}, description="test images as spikes")
    recording = Emulator().run(fixed, stimulus, [(OUTPUT, "s")])
    counts = recording.states[OUTPUT, "s"].sum(axis=1, dtype=np.int64)
    return float(np.mean(counts.argmax(axis=1) == data.test_labels))


def encoded(images: NDArray[Any], settings: LocalSettings, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Spikes (images, steps, pixels)."""
    chance = settings.rate * np.asarray(images, np.float64)
    return np.asarray(rng.random((len(images), settings.steps, images.shape[1])) < chance[:, None, :])


def with_weights(network: ChipNetwork, weights: dict[str, Any]) -> ChipNetwork:
    """The network with other weights, by the names of connections; odd ones lose a unit, as a chip that loads them does."""
    return replace(
        network,
        connections=tuple(
            replace(c, weight=2 * np.trunc(weights[c.name] / 2).astype(np.int64)) if c.name in weights else c
            for c in network.connections
        ),
    )


def without_learning(network: ChipNetwork, *names: str) -> ChipNetwork:
    """The network in which those connections stay as they are; all of them where none is named."""
    return replace(
        network,
        connections=tuple(
            replace(c, plasticity=replace(c.plasticity, phases=NEVER))
            if c.plasticity is not None and (c.name in names or not names)
            else c
            for c in network.connections
        ),
    )


def _trace_seed(number: int) -> int:
    """A Program draws from four seeds in a row."""
    return 4 * number


def _joined(spikes: NDArray[np.bool_]) -> NDArray[np.uint8]:
    return spikes.reshape(-1, spikes.shape[2]).astype(np.uint8)


def _neurons(name: str, size: int, threshold: int, s: LocalSettings, *, ternary: bool = False) -> ChipPopulation:
    zero = np.zeros(size, np.int64)
    return ChipPopulation(
        name, (size,), zero + NO_MEMORY, zero + s.leak, zero + threshold, zero, zero, zero, zero,
        u_format=Fixed(24, 0, "toward-zero", "wrap"), v_format=Fixed(24, 0, "toward-zero", "saturate"),
        decay_bits=12, u_offset=1, v_offset=0, threshold_shift=6, weight_shift=6, spiking=True, latency_steps=0,
        volts_per_unit=np.ones(size), volts_offset=np.zeros(size),
        threshold_low=zero - threshold if ternary else None,
        reset_interval=s.steps, reset_offset=1,
    )  # fmt: skip


def _fixed(name: str, source: str, target: str, weight: Integers) -> ChipConnection:
    return ChipConnection(name, source, target, weight, Fixed(8), 0, "mixed")


def _learning(
    name: str, source: str, target: str, weight: Integers, error: str, s: LocalSettings, exponent: int, seed: int
) -> ChipConnection:
    plasticity = Plasticity(
        local_program(s, exponent, _trace_seed(seed)),
        tag=np.zeros_like(weight),
        weight_unit=1.0,
        modulators=(("y3", error),),
    )
    return replace(_fixed(name, source, target, weight), plasticity=plasticity)
