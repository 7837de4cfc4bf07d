"""What a drawn network may contain beyond the plainest, and whether every room here can run it.

A feature is drawn when the emulator takes networks that have it and Lava holds them: both are asked, with examples, so
that what one of them learns to run is drawn from then on, and what Lava cannot hold is listed with its own words.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.random import Generator

from neuroalign.chip import ChipConnection, ChipNetwork, Convolution, Plasticity
from neuroalign.microcode import Factor, Product, Program
from neuroalign.sim.emulator.checks import check_network as check_emulator
from neuroalign.sim.lava_processes.holdable import check_network as check_lava
from neuroalign.verify import neurons, rules, synapses
from neuroalign.verify.compare import FAILURES
from neuroalign.verify.plastic import draw_plastic_connection
from neuroalign.verify.static import Options, draw_fixed

EXAMPLES = 8


@dataclass(frozen=True)
class Feature:
    """Something that a network may have.

    Parameters
    ----------
    name
        As it is reported.
    draw
        Gives a network the feature, where the network has room for it.
    share
        Of the networks, to which it is given.
    """

    name: str
    draw: Callable[[Generator, ChipNetwork], ChipNetwork]
    share: float = 0.08


FEATURES = (
    Feature("convolution", synapses.convolution, 0.1),
    Feature("sparse synapses", synapses.sparse, 0.15),
    Feature("sparse delayed synapses", synapses.sparse_delayed, 0.15),
    Feature("sparse plastic synapses", synapses.sparse_plastic),
    Feature("initial weights beyond their range", synapses.wide_weights, 0.1),
    Feature("payload overwrites x1", synapses.graded_mode("overwrite"), 0.2),
    Feature("payload added to x1, saturating", synapses.graded_mode("add-saturate"), 0.3),
    Feature("payload added to x1, carrying", synapses.graded_mode("add-carry"), 0.4),
    Feature("third factors", synapses.three_factors, 0.15),
    Feature("traces that do not decay", rules.lasting_trace, 0.12),
    Feature("ternary neurons", neurons.ternary),
    Feature("resetting neurons", neurons.resetting),
    Feature("refractory neurons", neurons.refractory),
    Feature("escape noise", neurons.escaping),
    Feature("rectangular synapses", neurons.windowed),
    Feature("ternary and resetting neurons", neurons.ternary_resetting, 0.05),
    Feature("refractory and resetting escape noise", neurons.escaping_refractory, 0.05),
)
"""What is drawn as soon as every room runs it, in the order in which it is added to a network."""


def _subtracting(rng: Generator, network: ChipNetwork) -> ChipNetwork:
    return replace(network, populations=tuple(replace(p, reset="subtract") for p in network.populations))


def _own_draws(rng: Generator, network: ChipNetwork) -> ChipNetwork:
    return _with_plasticity(network, rounding_draws="synapse")


def _own_seed(rng: Generator, network: ChipNetwork) -> ChipNetwork:
    return _with_plasticity(network, rounding_seed=3)


def _plastic_delays(rng: Generator, network: ChipNetwork) -> ChipNetwork:
    def delayed(c: ChipConnection) -> ChipConnection:
        return replace(c, delays=rng.integers(1, 4, c.weight.shape)) if c.plasticity is not None else c

    return replace(network, connections=tuple(delayed(c) for c in network.connections))


def _other_decay(rng: Generator, network: ChipNetwork) -> ChipNetwork:
    return replace(network, populations=tuple(replace(p, v_offset=1) for p in network.populations))


def _wide_weight_format(rng: Generator, network: ChipNetwork) -> ChipNetwork:
    return replace(network, connections=tuple(replace(c, weight=c.weight * 4 + 1) for c in network.connections))


def _shifted_convolution(rng: Generator, network: ChipNetwork) -> ChipNetwork:
    drawn = synapses.convolution(rng, network)
    shifted = (replace(c, weight_exp=1) if isinstance(c.pattern, Convolution) else c for c in drawn.connections)
    return replace(drawn, connections=tuple(shifted))


def _sparse_synaptic_factors(rng: Generator, network: ChipNetwork) -> ChipNetwork:
    drawn = _with_plasticity(network, program=Program(dw=(Product("x0", factors=(Factor("w"),)),)))
    return synapses.sparse_plastic(rng, drawn, plainly=True)


NEVER = (
    Feature("reset by subtraction", _subtracting),
    Feature("a rounding draw for each synapse", _own_draws),
    Feature("another seed of the synaptic draws", _own_seed),
    Feature("delays on synapses that learn", _plastic_delays),
    Feature("other decay offsets", _other_decay),
    Feature("weights of more than 8 bits", _wide_weight_format),
    Feature("convolutions with a weight exponent", _shifted_convolution),
    Feature("sparse rules with w, d or t", _sparse_synaptic_factors),
)
"""What Lava has no form for; the emulator's forms of it are compared with each other instead."""


def _with_plasticity(network: ChipNetwork, **changes: object) -> ChipNetwork:
    def changed(c: ChipConnection) -> ChipConnection:
        held: Plasticity | None = c.plasticity
        return c if held is None else replace(c, plasticity=replace(held, **changes))  # type: ignore[arg-type]

    return replace(network, connections=tuple(changed(c) for c in network.connections))


@cache
def supported() -> tuple[Feature, ...]:
    """The features that every room here runs."""
    return tuple(f for f in FEATURES if refusal(f) is None)


def never_drawn() -> dict[str, str]:
    """What is not drawn, by name, with the words of the room that refuses it."""
    return {f.name: said for f in (*FEATURES, *NEVER) for said in [refusal(f)] if said is not None}


@cache
def refusal(feature: Feature) -> str | None:
    """Why networks with ``feature`` cannot be compared: the first refusal of an example, or None."""
    for number in range(EXAMPLES):
        rng = np.random.default_rng(number)
        network = feature.draw(rng, _example(rng))
        for check in (check_emulator, check_lava):
            try:
                check(network)
            except FAILURES as error:
                return str(error).splitlines()[0]
    return None


def _example(rng: Generator) -> ChipNetwork:
    """A network to which every feature can be given."""
    plain = draw_fixed(rng, Options(sizes=(3, 2), channels=3, loops=False, graded=True, max_delay=0))
    inputs = tuple(replace(i, message_bits=8) for i in plain.inputs)
    delayed = replace(
        plain.connections[0], name="delayed", delays=rng.integers(1, 3, plain.connections[0].weight.shape)
    )
    learning = draw_plastic_connection(rng, "learning", ("in", "p0"), (3, 3), 40, True)
    return replace(plain, inputs=inputs, connections=(*plain.connections, delayed, learning))
