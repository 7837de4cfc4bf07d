"""The programs that accumulate in the tag and carry whole units into the weight, in their three forms.

exact   the uncompensated shift of Lava's products serves as a floor division; the remainder stays in the tag
sgn     one unit a transfer while the tag is beyond a threshold; the remainder stays
stoch   the remainder is thrown away by the stochastic rounding of each transfer
Two rules: STDWI (x0 of the output neuron gates y1 and y2 of the input neuron) and SAL (pair STDP on spike pairs).
"""

from __future__ import annotations

from neuroalign.microcode import Program, Trace
from neuroalign.microcode.text import program_from_text

STDWI = {"y1": Trace(32, 20), "y2": Trace(8, 200), "y3": Trace(0, 0)}
SAL = {"x1": Trace(64, 10), "y1": Trace(64, 10), "y3": Trace(0, 0)}

# name: traces, dt, dw
TEXTS: dict[str, tuple[dict[str, Trace], str, str]] = {
    "stdwi-exact": (
        STDWI,
        "5*2^-3*x0*y1 - 2*2^-3*x0*y2 - 2^-7*x0*w*(y3+16) - 2^8*u6*(t-127)*(y3+4)*(y3+4)",
        "u6*(t+128)*(y3+4)*(y3+4)",
    ),
    "stdwi-exact-slow": (
        STDWI,
        "5*2^-4*x0*y1 - 2*2^-4*x0*y2 - 2^-7*x0*w*(y3+16) - 2^8*u6*(t-127)*(y3+4)*(y3+4)",
        "u6*(t+128)*(y3+4)*(y3+4)",
    ),
    "stdwi-exact-often": (
        STDWI,
        "5*2^-3*x0*y1 - 2*2^-3*x0*y2 - 2^-7*x0*w - 2^8*u0*(t-127)*(y3+4)*(y3+4)",
        "u0*(t+128)*(y3+4)*(y3+4)",
    ),
    "stdwi-sgn": (
        STDWI,
        "5*2^-4*x0*y1 - 2*2^-4*x0*y2 - 2^-7*u6*w - 2^6*u6*sgn(t-112) - 2^6*u6*sgn(t+112)",
        "2^-1*u6*sgn(t-112) + 2^-1*u6*sgn(t+112)",
    ),
    "stdwi-stoch": (STDWI, "5*2^-4*x0*y1 - 2*2^-4*x0*y2 - 2^-7*x0*w*(y3+8) - u9*t", "2^-5*u9*t"),
    "sal-exact": (
        SAL,
        "2^-1*x0*y1 - 2^-1*y0*x1 - 2^7*u4*(t-63)*(y3+8)*(y3+4)",
        "u4*(t+64)*(y3+8)*(y3+4)",
    ),
    "sal-exact-slow": (
        SAL,
        "2^-2*x0*y1 - 2^-2*y0*x1 - 2^7*u4*(t-63)*(y3+8)*(y3+4)",
        "u4*(t+64)*(y3+8)*(y3+4)",
    ),
    "sal-exact-m6": (
        SAL,
        "2^-1*x0*y1 - 2^-1*y0*x1 - 2^6*u4*(t-31)*(y3+8)*(y3+8)",
        "u4*(t+32)*(y3+8)*(y3+8)",
    ),
    "sal-exact-m5": (SAL, "2^-1*x0*y1 - 2^-1*y0*x1 - 2^5*u4*(t-15)*(y3+1)", "u4*(t+16)*(y3+1)"),
    "sal-sgn": (
        SAL,
        "2^-1*x0*y1 - 2^-1*y0*x1 - 2^6*u4*sgn(t-112) - 2^6*u4*sgn(t+112)",
        "2^-1*u4*sgn(t-112) + 2^-1*u4*sgn(t+112)",
    ),
    "sal-stoch": (SAL, "2^-3*x0*y1 - 2^-3*y0*x1 - u9*t", "2^-5*u9*t"),
}


def carry_program(name: str) -> Program:
    """The program called ``name``, with t_epoch 1."""
    traces, tag_update, dw = TEXTS[name]
    return program_from_text(dw=dw, dt=tag_update, rng_seed=7, **traces)  # type: ignore[arg-type]
