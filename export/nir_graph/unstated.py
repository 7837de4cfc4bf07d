"""What a NIR file does not state: taken from the user, then its metadata, then clues; else asked for, or assumed aloud."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, get_args

import numpy as np

from neuroalign.errors import FileFormatError, InputError
from neuroalign.export.nir_graph.parameters import NeuronNode
from neuroalign.export.nir_graph.time import (
    TauUnit,
    check_against_dt,
    check_dt,
    check_units,
    find_clue,
    missing_dt,
    time_scale,
)
from neuroalign.export.nir_graph.tree import Note
from neuroalign.network import ResetMode

FileReset = Literal["zero", "subtract", "subtract-late"]
"""What a spike did in training: to v_reset, minus the threshold at once, or minus it behind the next step's decay."""
_RESET_KEYS = ("reset", "reset_mode", "reset_method", "reset_mechanism")
_RESETS: Mapping[str, ResetMode] = {
    "zero": "zero", "reset_to_zero": "zero", "reset_value": "zero", "reset_to_value": "zero",
    "subtract": "subtract", "reset_subtract": "subtract", "reset_by_subtraction": "subtract",
}  # fmt: skip


def settle_time(
    neurons: Sequence[NeuronNode],
    dt: float | None,
    unit: TauUnit | None,
    metadata: Mapping[str, object],
    note: Note,
    assume: Note,
) -> tuple[float, float]:
    """The time step in s, and the factor from the file's time constants to s.

    dt is what the user gives, else what the metadata states, else what the clues agree on. Where a later one
    contradicts the one taken, that is said.

    Raises
    ------
    InputError
        If dt stays unknown, or the unit of the time constants is implausible.
    """
    given = None if dt is None else check_dt(dt)
    written = written_dt(metadata)
    step = given if given is not None else written
    own = metadata.get("neuroalign")
    ours = isinstance(own, Mapping) and "schema" in own
    if ours and unit is None:
        unit = "s"
    scale = time_scale(unit, step)
    check_units(neurons, unit)
    clue = None if ours or unit in ("steps", "dt") else find_clue(neurons, scale)
    if step is None:
        if clue is None:
            raise InputError(missing_dt(neurons, scale))
        step = clue.dt
        assume(f"{clue}; --dt otherwise")
    elif given is None:
        assume(f"dt = {step:g} s, as the file's metadata states")
    if written is not None and abs(written - step) > 1e-5 * step:
        assume(f"WARNING: dt = {step:g} s was given and is used, but the file's metadata states {written:g} s")
    if clue is not None and abs(clue.dt - step) > 1e-5 * step:
        assume(f"WARNING: dt = {step:g} s is used, but the file's gains say {clue}")
    check_against_dt(neurons, unit, scale, step)
    if unit == "dt":
        note(f"time constants are divided by dt = {step:g} s, as files of norse 1.1.0 need")
    elif unit in ("ms", "steps"):
        assume(f"time constants are read in {unit}, as asked")
    return step, scale


def settle_reset(
    given: FileReset | None, neurons: Sequence[NeuronNode], metadata: Mapping[str, object], assume: Note
) -> ResetMode:
    """The reset mode: as given, as the metadata states, or assumed and said so."""
    if given not in (None, *get_args(FileReset)):
        raise InputError(f"reset {given!r} is unknown; it is one of {', '.join(get_args(FileReset))}")
    stated = (_stated(metadata, key) for key in _RESET_KEYS)
    written = next((text for text in stated if isinstance(text, str)), "")
    mode = _RESETS.get(written.lower())
    if given is not None:
        if mode not in (None, given):
            assume(f"WARNING: reset {given!r} was given and is used, but the file's metadata states {written!r}")
        return "zero" if given == "zero" else "subtract"
    if mode is not None:
        assume(f"reset {mode!r}, as the file's metadata states")
        return mode
    if any(n.kind in ("LIF", "CubaLIF", "IF") for n in neurons):
        assume(
            "a spike resets the membrane to v_reset: the file does not say whether training used subtraction; --reset subtract otherwise"
        )
    return "zero"


def written_dt(metadata: Mapping[str, object]) -> float | None:
    """The dt that the file's metadata states, in s; None if it states none."""
    written = _stated(metadata, "dt")
    if written is None:
        return None
    if isinstance(written, np.ndarray) and written.size == 1 and written.dtype.kind in "iuf":
        return check_dt(float(written.ravel()[0]))
    raise FileFormatError(
        f"the metadata states dt = {str(written)[:40]!r}; one number of seconds is needed; repair the file"
    )


def _stated(metadata: Mapping[str, object], key: str) -> object:
    """Entry ``key`` of a graph's metadata, ours (under "neuroalign") before others'; None if absent."""
    own = metadata.get("neuroalign")
    found = own.get(key) if isinstance(own, Mapping) else None
    return metadata.get(key) if found is None else found
