"""``neuroalign compare``: a run made elsewhere, against the emulator bit for bit and against the float model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from neuroalign.chip import ChipNetwork
from neuroalign.compile import float_model
from neuroalign.convert import Held, Reading, Signal, present, read_held
from neuroalign.errors import InputError
from neuroalign.export.recording_file import OutsideRecording, read_recording
from neuroalign.fidelity import LEAST_SPIKES, Agreement, Place, compare, threshold_distances
from neuroalign.fidelity.spikes import first_place
from neuroalign.profile import load_profile
from neuroalign.quantise.graded import chip_stimulus
from neuroalign.recording import Probe, Recording, Stimulus
from neuroalign.sim.emulator import Emulator

RESET_READING = 128
"""What Loihi's membrane register reads right after a spike, where the model has 0; the next step acts as from 0."""

Outcome = Literal["equal", "equal but for a known trait", "different", "no evidence"]


@dataclass(frozen=True)
class StateJudgement:
    """One state of one population against the emulator's.

    Parameters
    ----------
    compared, equal : int
        Values, and how many of them are the same.
    changing : int
        Values of neurons whose state changes in the emulator: the others prove nothing.
    first
        The first difference: place in chip steps from 0, the recorded value and the emulator's.
    trait
        What explains all differences, where something known does.
    evidence : bool
        For spikes at least 20 of the emulator's, for other states that it changes.
    """

    population: str
    state: str
    compared: int
    equal: int
    changing: int
    spikes: int
    first: tuple[Place, float, float] | None
    trait: str
    evidence: bool

    @property
    def text(self) -> str:
        """The finding in words."""
        found = f"{self.population}.{self.state}: {self.equal:,} of {self.compared:,} values equal"
        if self.state == "s":
            found += f", {self.spikes:,} spikes"
        if self.first is not None:
            place, recorded, expected = self.first
            found += (
                f"; first difference in sample {place.sample}, step {place.step}, neuron {place.neuron}: "
                f"{recorded:g} recorded, {expected:g} emulated"
            )
        if not self.evidence:
            few = f"{self.spikes} spikes, {LEAST_SPIKES} are needed" if self.state == "s" else "it does not change"
            found += f" (no evidence by itself: {few})"
        return found + (f"; {self.trait}" if self.trait else "")


@dataclass(frozen=True, eq=False)
class Judgement:
    """What was found; ``agreement`` is with the float model, None where there is none to compare with (``notes``)."""

    recording: str
    outcome: Outcome
    states: tuple[StateJudgement, ...]
    agreement: Agreement | None
    latency_steps: tuple[tuple[str, int], ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class RecordingOptions:
    """How to read a recording.

    ``lag`` is by how many steps its first row comes before the chip's first step (an adapter's step; negative where steps are
    missing); ``volts_per_unit`` what one unit of its v is in volts, None for the chip's own units.
    """

    columns: Sequence[str] | None = None
    lag: int = 0
    volts_per_unit: float | None = None


def judge(
    recording: Path,
    network: Path,
    reading: Reading | None = None,
    signal: Signal | None = None,
    options: RecordingOptions | None = None,
) -> Judgement:
    """Judge a recording.

    Parameters
    ----------
    recording
        See :func:`neuroalign.export.recording_file.read_recording`.
    network, reading
        What was run, as for :func:`neuroalign.convert.convert`.
    signal
        What went in, where the recording does not hold it.
    options
        How to read it.

    Raises
    ------
    NeuroalignError
        If a file cannot be read, the input is unknown, or shapes do not fit.
    """
    options = options or RecordingOptions()
    held = read_held(network, reading or Reading())
    chip = held.chip
    if not chip.is_fixed:
        raise InputError(f"profile {chip.profile_id!r} computes in floating point; compare with a chip's profile")
    found = read_recording(
        recording,
        {p.name: p.size for p in chip.populations},
        {i.name: i.size for i in chip.inputs},
        chip.dt,
        options.columns,
    )
    model, raw = _entered(chip, found, signal)
    emulated = Emulator().run(chip, raw, [(p, s) for p, s in found.states])
    scaled = options.volts_per_unit is not None
    states = tuple(
        _state(probe, _shifted(values, options.lag), emulated.states[probe])
        for probe, values in found.states.items()
        if probe[1] == "s" or not scaled
    )
    notes = [*held.notes]
    if scaled:
        notes.append("v is compared in volts with the float model only, since its unit is not the chip's")
    agreement, why = _with_float(held, found, model, options)
    notes += [why] if why else []
    lags = tuple((p.name, p.latency_steps) for p in chip.populations)
    return Judgement(found.description, _outcome(states), states, agreement, lags, tuple(notes))


def _entered(chip: ChipNetwork, found: OutsideRecording, signal: Signal | None) -> tuple[Stimulus | None, Stimulus]:
    """What the model and what the chip gets."""
    if found.inputs:
        absent = sorted({i.name for i in chip.inputs} - set(found.inputs))
        if absent:
            raise InputError(f"{found.description} lacks input {absent[0]!r}; record all inputs, or give --input")
        raw = Stimulus({name: _whole(name, a) for name, a in found.inputs.items()}, None, found.description)
        plain = not any(i.latency_steps or i.message_bits for i in chip.inputs)
        if plain:
            return raw, chip_stimulus(raw, chip)
        return None, raw
    if signal is None or (signal.file is None and signal.steps is None):
        raise InputError(
            f"{found.description} does not hold what went in; give the same with --input, or --steps, --rate and --seed of "
            "the test signal"
        )
    model = present(chip, signal)
    return model, chip_stimulus(model, chip)


def _whole(name: str, values: NDArray[Any]) -> NDArray[np.int64]:
    if (values != np.rint(values)).any():
        raise InputError(f"input {name!r} holds {values[values != np.rint(values)][0]:g}; a chip takes whole numbers")
    return values.astype(np.int64)


def _shifted(values: NDArray[Any], lag: int) -> NDArray[Any]:
    """Rows from chip step 0 on; rows that are missing are nan."""
    if lag >= 0:
        return values[:, lag:]
    missing = np.full((values.shape[0], -lag, values.shape[2]), np.nan)
    return np.concatenate([missing, values.astype(np.float64)], axis=1)


def _state(probe: Probe, recorded: NDArray[Any], emulated: NDArray[Any]) -> StateJudgement:
    population, state = probe
    if len(recorded) > len(emulated):
        raise InputError(f"{population}.{state} has {len(recorded)} samples, the input {len(emulated)}; give the same")
    steps = min(recorded.shape[1], emulated.shape[1])
    left, right = recorded[:, :steps], emulated[: len(recorded), :steps].astype(np.float64)
    if state == "s":
        right = np.sign(right)
        left = np.sign(left)
    there = ~np.isnan(left.astype(np.float64))
    unequal = (left != right) & there
    place = first_place(unequal)
    first = (
        None
        if place is None
        else (
            place,
            float(left[place.sample, place.step, place.neuron]),
            float(right[place.sample, place.step, place.neuron]),
        )
    )
    moving = (right != right[:, :1]).any(axis=1, keepdims=True) & there
    spikes = int(np.abs(right[there]).sum()) if state == "s" else 0
    trait = ""
    if state == "v" and unequal.any() and (left[unequal] == RESET_READING).all() and (right[unequal] == 0).all():
        trait = (
            f"every difference is {RESET_READING} where the emulator has 0 after a spike: Loihi's register reads so, and the next "
            "step acts as from 0"
        )
    return StateJudgement(
        population,
        state,
        int(there.sum()),
        int(there.sum() - unequal.sum()),
        int(moving.sum()),
        spikes,
        first,
        trait,
        spikes >= LEAST_SPIKES if state == "s" else bool(moving.any()),
    )


def _outcome(states: Sequence[StateJudgement]) -> Outcome:
    if any(s.equal < s.compared and not s.trait for s in states):
        return "different"
    if not any(s.evidence for s in states):
        return "no evidence"
    return "equal but for a known trait" if any(s.trait for s in states) else "equal"


def _with_float(
    held: Held, found: OutsideRecording, model: Stimulus | None, options: RecordingOptions
) -> tuple[Agreement | None, str]:
    """Agreement with the float model, the declared latency and the recording's own lag subtracted; or why there is none."""
    chip, network = held.chip, held.network
    if network is None:
        return None, "the network's file holds integers only: there is no float model to compare with"
    if model is None:
        return None, "the recorded input is in the chip's units: the float model is not run on it"
    lags = {p.name: p.latency_steps + options.lag for p in chip.populations}
    rows = min(a.shape[1] for a in found.states.values())
    steps = min(model.steps, rows - max(lags.values()))
    if steps < 1 or min(lags.values()) < 0:
        return None, f"the recording of {rows} steps does not cover the model's: no comparison with the float model"
    ideal = load_profile("ideal")
    graded = {i.name: float(np.abs(model.inputs[i.name]).max()) for i in chip.inputs if i.message_bits}
    floats = float_model(network, ideal, graded=graded)
    volts = {p.name: p for p in floats.populations}
    run = Emulator().run(floats, chip_stimulus(model, floats), [(p, s) for p, s in found.states if s in "sv"])
    reference = {(p, s): volts[p].volts(a) if s == "v" else a for (p, s), a in run.states.items()}
    states = {
        probe: _in_volts(chip, probe, a, options.volts_per_unit)
        for probe, a in found.states.items()
        if probe[1] in "sv"
    }
    samples = min(len(a) for a in states.values())
    return compare(
        Recording("float model", {k: a[:samples] for k, a in reference.items()}, dict.fromkeys(lags, 0)),
        Recording(found.description, states, lags),
        steps=steps,
        dt=chip.dt,
        thresholds=threshold_distances(network),
        spiking={p.name: p.spiking for p in network.populations if any(name == p.name for name, _ in states)},
        outputs=network.outputs,
        names=("float model", found.description),
    ), ""


def _in_volts(chip: ChipNetwork, probe: Probe, values: NDArray[Any], volts_per_unit: float | None) -> NDArray[Any]:
    if probe[1] == "s":
        return values
    if volts_per_unit is not None:
        return np.asarray(values * volts_per_unit)
    return chip.population(probe[0]).volts(values)
