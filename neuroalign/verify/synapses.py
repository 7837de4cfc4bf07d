"""Draws of what a connection can be beyond Lava's Dense and LearningDense: each takes a network and changes or adds one."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.random import Generator

from neuroalign.chip import (
    ChipConnection,
    ChipInput,
    ChipNetwork,
    Convolution,
    Fixed,
    GradedMode,
    Numbers,
    Plasticity,
    SparsePattern,
)
from neuroalign.fixed_point import lava_weights, truncate_weights
from neuroalign.microcode import SYNAPTIC, Product, Program, Trace
from neuroalign.verify.static import Options, draw_connection, draw_population


def sparse(rng: Generator, network: ChipNetwork) -> ChipNetwork:
    """A static connection without delays of which only some synapses exist."""
    return _changed(rng, network, lambda c: _is_static(c) and c.max_delay == 0, _thinned)


def sparse_delayed(rng: Generator, network: ChipNetwork) -> ChipNetwork:
    """The same with delays."""
    return _changed(rng, network, lambda c: _is_static(c) and c.max_delay > 0, _thinned)


def sparse_plastic(rng: Generator, network: ChipNetwork, plainly: bool = False) -> ChipNetwork:
    """A connection that learns of which only some synapses exist, by a rule that Lava holds unless ``plainly``."""
    return _changed(rng, network, _is_dense_plastic, _thinned if plainly else _thinned_plastic)


def wide_weights(rng: Generator, network: ChipNetwork) -> ChipNetwork:
    """A connection that learns with initial weights and tags beyond the range that its first update enforces."""
    return _changed(rng, network, _is_dense_plastic, _widened)


def graded_mode(mode: GradedMode) -> Callable[[Generator, ChipNetwork], ChipNetwork]:
    """A draw after which the payload of a source's spikes acts on the trace x1."""

    def draw(rng: Generator, network: ChipNetwork) -> ChipNetwork:
        return _changed(
            rng,
            network,
            lambda c: c.plasticity is not None and c.message_bits > 0 and c.plasticity.graded == "impulse",
            lambda _, c: _graded(c, mode),
        )

    return draw


def three_factors(rng: Generator, network: ChipNetwork) -> ChipNetwork:
    """A connection that learns whose post traces are set by inputs and populations."""
    plastic = [k for k, c in enumerate(network.connections) if c.plasticity and not c.plasticity.modulators]
    if not plastic:
        return network
    chosen = int(rng.choice(plastic))
    connection = network.connections[chosen]
    targets = connection.shape[0]
    named = [f"y{k}" for k in (1, 2, 3) if rng.random() < 0.6] or ["y1"]
    ports = [
        ChipInput(f"factor{chosen}.{name}", targets if rng.random() < 0.7 else 1, message_bits=8) for name in named
    ]
    senders = [port.name for port in ports]
    inside = [p.name for p in network.populations if p.size == targets]
    if inside and rng.random() < 0.3:
        senders[-1] = str(rng.choice(inside))
    used = tuple(port for port in ports if port.name in senders)
    modulated = _modulated(connection, tuple(zip(named, senders, strict=True)))
    connections = [modulated if k == chosen else c for k, c in enumerate(network.connections)]
    return replace(network, inputs=(*network.inputs, *used), connections=tuple(connections))


def convolution(rng: Generator, network: ChipNetwork) -> ChipNetwork:
    """An image that enters a population of its own through a kernel, which may go on to another population."""
    number = sum(isinstance(c.pattern, Convolution) for c in network.connections)
    image, place = f"image{number}", f"c{number}"
    pattern = draw_pattern(rng)
    targets, sources = pattern.shape
    graded = bool(rng.integers(2))
    port = ChipInput(image, sources, message_bits=8 if graded else 0)
    first = _kernel(rng, pattern, f"{image}->{place}", image, place, 8 if graded else 0)
    population = draw_population(rng, Options(), place, targets, [])
    added = [first]
    if rng.random() < 0.5:  # and back into itself, one neuron to the same neuron's surroundings
        same = Convolution(pattern.target_shape, pattern.channels, (3, 3), padding=(1, 1))
        added.append(_kernel(rng, same, f"{place}->{place}", place, place, 0))
    if rng.random() < 0.5:
        onward = network.populations[int(rng.integers(len(network.populations)))]
        added.append(draw_connection(rng, Options(), place, onward.name, (onward.size, targets), False))
    return replace(
        network,
        inputs=(*network.inputs, port),
        populations=(*network.populations, population),
        connections=(*network.connections, *added),
    )


def draw_pattern(rng: Generator) -> Convolution:
    """A convolution of a small image with any stride, padding, dilation and groups that leave something of it."""
    groups = int(rng.choice([1, 1, 1, 2, 3]))
    inside, outside = groups * int(rng.integers(1, 3)), groups * int(rng.integers(1, 3))
    sides = [_side(rng) for _ in range(2)]
    sizes, kernel, stride, padding, dilation = ((a, b) for a, b in zip(*sides, strict=True))
    return Convolution((inside, *sizes), outside, kernel, stride, padding, dilation, groups)


def _side(rng: Generator) -> tuple[int, int, int, int, int]:
    """Size, kernel, stride, padding and dilation of one direction."""
    kernel, stride, padding, dilation = (int(rng.integers(a, b)) for a, b in ((1, 4), (1, 3), (0, 3), (1, 3)))
    smallest = max(dilation * (kernel - 1) + 1 - 2 * padding, 1)
    return int(rng.integers(smallest, smallest + 5)), kernel, stride, padding, dilation


def _kernel(
    rng: Generator, pattern: Convolution, name: str, source: str, target: str, message_bits: int
) -> ChipConnection:
    plain = draw_connection(
        rng, Options(max_delay=0), source, target, (math.prod(pattern.weight_shape), 1), message_bits > 0
    )
    return replace(
        plain,
        name=name,
        weight=lava_weights(plain.weight, plain.sign_mode).reshape(pattern.weight_shape),
        weight_format=Fixed(8),
        weight_exp=0,
        delays=None,
        message_bits=message_bits,
        pattern=pattern,
    )


def _changed(
    rng: Generator,
    network: ChipNetwork,
    fits: Callable[[ChipConnection], bool],
    change: Callable[[Generator, ChipConnection], ChipConnection],
) -> ChipNetwork:
    """The network with ``change`` made to one of the connections that ``fits`` says can have it, if there is any."""
    fitting = [k for k, c in enumerate(network.connections) if fits(c)]
    if not fitting:
        return network
    chosen = int(rng.choice(fitting))
    connections = [change(rng, c) if k == chosen else c for k, c in enumerate(network.connections)]
    return replace(network, connections=tuple(connections))


def _is_dense_plastic(connection: ChipConnection) -> bool:
    return connection.plasticity is not None and connection.pattern is None


def _is_static(connection: ChipConnection) -> bool:
    return connection.plasticity is None and connection.pattern is None


def _thinned(rng: Generator, connection: ChipConnection) -> ChipConnection:
    """Some of the synapses, of a static connection now and then none."""
    density = rng.uniform(0.02, 0.8)
    exists = rng.random(connection.shape) < density
    if connection.plasticity is not None and not exists.any():  # Lava's LearningSparse needs one
        exists[0, 0] = True
    target, source = np.nonzero(exists)

    def kept(values: Numbers) -> Numbers:
        return np.asarray(values[target, source])

    plasticity = connection.plasticity
    return replace(
        connection,
        weight=kept(connection.weight),
        delays=None if connection.delays is None else kept(connection.delays),
        pattern=SparsePattern(target, source, connection.shape),
        plasticity=None if plasticity is None else replace(plasticity, tag=kept(plasticity.tag)),
    )


def _thinned_plastic(rng: Generator, connection: ChipConnection) -> ChipConnection:
    """Lava multiplies sparse w, d and t as matrices and loses weights of 0: rules and weights have neither."""
    program = _of(connection).program

    def without(products: tuple[Product, ...]) -> tuple[Product, ...]:
        return tuple(replace(p, factors=tuple(f for f in p.factors if f.variable not in SYNAPTIC)) for p in products)

    plain = replace(program, dw=without(program.dw), dd=without(program.dd), tag_update=without(program.tag_update))
    bits = connection.weight_format.bits if isinstance(connection.weight_format, Fixed) else 8
    weight = lava_weights(rng.integers(-256, 256, connection.shape), "mixed", bits)
    least = lava_weights(np.array([-1]), "mixed", bits)[0]
    held = replace(_of(connection), program=plain)
    return _thinned(
        rng,
        replace(connection, weight=np.where(weight, weight, least), sign_mode="mixed", plasticity=held),
    )


def _widened(rng: Generator, connection: ChipConnection) -> ChipConnection:
    mode = connection.sign_mode
    low, high = {"mixed": (-500, 500), "excitatory": (0, 500), "inhibitory": (-500, 1)}[mode]
    bits = connection.weight_format.bits if isinstance(connection.weight_format, Fixed) else 8
    wide = truncate_weights(rng.integers(low, high, connection.weight.shape), mode, bits)
    tag = rng.integers(-600, 600, wide.shape) if rng.random() < 0.5 else _of(connection).tag
    return replace(connection, weight=wide, plasticity=replace(_of(connection), tag=tag))


def _graded(connection: ChipConnection, mode: GradedMode) -> ChipConnection:
    program = _of(connection).program
    without_impulse = replace(program, x1=Trace(0, program.trace("x1").tau or 4.0))
    return replace(connection, plasticity=replace(_of(connection), program=without_impulse, graded=mode))


def _modulated(connection: ChipConnection, modulators: tuple[tuple[str, str], ...]) -> ChipConnection:
    program: Program = replace(_of(connection).program, y1=Trace(0, 0), y2=Trace(0, 0), y3=Trace(0, 0))
    return replace(connection, plasticity=replace(_of(connection), program=program, modulators=modulators))


def _of(connection: ChipConnection) -> Plasticity:
    if connection.plasticity is None:
        raise ValueError(f"connection {connection.name!r} does not learn")
    return connection.plasticity
