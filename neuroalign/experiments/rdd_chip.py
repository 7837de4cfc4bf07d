r"""RDD as Loihi 2 would have it: the correlator, its windows in neuron microcode, its outcome in the synapse's tag.

Neurons (:mod:`neuroalign.chip.window_neurons`) send three third factors to the synapses that lead back to them. The
synapse from neuron j of the next layer to driven neuron i has the published kernel as the difference of two traces of j's
spikes, ``x1 - x2`` (10 and 3 ms, equal impulses, 7 bits), and runs this microcode in every step::

    dt = 2 2^a u0 y1 (x1 - C) - 2 2^a u0 y1 x2 - u0 y2 t       y1 inside,  y2 clear (32: the engine divides by 32)
    dw = 2^e u0 y3 t                                           y3 outcome, +-(1 + u) in 7 bits

So the tag, of 8 bits and a sign, holds the sum of ``x1 - x2`` over the window minus 30 times its value at the opening; the
weight, of as many bits, holds beta. C, about the mean of ``x1 - x2``, cancels in the sum and keeps the tag in its range
on the way. What differs from the float correlator: whole numbers everywhere, one rounding draw a
step for all synapses, a kernel that is not cut off after 30 steps, and one step between a window and the next.

With ``synapse="traces"`` the synapse is that of :func:`neuroalign.rules.rdd`: x1 and x2 (20 and 160 ms, equal area) at the
end of the window stand for its mean and its beginning, and there is no tag::

    dw = 2^e u0 y3 x1 - 2^e u0 y3 x2
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from neuroalign.chip import ChipConnection, ChipInput, ChipNetwork, ChipPopulation, Fixed, Plasticity
from neuroalign.chip.window_neurons import LOWEST_SENT, WindowNeurons
from neuroalign.experiments.rdd import std_matched
from neuroalign.experiments.rdd_activity import RddProtocol, source_stretches
from neuroalign.experiments.rdd_steps import DT, GAIN, LEAK, RESET, TAU_FAST, TAU_SLOW, THRESHOLD
from neuroalign.microcode import Factor, Product, Program, Trace

FloatArray = NDArray[np.float64]
Integers = NDArray[np.int64]

FEEDBACK = "feedback"
PRE, INSIDE, CLEAR, OUTCOME = "pre", "inside", "clear", "outcome"
"""Inputs of the learning network: spikes of the next layer, and the three third factors."""
TRACES = {"y1": INSIDE, "y2": CLEAR, "y3": OUTCOME}
"""The trace of the synapses that each third factor sets."""
THRESHOLD_BITS, NEXT_THRESHOLD_BITS = 16, 14
"""1, the threshold, is 2^16 in driven neurons, and 2^14 in the next layer, whose drive may be a hundred times that."""
WEIGHT_SHIFT = 6
LARGEST_WEIGHT = 254
IMPULSE = 32
LONG_IMPULSE, LONG_FAST, LONG_SLOW = 16, 20, 160
"""Of the traces that stand for the window, the time constants in steps; the slow one's impulse is 2."""
OUTCOME_BITS = 6
"""``1 + u`` is sent as ``2^OUTCOME_BITS`` where u = 1."""


class Runs(Protocol):
    """Window neurons between two steps."""

    def advance(self, given: NDArray[Any]) -> Any:
        """(spikes, inside, outcome, clear), each (steps, N), for the input (steps, N)."""


class Learns(Protocol):
    """The learning network between two steps."""

    def advance(self, inputs: Mapping[str, NDArray[Any]]) -> Any:
        """Take in steps of its inputs."""

    def read(self, name: str, state: str) -> NDArray[Any]:
        """The state of a plastic connection."""


@dataclass(frozen=True)
class ChipChoices:
    """What is chosen for the chip.

    Parameters
    ----------
    synapse
        What remembers the window.
    tag_exponent, weight_exponent
        ``a`` and ``e``: what a spike's trace moves the tag by, and the outcome times the tag the weight.
    centre
        C, 0 to 127.
    rounding_draws
        "shared", as Lava has it, or "synapse".
    rng_seed
        Of the trace rounding.
    """

    synapse: Literal["tag", "traces"] = "tag"
    tag_exponent: int = -3
    weight_exponent: int = -5
    centre: int = 32
    rounding_draws: Literal["shared", "synapse"] = "shared"
    rng_seed: int = 1


class Layers(NamedTuple):
    """Both layers and their weights in integers: ``weight << exponent`` is what a spike brings."""

    driven: WindowNeurons
    above: WindowNeurons
    source_weight: int
    source_exponent: int
    weight: Integers  # (next, driven)
    weight_exponent: int


def chip_layers(weight: FloatArray, protocol: RddProtocol) -> Layers:
    """The layers for forward weights (next, driven) of any scale."""
    scaled = protocol.scaled(np.asarray(weight, dtype=np.float64))
    unit = GAIN / (TAU_SLOW - TAU_FAST)
    source, source_exponent = held(np.array(protocol.drive * unit * 2.0 ** (THRESHOLD_BITS - WEIGHT_SHIFT)))
    forward, exponent = held(scaled * unit * 2.0 ** (NEXT_THRESHOLD_BITS - WEIGHT_SHIFT))
    above, driven = scaled.shape
    neurons = window_neurons("driven", driven, protocol, THRESHOLD_BITS)
    upper = window_neurons("next", above, protocol, NEXT_THRESHOLD_BITS).without_windows()
    return Layers(neurons, upper, int(source), source_exponent, forward, exponent)


def held(weight: FloatArray) -> tuple[Integers, int]:
    """``weight`` as even integers of 8 bits and a sign, and the exponent that they share."""
    exponent = int(np.ceil(np.log2(np.abs(weight).max() / LARGEST_WEIGHT)))
    return (2 * np.round(weight / 2.0 ** (exponent + 1))).astype(np.int64), exponent


def window_neurons(name: str, size: int, protocol: RddProtocol, threshold_bits: int) -> WindowNeurons:
    """The published neurons in integers."""
    one = 1 << threshold_bits

    def field(factor: float) -> int:
        return round(4096 * (1 - factor))

    return WindowNeurons(
        name,
        size,
        slow_decay=field(float(np.exp(-1 / TAU_SLOW))),
        fast_decay=field(float(np.exp(-1 / TAU_FAST))),
        v_decay=field(1 - LEAK - GAIN),
        threshold=round(THRESHOLD * one),
        reset=round(RESET * one),
        near=round(protocol.near * one),
        window=protocol.window,
        flag=max(1, -LOWEST_SENT // protocol.window),
        outcome_shift=threshold_bits + 1 - OUTCOME_BITS,
        refractory_steps=protocol.refractory,
        weight_shift=WEIGHT_SHIFT,
    )


def feedback_program(choices: ChipChoices) -> Program:
    """The microcode of the feedback synapses."""
    inside, clear, outcome, tag = Factor("y1"), Factor("y2"), Factor("y3"), Factor("t")

    def product(mantissa: int, exponent: int, *factors: Factor) -> Product:
        return Product("u", mantissa, exponent, factors, 0)

    if choices.synapse == "traces":
        x1, x2 = (Factor(name) for name in ("x1", "x2"))
        e = choices.weight_exponent
        return Program(
            dw=(product(1, e, outcome, x1), product(-1, e, outcome, x2)),
            x1=Trace(LONG_IMPULSE, LONG_FAST),
            x2=Trace(LONG_IMPULSE * LONG_FAST / LONG_SLOW, LONG_SLOW),
            y3=Trace(0, 0),
            rng_seed=choices.rng_seed,
        )
    return Program(
        dw=(product(1, choices.weight_exponent, outcome, tag),),
        tag_update=(
            product(2, choices.tag_exponent, inside, Factor("x1", -choices.centre)),
            product(-2, choices.tag_exponent, inside, Factor("x2")),
            product(-1, 0, clear, tag),
        ),
        x1=Trace(IMPULSE, TAU_SLOW),
        x2=Trace(IMPULSE, TAU_FAST),
        y1=Trace(0, 0),
        y2=Trace(0, 0),
        y3=Trace(0, 0),
        rng_seed=choices.rng_seed,
    )


def factors_of(choices: ChipChoices) -> dict[str, str]:
    """The third factors that the synapses take in: trace to what sets it."""
    return TRACES if choices.synapse == "tag" else {"y3": OUTCOME}


def feedback_network(driven: int, above: int, choices: ChipChoices | None = None) -> ChipNetwork:
    """The learning network: spikes and third factors come in, the feedback weights (driven, next) learn from 0."""
    choices = choices or ChipChoices()
    zero = np.zeros((driven, above), np.int64)
    plasticity = Plasticity(
        feedback_program(choices),
        tag=zero,
        weight_unit=1.0,
        rounding_draws=choices.rounding_draws,
        modulators=tuple(factors_of(choices).items()),
    )
    return ChipNetwork(
        "rdd",
        DT,
        "loihi2",
        (ChipInput(PRE, above), *(ChipInput(name, driven, 8) for name in factors_of(choices).values())),
        (_at_rest("post", driven),),
        (ChipConnection(FEEDBACK, PRE, "post", zero, Fixed(8), 0, "mixed", plasticity=plasticity, drives=False),),
        (("post", "post"),),
    )


class RddOnChip:
    """Feedback weights of one layer that learn on chip, phase after phase.

    Parameters
    ----------
    initial : (driven, next)
        The feedback weights at the start; they give the scale.
    run_neurons, start_learning
        The backend: window neurons, and the learning network, between two steps.
    protocol, choices
        The published protocol, and what is chosen for the chip.
    """

    def __init__(
        self,
        initial: FloatArray,
        run_neurons: Callable[[WindowNeurons], Runs],
        start_learning: Callable[[ChipNetwork], Learns],
        protocol: RddProtocol | None = None,
        choices: ChipChoices | None = None,
    ) -> None:
        self.initial, self.protocol = np.array(initial, dtype=np.float64), protocol or RddProtocol()
        self._run_neurons = run_neurons
        driven, above = self.initial.shape
        choices = choices or ChipChoices()
        self._taken = (PRE, *factors_of(choices).values())
        self._learning = start_learning(feedback_network(driven, above, choices))

    def phase(self, weight: FloatArray, seconds: float, seed: int) -> Iterator[float]:
        """Drive the layer below ``weight`` (next, driven), and learn; yields the time (s) after each stimulus.

        As :func:`~neuroalign.experiments.rdd.learn_feedback`; the weights are kept from phase to phase.
        """
        steps = 0
        for sent in drive_chip(weight, seconds, seed, self._run_neurons, self.protocol):
            self._learning.advance({name: sent[name] for name in self._taken})
            steps += len(sent[PRE])
            yield steps * DT

    def learn(self, weight: FloatArray, seconds: float, seed: int) -> FloatArray:
        """A whole phase; returns the feedback weights after it."""
        for _ in self.phase(weight, seconds, seed):
            pass
        return self.weight

    @property
    def beta(self) -> Integers:
        """The weights (driven, next) as the chip holds them."""
        return np.asarray(self._learning.read(FEEDBACK, "w"), dtype=np.int64)

    @property
    def clipped(self) -> float:
        """Share of the weights at a limit of their 8 bits."""
        return float(np.mean(np.abs(self.beta) >= 255))

    @property
    def weight(self) -> FloatArray:
        """The feedback weights: beta with the spread of the initial ones, a factor that the host knows."""
        return std_matched(self.beta.astype(np.float64), self.initial)


def drive_chip(
    weight: FloatArray,
    seconds: float,
    seed: int,
    run_neurons: Callable[[WindowNeurons], Runs],
    protocol: RddProtocol | None = None,
) -> Iterator[dict[str, NDArray[Any]]]:
    """What a driven layer and the next one send to the learning network, one stimulus after the other.

    Sources are those of :func:`~neuroalign.experiments.rdd_activity.drive_layer`; every connection takes one step.
    """
    protocol = protocol or RddProtocol()
    layers = chip_layers(weight, protocol)
    driven, above = run_neurons(layers.driven), run_neurons(layers.above)
    # whole numbers below 2^53, so that a product of float matrices is exact, and fast
    forward = layers.weight.T.astype(np.float64)
    late = [np.zeros((1, n.size), np.int64) for n in (layers.driven, layers.driven)]
    for sources in source_stretches(protocol, layers.driven.size, seconds, seed):
        arrived, late[0] = delayed(sources, late[0])
        spikes, inside, outcome, clear = driven.advance(arrived * layers.source_weight << layers.source_exponent)
        arrived, late[1] = delayed(spikes, late[1])
        total = (arrived @ forward).astype(np.int64)
        given = total << layers.weight_exponent if layers.weight_exponent >= 0 else total >> -layers.weight_exponent
        yield {PRE: above.advance(given)[0], INSIDE: inside, OUTCOME: outcome, CLEAR: clear}


def delayed(spikes: NDArray[Any], last: Integers) -> tuple[Integers, Integers]:
    """``spikes`` (steps, N) a step later, ``last`` (1, N) before them; and the new last row."""
    both = np.concatenate((last, spikes.astype(np.int64)))
    return both[:-1], both[-1:]


def _at_rest(name: str, size: int) -> ChipPopulation:
    """Neurons that get nothing and never spike: they stand for the driven ones, which drive nothing here."""
    zero = np.zeros(size, np.int64)
    return ChipPopulation(
        name, (size,), zero, zero, zero + (1 << 17) - 1, zero, zero, zero, zero,
        u_format=Fixed(24, 0, "toward-zero", "wrap"), v_format=Fixed(24, 0, "toward-zero", "saturate"),
        decay_bits=12, u_offset=1, v_offset=0, threshold_shift=6, weight_shift=6, spiking=True, latency_steps=0,
        volts_per_unit=np.ones(size), volts_offset=np.zeros(size),
    )  # fmt: skip
