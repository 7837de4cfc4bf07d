"""Learning programs drawn at random: every symbol of the rule language, within what integers can hold."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from neuroalign.chip import ChipNetwork, Plasticity, SignMode
from neuroalign.microcode import (
    MAX_DECIMATION,
    MAX_EPOCH,
    MAX_EXPONENT,
    MIN_EXPONENT,
    SPIKES,
    SYNAPTIC,
    TRACES,
    Dependency,
    Factor,
    Product,
    Program,
    Trace,
)

SIGN_MODES: tuple[SignMode, ...] = ("mixed", "excitatory", "inhibitory")


RARE = (6, 7, 8, 9)
"""The k of ``u`` whose periods most runs are too short for."""

USUAL_TARGETS = (0.9, 0.4, 0.6)
"""How often a program changes weight, delay and tag."""


def random_program(
    rng: np.random.Generator,
    fixed: bool = True,
    products: int = 3,
    targets: tuple[float, float, float] = USUAL_TARGETS,
) -> Program:
    """A two-factor program of up to ``products`` products for each of the variables that it changes.

    Without ``fixed`` one that Lava's float model can run and that does not explode.
    """
    k = int(rng.integers(0, 4))
    changed = rng.random(3) < targets
    changed[0] |= not changed.any()
    dw, dd, tag_update = [
        tuple(random_product(rng, k, fixed) for _ in range(rng.integers(1, products + 1))) if chosen else ()
        for chosen in changed
    ]
    x1, x2, y1, y2, y3 = (_random_trace(rng, fixed) for _ in TRACES)
    program = Program(dw, dd, tag_update, x1, x2, y1, y2, y3)
    return replace(program, t_epoch=int(rng.integers(1, 8)), rng_seed=int(rng.integers(0, 1000)))


def random_product(rng: np.random.Generator, k: int, fixed: bool) -> Product:
    """One product of up to four factors."""
    dependency: Dependency = ("x0", "y0", "u")[rng.choice(3, p=(0.4, 0.4, 0.2))]
    factors = tuple(_random_factor(rng, fixed) for _ in range(rng.choice(5, p=(0.1, 0.4, 0.3, 0.15, 0.05))))
    if fixed and rng.random() < 0.15:
        factors += (Factor(str(rng.choice([s for s in SPIKES if s != dependency]))),)
    exponent = int(rng.integers(MIN_EXPONENT, MAX_EXPONENT + 1 if fixed else -3))
    mantissa = int(rng.choice([-7, -5, -3, -2, -1, 1, 2, 3, 4, 6, 7]))
    return Product(dependency, mantissa, exponent, factors, k if dependency == "u" else None)


def _random_factor(rng: np.random.Generator, fixed: bool) -> Factor:
    names = TRACES + SYNAPTIC if fixed else TRACES
    variable = str(rng.choice(names))
    if rng.random() < 0.25:
        return Factor(str(rng.choice(SYNAPTIC)), int(rng.integers(-120, 121)) * int(rng.random() < 0.7), sign=True)
    constant: float = 0
    if rng.random() < 0.4:
        constant = int(rng.integers(-140, 141)) if rng.random() < 0.9 else float(rng.integers(-9, 10) / 4)
    return Factor(variable, constant)


def _random_trace(rng: np.random.Generator, fixed: bool) -> Trace:
    kind = rng.random()
    if fixed and kind < 0.1:
        return Trace(0, 0)
    tau = float(rng.integers(1, 40)) if kind < 0.6 else round(float(rng.uniform(0.5, 40)), 3)
    impulse = int(rng.integers(0, 128)) if rng.random() < 0.4 else round(float(rng.uniform(0, 60)), 4)
    return Trace(impulse, tau)


def draw_program(rng: np.random.Generator, steps: int, wide: bool) -> Program:
    """A program for a run of ``steps`` steps: any t_epoch up to 63, and any k whose period ends within the run.

    On ``wide`` connections, where Lava's time goes by epochs and products, there are fewer of both.
    """
    program = random_program(rng, True, 2, (0.95, 0.7, 0.8)) if wide else random_program(rng)
    often, rare = (0.08, 0.6) if wide else (0.45, 0.2)
    kind = rng.random()
    epoch = 1 if kind < often else int(rng.integers(2, 8)) if kind < 1 - rare else int(rng.integers(8, MAX_EPOCH + 1))
    epoch = min(epoch, max(1, steps // 2))
    if program.k is not None:
        last = min(MAX_DECIMATION, max(0, (steps // epoch).bit_length() - 1))
        program = with_decimation(program, int(rng.integers(0, last + 1)))
    return replace(program, t_epoch=epoch)


def draw_rare_program(rng: np.random.Generator, steps: int) -> Program:
    """A program with a product that acts every 64th, 128th, 256th or 512th step, whichever the run has room for."""
    last = min(steps.bit_length() - 1, MAX_DECIMATION)
    k = last if rng.random() < 0.65 else int(rng.integers(RARE[0], last + 1))
    program = with_decimation(random_program(rng, True, 2), k)
    rare = replace(random_product(rng, k, fixed=True), dependency="u", k=k)
    return replace(program, dw=(*program.dw, rare), t_epoch=1)


def with_decimation(program: Program, k: int) -> Program:
    """The program with every ``u`` at ``k``."""

    def changed(products: tuple[Product, ...]) -> tuple[Product, ...]:
        return tuple(replace(p, k=k) if p.dependency == "u" else p for p in products)

    return replace(program, dw=changed(program.dw), dd=changed(program.dd), tag_update=changed(program.tag_update))


def lasting_trace(rng: np.random.Generator, network: ChipNetwork) -> ChipNetwork:
    """A network in which one trace of a connection that learns does not decay."""
    learning = [k for k, c in enumerate(network.connections) if c.plasticity is not None]
    if not learning:
        return network
    chosen, name = int(rng.choice(learning)), str(rng.choice(TRACES))

    def changed(plasticity: Plasticity) -> Plasticity:
        changes: dict[str, Any] = {name: Trace(plasticity.program.trace(name).impulse, math.inf)}
        return replace(plasticity, program=replace(plasticity.program, **changes))

    connections = [
        replace(c, plasticity=changed(c.plasticity)) if k == chosen and c.plasticity is not None else c
        for k, c in enumerate(network.connections)
    ]
    return replace(network, connections=tuple(connections))
