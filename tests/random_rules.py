"""Seeded random programs, texts and plastic networks for the tests against Lava."""

from __future__ import annotations

from typing import Literal

import numpy as np
from lava_learning import PlasticCase, PlasticNet

from neuroalign.chip import GradedMode, SignMode
from neuroalign.microcode import POST_TRACES, PRE_TRACES, SYNAPTIC
from neuroalign.verify.rules import SIGN_MODES, random_program

__all__ = ["SIGN_MODES", "Kind", "random_net", "random_program", "random_text"]

Kind = Literal["fixed", "float", "graded"]
MODES: tuple[GradedMode, ...] = ("impulse", "overwrite", "add-saturate", "add-carry")


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
