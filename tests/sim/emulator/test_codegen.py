"""Generated kernels against the reference: every synapse and counter of every epoch, in each form of a kernel."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from generated_kernels import compare, from_address
from random_rules import SIGN_MODES, random_program

from neuroalign.chip import Plasticity, SignMode
from neuroalign.microcode import Program, Trace
from neuroalign.microcode.text import program_from_text
from neuroalign.sim.emulator.codegen_cache import kernel
from neuroalign.sim.emulator.codegen_source import DENSE, EVENT, lanes_of, source_of
from neuroalign.sim.emulator.codegen_terms import plan_of, rule_of
from neuroalign.sim.emulator.products import accumulate, rounded

STDP = "2^-2*y0*x1 - 2^-2*x0*y1"
REVERSED = "-2^-2*x0*y1 + 2^-2*y0*x1"
FORMS = ("dense", "event", "choose")


def program(dw: str, dt: str | None = None, dd: str | None = None, t_epoch: int = 1) -> Program:
    traces = {name: Trace(impulse, tau) for name, impulse, tau in TRACES}
    return program_from_text(dw, dt=dt, dd=dd, t_epoch=t_epoch, **traces)  # type: ignore[arg-type]


TRACES = (("x1", 30.3, 9.0), ("x2", 90, 4.5), ("y1", 40.7, 7.0), ("y2", 11, 30.0), ("y3", 0, 0))


def lanes(p: Program, mode: SignMode = "mixed") -> tuple[str, str]:
    """Lanes in the rows of sources that are silent and of those that spiked."""
    plan = plan_of(rule_of(Plasticity(p, np.zeros((1, 1)), 1.0), mode, True))
    return lanes_of(plan, False), lanes_of(plan, True)


def test_16_bits_where_they_are_exact() -> None:
    """Saturation at -32768 in place of -32769 shows where something is added afterwards."""
    assert lanes(program(STDP)) == ("16", "16")
    assert lanes(program(REVERSED)) == ("16", "16")  # the synapses at the lower end are known
    assert lanes(program("-2^-2*x0*y1 + 2^-2*y0*(x1-40)")) == ("16", "16")  # may rise or fall further: in steps
    assert lanes(program("-2^-2*x0*y1 + 2^-2*y0*(x1-40)"), "excitatory") == ("16", "16")  # never gets so low
    assert lanes(program("2^2*y0*x1")) == ("16", "16")  # 127 * 4 * 128 is limited before it is added
    assert lanes(program("-2^2*y0*x1")) == ("16", "16")  # ... as this is, to -32769: in steps
    assert lanes(program("-2^-7*y0*x1")) == ("16", "16")  # odd: -32769 can be met by itself, but nothing follows
    assert lanes(program("2^-4*y0*x1 - 2^-7*x0*y1")) == ("16", "16")  # ... nor is it met before
    assert lanes(program("-2^-2*y0*x1 + 2^-7*y0*(x1-40)")) == ("32", "32")  # odd, with such a lower end before it
    assert lanes(program("2*x0*w")) == ("-", "16")
    thrice = "2^3*y0*y1 - 2^3*y0*w + 2^3*y0*y1"
    assert lanes(program(thrice)) == ("32", "32")  # limited itself a third time


RULES = {
    "stdp": (STDP, None, None),
    "reversed": (REVERSED, None, None),
    "triplet": ("2^-3*y0*x1*(y2+3) - 3*2^-4*x0*y1 - 2^-2*x0", None, None),
    "coupled": ("2^-4*y0*w*(t+3) - 2^-3*x0*t", "x0*y0*y1 + 2^-1*y0*x2 - 2^-3*u1*t", "2*y0*sgn(w-9) - x0*d"),
    "carried": ("2^-7*u2*t", "2^-2*y0*x1 - 2^-1*x0*y1 - u2*t", None),
    "fractions": ("y0*(x1-3*2^-2)*(w+2^-1) - 5*x0*(w-5*2^-1)", "x0*sgn(w+2^-1) - u0*sgn(t-2^-1)", None),
    "wrapping": ("7*2^3*y0*x1*x2*w*(t+100) - 7*2^2*x0*y1*y2*w*t*d", "2^8*y0*w", "x0*y1*y2 - 2^6*y0*x1"),
    "beyond": ("2^2*y0*x1 - 2^-1*x0*y1 + 2^-3*y0 - 2^-2*x0", "2^3*x0*x1 - 2^-1*y0*y1 + y0*y2", None),
    "additive": ("3*x0*x1 + 2^-1*y0*y1*x0 - 2^-2*y0", None, "-3*y0*(w-20) + u1*y1"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "mode", "t_epoch"),
    [
        ("stdp", "mixed", 1), ("stdp", "inhibitory", 3), ("reversed", "mixed", 1), ("triplet", "excitatory", 1),
        ("coupled", "mixed", 2), ("carried", "mixed", 1), ("fractions", "inhibitory", 1), ("wrapping", "mixed", 1),
        ("additive", "excitatory", 3), ("beyond", "mixed", 1), ("beyond", "mixed", 2),
    ],
)  # fmt: skip
def test_kernels_are_bit_equal(name: str, mode: SignMode, t_epoch: int) -> None:
    changed = 0
    for number, (shape, rate) in enumerate([((70, 40), 0.08), ((33, 5), 0.5)]):
        rng = np.random.default_rng(number)
        own = compare(
            program(*RULES[name], t_epoch=t_epoch), rng, fixed=True, sign_mode=mode, shape=shape, steps=50 * t_epoch,
            rate=rate, forms=FORMS, folder=None,
        )  # fmt: skip
        changed += own[0].changed
        assert own[0].epochs > 25
    assert changed > 20


@pytest.mark.parametrize("seed", [3, 8])
def test_drawn_programs_are_bit_equal(seed: int) -> None:
    rng = np.random.default_rng(seed)
    mode = SIGN_MODES[seed % 3]
    compare(
        random_program(rng), rng, fixed=True, sign_mode=mode, shape=(40, 20), steps=80, rate=0.2, forms=FORMS,
        folder=None,
    )  # fmt: skip


@pytest.mark.parametrize(("mode", "t_epoch"), [("mixed", 1), ("excitatory", 3)])
def test_real_kernels_agree_up_to_rounding(mode: SignMode, t_epoch: int) -> None:
    dw = "2^-7*y0*x1*(w-1) - 2^-7*x0*y1 + 2^-6*u1*sgn(t)*w"
    real = program(dw, "2^-6*y0*x2*x0 - 2^-3*x0*t", "2^-5*y0*y1 - 2^-3*y0*d", t_epoch)
    for shape, rate in (((70, 40), 0.1), ((5, 3), 0.5)):
        own = compare(
            replace(real), np.random.default_rng(1), fixed=False, sign_mode=mode, shape=shape, steps=150, rate=rate,
            forms=FORMS, folder=None,
        )  # fmt: skip
        assert own[0].changed > 20


def updated(text: str, mode: SignMode, form: int, offset: int, values: Any) -> tuple[Any, int]:
    """New weights of synapses whose source and target have the traces and the weight given, one of each for each."""
    w, x1, y1, spiked_x, spiked_y = values
    plan = plan_of(rule_of(Plasticity(program(text), np.zeros((1, 1)), 1.0), mode, True))
    sources, targets = x1.size, y1.size
    held = np.array(np.broadcast_to(w, (sources, targets)), dtype=np.int16, order="C")
    x, y = np.zeros((2, 2, sources), np.int32), np.zeros((2, 3, targets), np.int32)
    x[1, 0], y[1, 0] = x1, y1
    tx, ty = np.full(sources, spiked_x, np.int32), np.full(targets, spiked_y, np.int32)
    limited, scratch = np.zeros(3, np.int64), np.zeros(plan.scratch_bytes(targets, 1), np.uint8)
    places = [held, held, held, x, y, tx, ty, limited, scratch]
    numbers = [sources, targets, targets, 1, offset, 0, form]
    call = np.array([a.ctypes.data for a in places] + numbers, dtype=np.int64)
    from_address(kernel(source_of(plan), None).address)(call.ctypes.data)
    return held, int(limited[0])


RANGES: dict[SignMode, tuple[int, int]] = {"mixed": (-256, 255), "excitatory": (0, 255), "inhibitory": (-255, 0)}


def assert_exact(text: str, mode: SignMode, form: int, offsets: Iterable[int], values: Any) -> None:
    """Weights and counter of one update against the reference's arithmetic, for each offset of the rounding."""
    w, x1, y1, sx, sy = values
    low, high = RANGES[mode]
    named = {"x0": np.array([[sx]]), "y0": np.array([[sy]]), "w": w[None], "x1": x1[:, None], "y1": y1[None]}
    total, excess = accumulate(
        np.broadcast_to(w, (x1.size, y1.size)), program(text).dw, dict.fromkeys(("x0", "y0", "u"), named)
    )
    signed = np.clip(total, None if low else 0, None if high else 0)
    for offset in offsets:
        found, limited = updated(text, mode, form, offset, values)
        exact = rounded(signed, np.asarray((127 - offset) / 128))
        np.testing.assert_array_equal(found, np.clip(exact, low, high))
        assert limited == np.count_nonzero(excess | (signed != total) | (exact != np.clip(exact, low, high)))


@pytest.mark.parametrize(("text", "form"), [(STDP, DENSE), (STDP, EVENT), (REVERSED, DENSE)])
def test_pair_stdp_is_exact_on_every_weight_and_trace(text: str, form: int) -> None:
    """All weights and source traces, and of target traces and offsets the ends and some between."""
    y1 = np.array([0, 1, 2, 64, 127])
    w, target_traces = np.repeat(np.arange(-256, 256), y1.size), np.tile(y1, 512)
    for sx, sy in ((1, 1), (0, 1), (1, 0)):
        assert_exact(text, "mixed", form, (0, 96, 127), (w, np.arange(128), target_traces, sx, sy))


@pytest.mark.parametrize(
    ("text", "mode"),
    [
        ("2^-1*x1*w*y0 - 2^-1*y1*w*x0", "mixed"),
        ("2^2*(x1-60)*y0 - 2^2*(y1-60)*x0 - 2^-3*w*y0", "mixed"),
        ("2^-1*x1*w*y0 - 2^1*y1*x0 + 2^-5*w*x0", "inhibitory"),
        ("-2^2*x0*y1 + 2^2*y0*x1", "excitatory"),
        ("2^-4*x1*y0 + 2^-7*(w-3)*y0 - 2^-7*x0", "mixed"),
    ],
)
def test_large_and_odd_changes_are_exact_in_16_bits(text: str, mode: SignMode) -> None:
    """All weights and offsets, and traces at whose ends changes are limited once, twice, up and down."""
    assert "16" in lanes(program(text), mode)
    traces, weights = np.array([0, 1, 17, 59, 64, 100, 127]), np.arange(RANGES[mode][0], RANGES[mode][1] + 1)
    w, y1 = np.repeat(weights, traces.size), np.tile(traces, weights.size)
    for sx, sy in ((1, 1), (0, 1)):
        assert_exact(text, mode, DENSE, range(128), (w, traces, y1, sx, sy))
