"""Runs a generated kernel beside the reference, epoch by epoch, on the reference's own traces and spikes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from neuroalign.chip import Numbers, Plasticity, SignMode
from neuroalign.microcode import SYNAPTIC, Program
from neuroalign.sim.emulator.codegen_cache import Kernel, kernel
from neuroalign.sim.emulator.codegen_source import ARGUMENTS, CHOOSE, DENSE, EVENT, source_of
from neuroalign.sim.emulator.codegen_terms import Plan, plan_of, rule_of
from neuroalign.sim.emulator.learning_reference import TAG_MIN, PlasticState, plastic_state

FORMS = {"choose": CHOOSE, "dense": DENSE, "event": EVENT}
NAMES = ("weight", "delay", "tag")


@dataclass
class Beside:
    """One kernel and one form of it, with its own w, d and t, [source, target]."""

    plan: Plan
    kernel: Kernel
    form: int
    held: dict[str, Numbers]
    limited: NDArray[np.int64]
    scratch: NDArray[np.int64]
    epochs: int = 0
    changed: int = 0


def beside(program: Program, state: PlasticState, sign_mode: SignMode, form: str, folder: Path | None) -> Beside:
    """A kernel for a program, holding what a reference state holds."""
    plan = plan_of(rule_of(Plasticity(program, state.tag, 1.0), sign_mode, state.fixed))
    targets, sources = state.weight.shape
    pitch = -(-targets // 32) * 32
    dtype = np.int16 if state.fixed else np.float64
    held = {name: np.zeros((sources, pitch), dtype) for name in SYNAPTIC}
    scratch = np.zeros(plan.scratch_bytes(targets, program.t_epoch) // 8 + 1, np.int64)
    own = Beside(plan, kernel(source_of(plan), folder), FORMS[form], held, np.zeros(3, np.int64), scratch)
    take_over(own, state)
    return own


def take_over(own: Beside, state: PlasticState) -> None:
    """Hold what the reference holds."""
    for name, values in zip(SYNAPTIC, (state.weight, state.delay, state.tag), strict=True):
        own.held[name][:, : values.shape[0]] = values.T
    own.limited[:] = [state.counts.get(f"{name}_limited", 0) for name in NAMES]


def is_for_the_interpreter(state: PlasticState, offset: int) -> bool:
    """Whether an epoch is one of those that generated kernels leave to the interpreter."""
    tagged = bool(state.program.tag_update)
    return state.fixed and tagged and (offset == 0 or bool((state.tag == TAG_MIN).any()))


def run_epoch(own: Beside, state: PlasticState, t: int, histories: tuple[Numbers, Numbers], offset: int) -> None:
    """Let the kernel do what the reference is about to do at the end of step t."""
    dtype = np.int32 if state.fixed else np.float64
    x, y = (np.ascontiguousarray(values.astype(dtype)) for values in histories)
    tx, ty = state.tx.astype(np.int32), state.ty.astype(np.int32)
    targets, sources = state.weight.shape
    k = state.program.k
    places = [own.held[name].ctypes.data for name in SYNAPTIC]
    places += [array.ctypes.data for array in (x, y, tx, ty, own.limited, own.scratch)]
    epoch = t // state.program.t_epoch
    numbers = [sources, targets, own.held["w"].shape[1], state.program.t_epoch, offset]
    numbers += [int(k is not None and epoch % 2**k == 0), own.form]
    call = np.array(places + numbers, dtype=np.int64)
    assert len(call) == len(ARGUMENTS)
    before = [values.copy() for values in own.held.values()]
    from_address(own.kernel.address)(call.ctypes.data)
    own.epochs += 1
    own.changed += any((a != b).any() for a, b in zip(own.held.values(), before, strict=True))


def from_address(address: int):  # type: ignore[no-untyped-def]
    """The function at an address."""
    import ctypes

    return ctypes.CFUNCTYPE(None, ctypes.c_int64)(address)


def compare(
    program: Program,
    rng: np.random.Generator,
    *,
    fixed: bool,
    sign_mode: SignMode,
    shape: tuple[int, int],
    steps: int,
    rate: float,
    forms: tuple[str, ...],
    folder: Path | None,
) -> list[Beside]:
    """Run a program on random spikes; raises AssertionError where a kernel differs from the reference."""
    low, high = {"mixed": (-300, 300), "excitatory": (0, 300), "inhibitory": (-300, 1)}[sign_mode]
    weight = rng.integers(low, high, shape) if fixed else rng.normal(size=shape)
    tag = rng.integers(-260, 260, shape) if fixed else rng.normal(size=shape)
    state = plastic_state(program, weight, fixed=fixed, sign_mode=sign_mode, tag=tag * (rng.random() < 0.7))
    own = [beside(program, state, sign_mode, form, folder) for form in forms]
    learnt = False
    for t in range(1, steps + 1):
        state.record_source(t, (rng.random(shape[1]) < rate).astype(np.int64))
        state.record_target(t, (rng.random(shape[0]) < rate).astype(np.int64))
        if t % program.t_epoch:
            continue
        epoch = t // program.t_epoch
        offset = int(127 - np.floor(128 * state.streams.rounding[epoch])) if fixed else 0
        skipped = not learnt or is_for_the_interpreter(state, offset)
        if not skipped:
            histories = state._histories(t)
            for kernel_run in own:
                run_epoch(kernel_run, state, t, histories, offset)
        state.learn(t)
        for kernel_run in own:
            if skipped:
                take_over(kernel_run, state)
            else:
                assert_same(kernel_run, state, t)
        learnt = True
    return own


def assert_same(own: Beside, state: PlasticState, t: int) -> None:
    """Every synaptic variable and counter."""
    for name, values in zip(SYNAPTIC, (state.weight, state.delay, state.tag), strict=True):
        found = own.held[name][:, : values.shape[0]].T
        message = f"{name} at step {t}, form {own.form}: {state.program}"
        if state.fixed:
            np.testing.assert_array_equal(found, values, err_msg=message)
        else:
            np.testing.assert_allclose(found, values, rtol=1e-9, atol=1e-9, err_msg=message)
    counts = [state.counts.get(f"{name}_limited", 0) for name in NAMES]
    assert own.limited.tolist() == counts, f"step {t}, form {own.form}: {state.program}"
