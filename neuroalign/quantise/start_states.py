"""Integer start states: chosen so that the chip's own arithmetic arrives at the model's start after the lead-in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neuroalign.conversion import ConversionRow
from neuroalign.fixed_point import decay_towards_zero
from neuroalign.quantise.formats import IntegerFormats
from neuroalign.quantise.normal_form import NormalPopulation, refuse_crossing
from neuroalign.quantise.rows import array_row

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

FORGETS = 2.0**-10
"""What remains of a state after a step in which it counts as forgotten: it has no past to be reconstructed."""


NEIGHBOURS = 4
"""Truncation makes the arrival step unevenly; the nearest lies this close to the corrected start."""
Arrive = Callable[[IntArray], IntArray]


@dataclass(frozen=True, eq=False)
class StartStates:
    """``u0`` and ``v0`` (N,) in chip units, and their conversion rows."""

    u0: IntArray
    v0: IntArray
    rows: tuple[ConversionRow, ...]


def fixed_start_states(
    form: NormalPopulation,
    fields: tuple[IntArray, IntArray],
    drive: IntArray,
    threshold: IntArray,
    units_per_volt: FloatArray,
    formats: IntegerFormats,
) -> StartStates:
    """Start states run ``form.latency_steps`` steps backward, then corrected by one integer run forward.

    Parameters
    ----------
    fields
        Decay fields of current and membrane, offsets included, each (N,).
    drive, threshold
        Constant drive and threshold in membrane units, each (N,).

    Raises
    ------
    ConversionRefused
        If the membrane crosses its threshold during the lead-in.
    """
    steps, scale = form.latency_steps, 2**formats.decay.bits
    keep_u, keep_v = 1 - fields[0] / scale, 1 - fields[1] / scale
    wanted_u, wanted_v = form.u_start * units_per_volt, form.v_start * units_per_volt
    decay = formats.decay.bits

    def currents(u0: IntArray) -> list[IntArray]:
        path = [u0]
        for _ in range(steps):
            path.append(np.asarray(decay_towards_zero(path[-1], scale - fields[0], decay), dtype=np.int64))
        return path

    def membranes(v0: IntArray, u: list[IntArray]) -> list[IntArray]:
        path = [v0]
        for step in range(steps):
            moved = decay_towards_zero(path[-1], scale - fields[1], decay) + u[step + 1] + drive
            path.append(np.clip(moved, -formats.v_limit, formats.v_limit).astype(np.int64))
        return path

    def best(
        start: FloatArray, arrive: Arrive, wanted: FloatArray, keep: FloatArray, limit: int
    ) -> tuple[IntArray, int]:
        """The start that arrives nearest: the backward run, corrected by what integer runs forward miss."""
        first = _held(start, limit)
        exact = first + _backward(wanted - arrive(first), keep, steps)
        nearest = _held(exact, limit)
        for beside in sorted(range(-NEIGHBOURS, NEIGHBOURS + 1), key=abs) if steps else ():
            held = _held(np.rint(exact) + beside, limit)
            closer = np.abs(wanted - arrive(held)) < np.abs(wanted - arrive(nearest))
            nearest = np.where(closer, held, nearest)
        return nearest, int(np.count_nonzero(np.abs(np.rint(exact)) > limit))

    u0, clipped_u = best(
        _backward(wanted_u, keep_u, steps), lambda x: currents(x)[-1], wanted_u, keep_u, formats.u_limit
    )
    u = currents(u0)
    v = wanted_v
    for step in range(steps, 0, -1):
        v = np.where(keep_v > FORGETS, (v - u[step] - drive) / np.where(keep_v > FORGETS, keep_v, 1.0), 0.0)
    v0, clipped_v = best(v, lambda x: membranes(x, u)[-1], wanted_v, keep_v, formats.v_limit)
    path = membranes(v0, u)
    # The state before step 1 is never compared with the threshold, so it may lie above it.
    for step, state in enumerate(path[1:], start=1):
        refuse_crossing(form, np.where(state > threshold, np.inf, -np.inf), step)
    scale = (
        threshold / units_per_volt if form.population.spiking else np.full(u0.shape, formats.v_limit) / units_per_volt
    )
    rows = _rows(form, (u0, v0), (u[-1], path[-1]), (keep_u, keep_v), units_per_volt, (clipped_u, clipped_v), scale)
    return StartStates(u0, v0, rows)


def _backward(state: FloatArray, keep: FloatArray, steps: int) -> FloatArray:
    """``state / keep**steps``; 0 where the state is forgotten within a step."""
    known = keep > FORGETS
    return np.where(known, state / np.where(known, keep, 1.0) ** steps, 0.0) if steps else state


def _held(state: FloatArray, limit: int) -> IntArray:
    return np.clip(np.rint(state), -limit, limit).astype(np.int64)


def _rows(
    form: NormalPopulation,
    start: tuple[IntArray, IntArray],
    reached: tuple[IntArray, IntArray],
    keep: tuple[FloatArray, FloatArray],
    units_per_volt: FloatArray,
    clipped: tuple[int, int],
    scale: FloatArray,
) -> tuple[ConversionRow, ...]:
    name, steps = form.population.name, form.latency_steps
    note = (
        f"start state run {steps} step(s) backward; the error is that of the state when the model starts"
        if steps
        else ""
    )
    rows = []
    wanted = (form.u_start, form.v_start)
    for quantity, want, held, got, kept, beyond in zip(
        ("u0", "v0"), wanted, start, reached, keep, clipped, strict=True
    ):
        matters = kept > FORGETS
        if not (want[matters].any() or held.any()):
            continue
        unit = "V/step" if quantity == "u0" else "V"
        meaning = np.where(matters, got / units_per_volt, want)
        rows.append(array_row(name, quantity, want, held, meaning, unit, note, saturated=beyond, scale=scale))
    return tuple(rows)
