"""Seeded random programs, texts and plastic networks for the tests against Lava."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
from lava_learning import PlasticCase, PlasticNet

from neuroalign.chip import GradedMode, SignMode
from neuroalign.microcode import (
    MAX_EXPONENT,
    MIN_EXPONENT,
    POST_TRACES,
    PRE_TRACES,
    SPIKES,
    SYNAPTIC,
    TRACES,
    Dependency,
    Factor,
    Product,
    Program,
    Trace,
)

Kind = Literal["fixed", "float", "graded"]
SIGN_MODES: tuple[SignMode, ...] = ("mixed", "excitatory", "inhibitory")
MODES: tuple[GradedMode, ...] = ("impulse", "overwrite", "add-saturate", "add-carry")


def random_program(rng: np.random.Generator, fixed: bool = True) -> Program:
    """A two-factor program; without ``fixed`` one that Lava's float model can run and that does not explode."""
    k = int(rng.integers(0, 4))
    targets = rng.random(3) < (0.9, 0.4, 0.6)
    targets[0] |= not targets.any()
    dw, dd, tag_update = [
        tuple(random_product(rng, k, fixed) for _ in range(rng.integers(1, 4))) if chosen else () for chosen in targets
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


def random_case(rng: np.random.Generator, shape: tuple[int, int], fixed: bool, graded: GradedMode) -> PlasticCase:
    """A program with initial values, some of them outside the range that the first update enforces."""
    sign_mode: SignMode = SIGN_MODES[rng.choice(3, p=(0.5, 0.25, 0.25))]
    low, high = {"mixed": (-300, 300), "excitatory": (0, 300), "inhibitory": (-300, 1)}[sign_mode]
    return PlasticCase(
        random_program(rng, fixed),
        rng.integers(low, high, shape),
        tag=rng.integers(-260, 260, shape) * int(rng.random() < 0.5),
        delay=rng.integers(0, 64, shape) * int(rng.random() < 0.5),
        sign_mode=sign_mode,
        weight_bits=int(rng.integers(4, 9)),
        weight_exp=int(rng.integers(-3, 4)) if fixed else 0,
        graded=graded,
        message_bits=8 if graded != "impulse" or rng.random() < 0.2 else 0,
    )


def random_net(
    rng: np.random.Generator, cases: int, steps: int, kind: Literal["fixed", "float", "graded"]
) -> PlasticNet:
    """``cases`` connections between the same random spikes."""
    targets, sources = (int(n) for n in rng.integers(1, 6, 2))
    rates = rng.uniform(0.12, 0.5, (2, 6))
    pre = (rng.random((steps, sources)) < rates[0, :sources]).astype(np.int32)
    post = (rng.random((steps, targets)) < rates[1, :targets]).astype(np.int32)
    if kind == "graded":
        pre *= rng.integers(1, 511, pre.shape, dtype=np.int32)
    modes = [MODES[n % 4] if kind == "graded" else "impulse" for n in range(cases)]
    fixed = kind != "float"
    return PlasticNet(pre, post, [random_case(rng, (targets, sources), fixed, mode) for mode in modes], fixed)


def random_text(rng: np.random.Generator) -> str:
    """A rule as a person might write it: literals anywhere, brackets, blanks, constants on either side."""
    k = int(rng.integers(0, 10))
    terms = []
    for number in range(rng.integers(1, 4)):
        items = [str(rng.choice(["x0", "y0", f"u{k}"]))]
        items += [_random_literal(rng) for _ in range(rng.integers(0, 3))]
        items += [_random_bracket(rng) for _ in range(rng.integers(0, 4))]
        sign = str(rng.choice(["+", "-"] if number else ["", "+", "-"]))
        star = str(rng.choice(["*", " * ", " *"]))
        terms.append(f"{sign} " + star.join(str(i) for i in rng.permutation(items)))
    return " ".join(terms)


def _random_literal(rng: np.random.Generator) -> str:
    number, power = int(rng.integers(0, 20)), int(rng.integers(-8, 10))
    text = str(rng.choice([f"{number}", f"2^{power}", f"{number}*2^{power}", f"{number} * 2 ^ {power}"]))
    return f"({rng.choice(['', '-', '+'])}{text})" if rng.random() < 0.3 else text


def _random_bracket(rng: np.random.Generator) -> str:
    variable, number = str(rng.choice(PRE_TRACES + POST_TRACES + SYNAPTIC)), str(rng.integers(0, 200))
    number = number if rng.random() < 0.8 else f"{number}*2^{rng.integers(-3, 3)}"
    sign, other = rng.choice(["+", "-"], 2)
    forms = [
        variable,
        f"({variable})",
        f"({variable}{sign}{number})",
        f"({number} {sign} {variable})",
        f"(-{variable}{sign}{number})",
        f"({other}{number}{sign}{variable})",
    ]
    if variable in SYNAPTIC:
        forms += [f"sgn({variable})", f"sgn({variable} {sign} {number})", f"sgn({other}{number}+{variable})"]
    return str(rng.choice(forms))
