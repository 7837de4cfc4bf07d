"""A small Deployment made by hand: a float run, and a chip run with rounded weights that lags by its latency."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroalign.chip import ChipConnection, ChipInput, ChipNetwork, ChipPopulation, Fixed, Float64, NumberFormat
from neuroalign.conversion import ConversionRow, ConversionTable
from neuroalign.deployment import BitEquality, Deployment, Run
from neuroalign.fidelity import compare, equal_states, threshold_distances
from neuroalign.network import Connection, InputPort, Network, NeuronKind, Population
from neuroalign.recording import Recording, Stimulus

UNITS_PER_VOLT = 2.0**14
TAU, DT = 10e-3, 1e-3


def population(name: str, kind: NeuronKind, size: int) -> Population:
    """A leaky population without synaptic filter."""
    full = np.ones(size)
    threshold = full if kind == "LIF" else full * np.inf
    zero = full * 0
    return Population(name, kind, (size,), full * TAU, zero, full * 10, full, zero, threshold, zero, zero, zero, zero)


def network(
    names: tuple[str, str, str] = ("pixels", "hidden", "readout"), sizes: tuple[int, int, int] = (20, 30, 5)
) -> Network:
    """Input, spiking layer, silent readout."""
    r = np.random.default_rng(1)
    first = r.normal(0.1, 0.25, (sizes[1], sizes[0]))
    second = r.normal(0.0, 0.1, (sizes[2], sizes[1]))
    second -= second.mean(1, keepdims=True)  # no class is ahead from the start
    return Network(
        name="hand-made",
        dt=DT,
        inputs=(InputPort(names[0], (sizes[0],)),),
        populations=(population(names[1], "LIF", sizes[1]), population(names[2], "LI", sizes[2])),
        connections=(
            Connection(f"{names[0]} -> {names[1]}", names[0], names[1], first),
            Connection(f"{names[1]} -> {names[2]}", names[1], names[2], second),
        ),
        outputs=(("class", names[2]),),
    )


def chip_of(model: Network, *, fixed: bool) -> ChipNetwork:
    """The chip's form: 8-bit weights under Fixed, the same numbers under Float64."""
    form: NumberFormat = Fixed(24, 0, "toward-zero", "wrap") if fixed else Float64()
    units = UNITS_PER_VOLT if fixed else 1.0
    populations = []
    for depth, p in enumerate(model.populations):
        zero = np.zeros(p.size, dtype=np.int64 if fixed else np.float64)
        populations.append(
            ChipPopulation(
                name=p.name,
                shape=p.shape,
                du=zero + 4095 if fixed else zero + 1,
                dv=zero + 409 if fixed else zero + 0.1,
                threshold=zero + 256 if fixed else p.v_threshold,
                bias_mant=zero,
                bias_exp=np.zeros(p.size, dtype=np.int64),
                u0=zero,
                v0=zero,
                u_format=form,
                v_format=form,
                decay_bits=12,
                u_offset=1 if fixed else 0,
                v_offset=0,
                threshold_shift=6 if fixed else 0,
                weight_shift=6 if fixed else 0,
                spiking=p.spiking,
                latency_steps=depth + 1 if fixed else 0,
                volts_per_unit=np.full(p.size, 1 / units),
                volts_offset=np.zeros(p.size),
            )
        )
    connections = tuple(
        ChipConnection(c.name, c.source, c.target, 2 * np.round(c.weight * 128).astype(np.int64), form, 0, "mixed")
        if fixed
        else ChipConnection(c.name, c.source, c.target, c.weight, form, 0, "mixed")
        for c in model.connections
    )
    return ChipNetwork(
        model.name,
        model.dt,
        "loihi2" if fixed else "ideal",
        tuple(ChipInput(i.name, i.size) for i in model.inputs),
        tuple(populations),
        connections,
        model.outputs,
        1 if fixed else 0,
    )


def simulate(model: Network, spikes: NDArray[Any], lags: tuple[int, int], step_of_weight: float = 0.0) -> Recording:
    """The model's own equations in volts with weights rounded to ``step_of_weight``, delayed by ``lags`` steps."""
    states: dict[tuple[str, str], NDArray[Any]] = {}
    received = spikes.astype(float)
    for p, c, lag in zip(model.populations, model.connections, lags, strict=True):
        w = np.round(c.weight / step_of_weight) * step_of_weight if step_of_weight else c.weight
        samples, steps, _ = received.shape
        v, fired = np.zeros((samples, steps, p.size)), np.zeros((samples, steps, p.size), dtype=np.int8)
        now = np.zeros((samples, p.size))
        for t in range(steps):
            now = 0.9 * now + received[:, t] @ w.T
            fired[:, t] = now > p.v_threshold
            now = np.where(fired[:, t] != 0, 0.0, now)
            v[:, t] = now
        received = fired.astype(float)
        pad = ((0, 0), (lag, max(lags) - lag), (0, 0))
        states |= {(p.name, "v"): np.pad(v, pad), (p.name, "s"): np.pad(fired, pad)}
    return Recording("numpy", states, dict(zip((p.name for p in model.populations), lags, strict=True)), {})


def in_units(recording: Recording) -> Recording:
    """The recording with v in chip integers."""
    states = {
        key: np.round(a * UNITS_PER_VOLT).astype(np.int64) if key[1] == "v" else a
        for key, a in recording.states.items()
    }
    return Recording("emulator", states, recording.latency_steps, {"hidden.v_wrapped": 3})


def deployment(
    names: tuple[str, str, str] = ("pixels", "hidden", "readout"),
    *,
    weight_step: float = 1 / 128,
    samples: int = 24,
    steps: int = 40,
    sizes: tuple[int, int, int] = (20, 30, 5),
    rate: float = 0.15,
    **changes: Any,
) -> Deployment:
    """A whole Deployment with two runs; ``weight_step`` decides how coarse the chip is."""
    r = np.random.default_rng(2)
    model = network(names, sizes)
    pattern = r.random((samples, 1, sizes[0])) < 0.5  # each sample drives its own half of the channels
    spikes = (r.random((samples, steps, sizes[0])) < 2 * rate * pattern).astype(np.int8)
    ideal, chip = chip_of(model, fixed=False), chip_of(model, fixed=True)
    reference = replace(simulate(model, spikes, (0, 0)), backend="emulator")
    candidate = simulate(model, spikes, (1, 2), weight_step)
    raw = in_units(candidate)
    candidate = replace(candidate, backend="emulator", counts=raw.counts)
    labels = np.asarray(reference.states[names[2], "v"].sum(1).argmax(1), dtype=np.int64)
    agreement = compare(
        reference,
        candidate,
        steps=steps,
        dt=DT,
        thresholds=threshold_distances(model),
        spiking={p.name: p.spiking for p in model.populations},
        labels=labels,
        outputs=model.outputs,
        names=("ideal", "loihi2 emulator"),
    )
    whole: dict[str, Any] = {
        "source": "hand_made.nir",
        "network": model,
        "profile_id": "loihi2",
        "chip": chip,
        "table": TABLE,
        "stimulus": Stimulus({names[0]: spikes}, labels, "seeded random spikes"),
        "runs": (
            Run("ideal", "emulator", "ideal", reference, None, ideal, 0.1),
            Run("loihi2 emulator", "emulator", "loihi2", candidate, raw, chip, 0.2),
        ),
        "reference": "ideal",
        "agreements": (agreement,),
        "bit_equality": (BitEquality("loihi2 emulator", "loihi2 lava", equal_states(raw, raw)),),
        "assumptions": ("dt = 0.001 s, inferred from r = tau / dt.",),
        "assumed_figures": ("synapse.packing: taken from Loihi 1.",),
        "not_checked": ("cores: the profile gives no figure.",),
        "versions": {"neuroalign": "0.1.0", "numpy": np.__version__},
        "command": "neuroalign deploy hand_made.nir --profile loihi2",
        "seed": 2,
        "created": "2025-01-01T00:00:00+00:00",
    }
    return Deployment(**(whole | changes))


TABLE = ConversionTable(
    (
        ConversionRow("hidden", "threshold", 30, 1.0, "256 << 6", 1.0, 0.0, 0.0, "V", "[0]", 0, "exact"),
        ConversionRow("hidden", "decay_v", 30, 0.1, "409", 409 / 4096, 1.5e-4, 1.5e-3, "", "[0]", 0, "rounded"),
        ConversionRow(
            "hidden -> readout", "weight", 150, 0.41, "98", 0.38, 0.03, 0.07, "", "[3, 7]", 2, "saturated", "8 bits."
        ),
        ConversionRow("readout", "latency", 1, 0.0, "2", 2.0, 0.0, 0.0, "steps", "", 0, "substituted", "Subtracted."),
    )
)
