"""What a researcher writes that a synapse cannot do, and what to write in its place: one sentence each."""

from __future__ import annotations

import re
from collections.abc import Iterable

MEMBRANE = {
    "v", "u", "vm", "v_m", "vmem", "v_mem", "v_post", "u_post", "vpost", "upost", "voltage", "membrane", "psi", "surrogate",
    "ψ",
}  # fmt: skip
RATES = {"rate", "r", "nu", "ν", "r_pre", "r_post", "rate_pre", "rate_post", "nu_pre", "nu_post", "f_pre", "f_post"}
OTHERS = {"w_sum", "sum", "mean", "norm", "w_pre", "w_post", "w_ji", "w_other"}
WRITTEN = str.maketrans(
    {"−": "-", "–": "-", "·": "*", "⋅": "*", "×": "*", "∗": "*", "µ": "μ", "²": "^2", "³": "^3", "⁴": "^4"}
)
"""Marks that papers have, to those that rules have."""
MICRO = re.compile(r"(?<=[\d.])(\s*)μ([sVA])\b")
"""Units of millionths behind a number."""


def plain_marks(line: str) -> str:
    """A line as it may come out of a paper, with the marks that rules have."""
    return MICRO.sub(r"\1u\2", line.translate(WRITTEN))


def unseen(name: str, called: bool, known: Iterable[str]) -> str:
    """Why a name means nothing in an expression, and the remedy; ``called``: a bracket follows it."""
    if called:
        return (
            f"{name!r} is a function, and a learning engine only adds products; write a polynomial of what the synapse sees, "
            "or let a neuron compute it and send it as the third factor"
        )
    if not name.isidentifier():
        return f"{name!r} is neither a number nor a name; a half is 0.5 or 1/2, a power is written as x^2"
    lower = name.lower()
    if lower in MEMBRANE:
        return (
            f"{name!r} is not visible at the synapse, which sees spikes and no membrane; take a trace of post for it, or let the "
            "neuron send it as the third factor: M = modulator from SENDER"
        )
    if lower in RATES:
        return (
            f"{name!r} is not visible at the synapse, which sees spikes; a rate is a trace with a long tau, whose mean is tau*rate: "
            "y = trace of post, tau 1 s"
        )
    if lower in OTHERS:
        return f"{name!r} is not visible at the synapse, which sees its own weight w and no other; let a neuron send it as the third factor"
    return (
        f"{name!r} is not visible at the synapse, and no parameter; there are {', '.join(known) or 'none yet'}; a parameter has a "
        f"line of its own above: {name} = 0.1"
    )


def power(text: str) -> str:
    """Why this is no exponent."""
    return (
        f"{text} as exponent; a power is a whole number, 0..4, since a learning engine multiplies: between 0 (additive) and 1 "
        "(multiplicative) only a polynomial comes near, such as w^0.5 by 0.17 + 1.37*w - 0.57*w^2 for w in 0..1, off by 0.17 at w = 0"
    )
