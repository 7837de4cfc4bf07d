"""One network on every backend asked for, and what their recordings say of each other."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from neuroalign.chip import ChipNetwork
from neuroalign.compile import compile_network, float_model
from neuroalign.conversion import ConversionRow, ConversionTable
from neuroalign.deployment import BitEquality, Run
from neuroalign.deployment.plastic_runs import chip_reads, learning_probes, model_reads, model_weights
from neuroalign.encoding import Encoded
from neuroalign.errors import BackendMissing, InputError
from neuroalign.export.lava_script import write_lava_script
from neuroalign.fidelity import Agreement, compare, equal_states, threshold_distances
from neuroalign.network import Network
from neuroalign.pipeline.options import BackendName, Options
from neuroalign.profile import Profile, load_profile
from neuroalign.quantise.graded import chip_stimulus
from neuroalign.recording import Probe, Recording, Stimulus, first_recorded, first_samples
from neuroalign.sim.emulator import Emulator
from neuroalign.sim.lava_processes.backend import LavaBackend
from neuroalign.sim.lava_processes.loihi import LoihiBackend
from neuroalign.sim.norse_reference.backend import NorseReference


def require_backends(backends: Sequence[BackendName]) -> None:
    """Refuse backends that cannot run here before any work is done."""
    known: Mapping[str, Emulator | LavaBackend | LoihiBackend | NorseReference] = {
        "emulator": Emulator(),
        "lava": LavaBackend(),
        "norse": NorseReference(),
        "loihi": LoihiBackend(write_lava_script),
    }
    for name in backends:
        if name not in known:
            raise InputError(f"--backend {name!r} is unknown; one of {', '.join(known)}")
        missing = known[name].missing()
        if missing:
            raise BackendMissing(missing)


def run_all(
    network: Network, profile: Profile, chip: ChipNetwork, encoded: Encoded, options: Options
) -> tuple[Run, ...]:
    """The reference first, then the ideal control, then the profile on every chip backend asked for."""
    ideal_profile = load_profile("ideal")
    ideal, _ = compile_network(network, ideal_profile, graded=encoded.graded)
    runs = []
    if "norse" in options.backends:
        runs.append(
            _timed(
                "float model (Norse)",
                "norse",
                "float",
                None,
                lambda: NorseReference().run_model(
                    network,
                    encoded.stimulus,
                    [
                        *_probes(network, chip=False),
                        *((c.name, "w") for c in network.connections if c.rule is not None),
                    ],
                    read_steps=model_reads(encoded.stimulus.steps),
                    progress=_told(options, "float model in Norse"),
                ),
            )
        )
    model = float_model(network, ideal_profile, graded=encoded.graded)
    label = "float model" if not runs else "float model (own)"
    runs.append(_emulated(label, model, encoded, options))
    runs.append(_emulated("ideal (chip order, no rounding)", ideal, encoded, options))
    others = {"lava", "loihi"} & set(options.backends)
    if profile.arithmetic == "fixed" and ("emulator" in options.backends or not others):
        runs.append(_emulated(f"{profile.id} (emulator)", chip, encoded, options))
    if "lava" in options.backends:
        samples = first_samples(encoded.stimulus, options.lava_samples or encoded.stimulus.samples)
        runs.append(
            _timed(
                f"{profile.id} (Lava)",
                "lava",
                profile.id,
                chip,
                lambda: LavaBackend().run(
                    chip,
                    chip_stimulus(samples, chip),
                    [*_probes(network, chip=True), *learning_probes(chip)],
                    read_steps=chip_reads(chip, model_reads(encoded.stimulus.steps)),
                    time_limit_s=options.lava_time_limit_s,
                    progress=_told(options, "Lava"),
                ),
            )
        )
    if "loihi" in options.backends:
        runs.append(_on_loihi(profile, chip, encoded, options))
    return tuple(runs)


def _on_loihi(profile: Profile, chip: ChipNetwork, encoded: Encoded, options: Options) -> Run:
    """Spikes of the chip itself, through Lava."""
    samples = first_samples(encoded.stimulus, options.lava_samples or encoded.stimulus.samples)
    backend = LoihiBackend(write_lava_script)
    return _timed(
        f"{profile.id} (Loihi)",
        "loihi",
        profile.id,
        chip,
        lambda: backend.run(chip, chip_stimulus(samples, chip), time_limit_s=options.lava_time_limit_s),
    )


def _emulated(label: str, chip: ChipNetwork, encoded: Encoded, options: Options) -> Run:
    stimulus = chip_stimulus(encoded.stimulus, chip)
    probes = [
        (p.name, state) for p in chip.populations for state in (("s", "v", "u", "a") if chip.is_fixed else ("s", "v"))
    ] + learning_probes(chip)
    reads = chip_reads(chip, model_reads(encoded.stimulus.steps))
    tell = _told(options, f"emulator: {label}")
    if tell:
        tell(0, stimulus.steps)  # compiling comes before the first step
    return _timed(
        label,
        "emulator",
        chip.profile_id,
        chip,
        lambda: Emulator().run(
            chip,
            stimulus,
            probes,
            read_steps=reads,
            threads=options.threads,
            store=_store(options, label),
            progress=tell,
        ),
    )


def _store(options: Options, label: str) -> Path | None:
    """A folder of its own for each run's checkpoint."""
    if options.checkpoint is None:
        return None
    return options.checkpoint / re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-")


def _timed(label: str, backend: str, profile_id: str, chip: ChipNetwork | None, run: Callable[[], Recording]) -> Run:
    started = time.perf_counter()
    recording = run()
    seconds = time.perf_counter() - started
    return Run(
        label,
        backend,
        profile_id,
        _in_volts(recording, chip),
        recording if chip and chip.is_fixed else None,
        chip,
        seconds,
    )


def _in_volts(recording: Recording, chip: ChipNetwork | None) -> Recording:
    """The spikes, the membranes in the model's volts, and learnt weights in the model's unit."""
    if chip is None:
        return recording
    states: dict[Probe, object] = {**model_weights(chip, recording)}
    for population in chip.populations:
        states[population.name, "s"] = recording.states[population.name, "s"]
        if (population.name, "v") in recording.states:  # a chip is asked for spikes only
            states[population.name, "v"] = population.volts(recording.states[population.name, "v"])
    return Recording(recording.backend, states, recording.latency_steps, recording.counts, recording.read_steps)  # type: ignore[arg-type]


def _probes(network: Network, *, chip: bool) -> list[Probe]:
    return [(p.name, state) for p in network.populations for state in (("s", "v", "u", "a") if chip else ("s", "v"))]


def agree(network: Network, stimulus: Stimulus, reference: Run, run: Run) -> Agreement:
    """What one run has in common with the reference, over the samples that both ran."""
    samples = min(len(a) for a in run.recording.states.values()) if run.recording.states else 0
    labels = None if stimulus.labels is None else stimulus.labels[:samples]
    return compare(
        first_recorded(reference.recording, samples),
        run.recording,
        steps=stimulus.steps,
        dt=network.dt,
        thresholds=threshold_distances(network),
        spiking={p.name: p.spiking for p in network.populations},
        labels=labels,
        outputs=network.outputs,
        names=(reference.label, run.label),
    )


def bit_equality(runs: Sequence[Run]) -> tuple[BitEquality, ...]:
    """The emulator against Lava and the chip, on every state of every step that both recorded."""
    fixed = [run for run in runs if run.raw is not None]
    found = []
    for left in fixed:
        for right in fixed:
            if left.backend == "emulator" and right.backend in ("lava", "loihi") and left.raw and right.raw:
                samples = min(len(a) for a in right.raw.states.values())
                states = equal_states(first_recorded(left.raw, samples), first_recorded(right.raw, samples))
                found.append(BitEquality(left.label, right.label, states))
    return tuple(found)


def with_cycle_cost(network: Network, table: ConversionTable, agreements: Sequence[Agreement]) -> ConversionTable:
    """Rows of cycles that lag the model, with what the lag alone costs: the ideal control against the float model."""
    late = [row for row in table.rows if row.quantity == "delay" and row.status == "approximate"]
    if not late:
        return table
    ideal = next(a for a in agreements if a.candidate.startswith("ideal"))
    parts = []
    for p in ideal.populations:
        if p.spikes is not None:
            parts.append(
                f"{p.name}: {1 - p.spikes.equal_bins:.2%} of bins differ, {p.spikes.reference_spikes} spikes become {p.spikes.candidate_spikes}"
            )
    cost = "; measured on this input, without rounding: " + "; ".join(parts)

    def told(row: ConversionRow) -> ConversionRow:
        return replace(row, note=row.note + cost) if row in late else row

    return ConversionTable(tuple(told(row) for row in table.rows))


def warnings_of(options: Options, runs: Sequence[Run]) -> tuple[str, ...]:
    """What a reader of the report should know: backends that are missing here, and states that met the end of their range."""
    warnings = []
    norse, lava = NorseReference().missing(), LavaBackend().missing()
    if "norse" not in options.backends and norse:
        warnings.append(f"The float side is the toolkit's own double-precision form of the model. {norse}")
    if "lava" not in options.backends and lava:
        warnings.append(f"Not compared with Lava in this run. {lava}")
    for run in runs:
        excess: Mapping[str, int] = {name: n for name, n in run.recording.counts.items() if n}
        if run.chip is not None and run.chip.is_fixed and excess:
            told = ", ".join(f"{name.replace('.', ': ').replace('_', ' ')} {n} times" for name, n in excess.items())
            warnings.append(f"{run.label}: {told}")
    return tuple(warnings)


def _told(options: Options, what: str) -> Callable[[int, int], None] | None:
    if options.progress is None:
        return None
    tell = options.progress
    return lambda done, total: tell(what, done, total)
