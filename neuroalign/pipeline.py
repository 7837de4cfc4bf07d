"""``deploy``: from a trained network's file to a judged deployment, in one call."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from numpy.typing import ArrayLike

from neuroalign import __version__
from neuroalign.backend_runs import agree, bit_equality, require_backends, run_all, warnings_of, with_cycle_cost
from neuroalign.calibration import SearchOptions, SearchResult, calibration_input, search
from neuroalign.calibration.mixed_precision import allot_bits, with_bits
from neuroalign.chip import ChipNetwork
from neuroalign.compile import compile_network, float_model
from neuroalign.conversion import ConversionTable
from neuroalign.deployment import Deployment, Placed, Run, has_capacities, placed, placement_in_words
from neuroalign.deployment.plastic_runs import (
    compare_plastic,
    model_reads,
)
from neuroalign.encoding import Encoded, Encoding, bernoulli_signal, encode, stimulus_of
from neuroalign.errors import ConversionRefused, InputError
from neuroalign.export.nir_graph import FileReset, ImportedNetwork, Writer, read_nir
from neuroalign.export.nir_graph.build import GainUnit, Initial
from neuroalign.export.nir_graph.time import TauUnit
from neuroalign.export.nir_graph.tree import Edge
from neuroalign.export.stimulus_file import check_scale, read_stimulus
from neuroalign.network import Network
from neuroalign.options import BackendName, Options
from neuroalign.placement import place
from neuroalign.profile import Profile, assumed_in_words, load_profile, not_checked_in_words
from neuroalign.quantise.graded import chip_stimulus
from neuroalign.quantise.learning import RuleChoices
from neuroalign.quantise.legality import check_runs, check_supported, resets_alike, with_microcode
from neuroalign.quantise.scale_question import ScaleChoice
from neuroalign.recording import Stimulus, first_samples
from neuroalign.redeploy import only_stored, preferred, stored_chip, with_stored_widths
from neuroalign.sim.emulator import Emulator
from neuroalign.sim.emulator.memory import available_bytes

SPLIT_SHARES = (0.01, 0.02, 0.05)
"""Shares of the largest weights that a search tries over two synapses."""
PACKAGES = ("numpy", "numba", "h5py", "matplotlib", "nir", "torch", "norse", "lava-nc")


def deploy(
    source: str | Path | Network,
    profile: str | Path | Profile = "loihi2",
    *,
    backends: Sequence[BackendName] | None = None,
    dt: float | None = None,
    reset: FileReset | None = None,
    stimulus: Stimulus | str | Path | ArrayLike | Mapping[str, ArrayLike] | None = None,
    encoding: Encoding | None = None,
    input_scale: float = 1.0,
    steps: int | None = None,
    rate: float | None = None,
    seed: int | None = None,
    strict: bool | None = None,
    out: str | Path | None = None,
    options: Options | None = None,
    tau_unit: TauUnit | None = None,
    written_by: Writer | None = None,
    initial: Initial = "rest",
    if_gain: GainUnit = "step",
    closing: Sequence[Edge] | None = None,
) -> Deployment:
    """Bring a network to a hardware profile, run it on every backend asked for, and compare with the float model.

    One call does what the command ``neuroalign deploy`` does.

    Parameters
    ----------
    source
        A .nir file, or a Network, which says of itself what ``dt``, ``reset`` and the options of reading say of a file.
    profile
        Name of a built-in profile, a .toml file, or a Profile.
    backends
        What to run on: "emulator", "lava", "norse", "loihi"; None takes those of ``options``.
    dt : s
        Time step; None infers it from the file where the file gives a clue.
    reset
        What a spike does to the membrane, as read_nir takes it; None assumes "zero" and says so.
    stimulus
        A Stimulus, a file of one, or None for a seeded test signal. Or arrays, tensors of torch included: (samples, steps,
        channels), or (steps, channels) of one sample, by name of the input, or one alone for the only input.
    encoding
        How values that are not 0/1 become input.
    input_scale
        What the values of a file are divided by first.
    steps, rate
        Of the test signal: steps (1000 if None) and probability of a spike per channel and step (0.05 if None).
        ``steps`` also cuts another stimulus, or holds one of a single step.
    seed, strict
        In place of those of ``options``.
    out
        Folder for report.html and report.json; None writes nothing.
    options
        All else: see :class:`Options`.
    tau_unit, written_by, initial, if_gain, closing
        How the file is read: see :func:`neuroalign.export.nir_graph.read_nir`.

    Returns
    -------
    Deployment
        What was found; ``neuroalign.write_report(deployment, folder)`` writes it down.

    Raises
    ------
    NeuroalignError
        One line naming the thing, the value, the limit and the remedy.

    Examples
    --------
    >>> import neuroalign
    >>> import numpy as np
    >>> spikes = np.random.default_rng(1).random((2, 20, 64)) < 0.1
    >>> deployment = neuroalign.deploy("network.nir", "loihi2", dt=1e-3, reset="zero", stimulus=spikes)
    >>> deployment.chip_runs[0].label
    'loihi2 (emulator)'
    """
    options = _overridden(options or Options(), backends, seed, strict)
    _check_input_options(stimulus, input_scale, rate)
    target = profile if isinstance(profile, Profile) else load_profile(profile)
    check_runs(target)
    if isinstance(source, Network):
        given = {"dt": dt, "reset": reset, "tau_unit": tau_unit, "written_by": written_by, "closing": closing}
        imported = _in_memory(source, [name for name, value in given.items() if value is not None])
    elif not isinstance(source, (str, os.PathLike)):
        raise InputError(
            f"source is of type {type(source).__name__}; a path to a NIR file or a neuroalign.Network is needed: a graph "
            "of the nir package is written with nir.write(path, graph) first, a model with its framework's export"
        )
    else:
        imported = read_nir(
            source,
            dt=dt,
            reset=reset,
            strict=options.strict,
            initial=initial,
            tau_unit=tau_unit,
            if_gain=if_gain,
            closing=closing,
            written_by=written_by,
        )
    network = imported.network
    encoded = encode(
        _stimulus(stimulus, network, input_scale, steps, rate, options.seed), encoding, seed=options.seed, steps=steps
    )
    if options.calibration is not None and not encoded.graded:
        calibration = calibration_input(
            network, options.calibration, encoded.stimulus, encoding=encoding, scale=input_scale, seed=options.seed
        )
        options = replace(options, calibration=calibration)
    asked = _chooses(options) or any(given is not None for given in (dt, reset, tau_unit, written_by, closing))
    stored = None if asked or isinstance(source, Network) else stored_chip(source, target)
    deployment = deploy_network(imported, target, encoded, options, stored)
    if out is not None:
        from neuroalign.export.report import write_report  # its template engine is needed by nothing else

        write_report(deployment, Path(out))
    return deployment


def _chooses(options: Options) -> bool:
    """Whether the options ask for other integers than those that a file may hold."""
    return bool(
        options.calibration is not None
        or options.bits is not None
        or options.microcode
        or options.choices
        or options.learning
    )


def _overridden(
    options: Options, backends: Sequence[BackendName] | None, seed: int | None, strict: bool | None
) -> Options:
    """The options, with what was given beside them in its place."""
    if backends is not None:
        if isinstance(backends, str):
            raise InputError(f"backends is {backends!r}; a sequence of names is needed, as in backends=[{backends!r}]")
        options = replace(options, backends=tuple(backends))
    if seed is not None:
        options = replace(options, seed=seed)
    return options if strict is None else replace(options, strict=strict)


def _in_memory(network: Network, superfluous: Sequence[str]) -> ImportedNetwork:
    """A Network as if read from a file; refuses what only a file can leave open."""
    if superfluous:
        raise InputError(
            f"{superfluous[0]} says how a file is read, but network {network.name!r} is in memory and states it; leave it out"
        )
    return ImportedNetwork(network, (), (), f"network {network.name!r}, from memory")


def _stimulus(
    given: Stimulus | str | Path | ArrayLike | Mapping[str, ArrayLike] | None,
    network: Network,
    scale: float,
    steps: int | None,
    rate: float | None,
    seed: int,
) -> Stimulus:
    """What enters the network, from whatever was given."""
    if given is None:
        steps = 1000 if steps is None else steps
        _check_room(network, steps)
        return bernoulli_signal(network.inputs, steps=steps, rate=0.05 if rate is None else rate, seed=seed)
    if isinstance(given, Stimulus):
        return given
    if isinstance(given, str | Path):
        return read_stimulus(Path(given), network.inputs, network.dt, scale=scale)
    return stimulus_of(given, network.inputs)


def _check_room(network: Network, steps: int) -> None:
    """Refuse a test signal that memory cannot hold, with the copies that are made while it is checked."""
    need, free = 4 * steps * sum(port.size for port in network.inputs), available_bytes()
    if free is not None and need > free:
        raise InputError(
            f"a test signal of {steps} steps needs {need / 1e9:.2f} GB, but {free / 1e9:.2f} GB of memory are available; "
            "give fewer --steps"
        )


def deploy_network(
    imported: ImportedNetwork,
    profile: Profile,
    encoded: Encoded,
    options: Options,
    stored: ChipNetwork | None = None,
) -> Deployment:
    """The same for a network and a stimulus already in memory; ``stored`` are integers that its file holds for the profile."""
    require_backends(options.backends)
    _check_labels(imported.network, encoded.stimulus)
    if options.microcode:
        if resets_alike(imported.network, profile):
            raise InputError(
                f"--microcode holds a reset by subtraction, but neurons of profile {profile.id!r} reset as the network does; leave "
                "it out, or say --reset subtract"
            )
        profile = with_microcode(profile)
    if isinstance(options.bits, Mapping):
        imported = replace(imported, network=with_bits(imported.network, options.bits))
    _refuse_other_reset(imported.network, profile, encoded)
    found = _searched(imported.network, profile, encoded, options)
    network, scales = (imported.network, {}) if found is None else (found.network, found.scales)
    chip, table = _compiled(network, profile, encoded, options, scales, stored)
    if options.strict:
        _refuse_what_does_not_fit(chip, profile)
    runs = run_all(network, profile, chip, encoded, options)
    lies, not_placed = _placed(chip, profile, runs, encoded.stimulus)
    reference = runs[0]
    agreements = tuple(agree(network, encoded.stimulus, reference, run) for run in runs[1:])
    reads = model_reads(encoded.stimulus.steps)
    table = with_cycle_cost(network, table, agreements)
    notes = [encoded.note] if encoded.note else []
    return Deployment(
        source=imported.source,
        network=network,
        profile_id=profile.id,
        chip=chip,
        table=table,
        stimulus=encoded.stimulus,
        runs=runs,
        reference=reference.label,
        agreements=agreements,
        bit_equality=bit_equality(runs),
        learning=tuple(a for run in runs[1:] for a in compare_plastic(network, reference, run, reads)),
        repairs=imported.repairs,
        assumptions=(*imported.assumptions, *notes),
        assumed_figures=assumed_in_words(profile),
        not_checked=not_checked_in_words(profile),
        warnings=warnings_of(options, runs),
        versions=versions(),
        command=options.command,
        seed=options.seed,
        search=None if found is None else found.told,
        placed=lies,
        not_placed=not_placed,
        created=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
    )


def _compiled(
    network: Network,
    profile: Profile,
    encoded: Encoded,
    options: Options,
    scales: Mapping[str, ScaleChoice],
    stored: ChipNetwork | None,
) -> tuple[ChipNetwork, ConversionTable]:
    """What the profile holds: the file's own integers where these are the same network, else quantised now."""
    try:
        chip, table = compile_network(
            network if stored is None else with_stored_widths(network, stored, profile),
            profile,
            strict=options.strict,
            graded=encoded.graded,
            learning=_learning(network, options),
            scales=scales,
        )
    except ConversionRefused as error:
        if stored is None or options.strict or encoded.graded:
            raise
        return only_stored(stored, str(error))
    return (None if stored is None else preferred(stored, chip, table)) or (chip, table)


def _refuse_what_does_not_fit(chip: ChipNetwork, profile: Profile) -> None:
    """Refuse a network that exceeds a limit of the profile, naming the limit."""
    if not has_capacities(profile):
        return
    found = place(chip, profile)
    if found.verdict == "does not fit":
        raise ConversionRefused(
            f"{placement_in_words(found)} --strict refuses it; 'neuroalign place' finds changes that would fit, or deploy "
            "without --strict"
        )


def _placed(chip: ChipNetwork, profile: Profile, runs: Sequence[Run], stimulus: Stimulus) -> tuple[Placed | None, str]:
    """Where the chip's run lies and what it costs; None, and why, where nothing is placed."""
    if not has_capacities(profile):
        return None, f"Profile {profile.id} gives no limit of a core or its memory, so there is nothing to place on."
    run = next((run for run in runs if run.chip is chip and run.raw is not None), None)
    if run is None or run.raw is None:
        return None, "Nothing ran on the chip's integers, so there are no events to place by."
    samples = min(len(a) for a in run.raw.states.values())
    return placed(chip, profile, run.raw, chip_stimulus(first_samples(stimulus, samples), chip)), ""


def _refuse_other_reset(network: Network, profile: Profile, encoded: Encoded) -> None:
    """Refuse a reset that the profile does not have, with what taking the other would cost on this input (float model)."""
    if resets_alike(network, profile) or encoded.graded:
        return
    spikes = [(p.name, "s") for p in network.populations if p.spiking]
    wanted, found = (
        Emulator().run(float_model(replace(network, reset=mode), load_profile("ideal")), encoded.stimulus, spikes)
        for mode in ("subtract", "zero")
    )
    costs = []
    for name, _ in spikes:
        counts = [r.aligned(name, "s", encoded.stimulus.steps).sum(axis=1, dtype=int) for r in (wanted, found)]
        costs.append(f"{name} {abs(counts[1] - counts[0]).sum() / max(counts[0].sum(), 1):.1%}")
    try:
        check_supported(network, profile)
    except ConversionRefused as error:
        raise ConversionRefused(
            f"{error}; with --reset zero, in floats and on this input, spike counts change by: {', '.join(costs)}"
        ) from None


def _searched(network: Network, profile: Profile, encoded: Encoded, options: Options) -> SearchResult | None:
    """What the search finds on calibration input; None without a search."""
    if options.calibration is None:
        if options.split_weights:
            raise InputError("--split-weights belongs to the search; say what to calibrate on with --calibrate")
        if isinstance(options.bits, float):
            raise InputError(
                "--bits with a share of the memory belongs to the search; say what to calibrate on with --calibrate"
            )
        return None
    if encoded.graded:
        raise InputError("--calibrate takes spikes, but this input enters as numbers (graded spikes); leave it out")
    given = calibration_input(network, options.calibration, encoded.stimulus, seed=options.seed)
    split = SPLIT_SHARES if options.split_weights else ()
    settings = SearchOptions(split=split, seed=options.seed, progress=options.progress)
    if not isinstance(options.bits, float):
        return search(network, profile, given, settings)
    network, widths = allot_bits(network, profile, given, options.bits, options.progress)
    found = search(network, profile, given, settings)
    return replace(found, told=replace(found.told, widths=widths))


def _check_input_options(stimulus: object, scale: float, rate: float | None) -> None:
    """Refuse what would be left unused without a word."""
    check_scale(scale)
    if rate is not None and stimulus is not None:
        raise InputError(f"--rate is {rate:g}, but it belongs to the test signal; leave out --rate or --input")
    if scale != 1 and not isinstance(stimulus, str | Path):
        raise InputError(f"--input-scale is {scale:g}, but there is no input file to divide; give one with --input")


def _learning(network: Network, options: Options) -> Mapping[str, RuleChoices]:
    """How each plastic connection is put on chip, where it is said."""
    plastic = [c.name for c in network.connections if c.rule is not None]
    return {**(dict.fromkeys(plastic, options.choices) if options.choices else {}), **(options.learning or {})}


def _check_labels(network: Network, stimulus: Stimulus) -> None:
    """Refuse labels that are no class of the output with the most neurons (one neuron chooses nothing)."""
    if stimulus.labels is None or not network.outputs:
        return
    classes, name = max((network.population(target).size, output) for output, target in network.outputs)
    beyond = (stimulus.labels < 0) | (stimulus.labels >= classes)
    if classes > 1 and beyond.any():
        first = int(beyond.argmax())
        raise InputError(
            f"{stimulus.description or 'stimulus'}: the label of sample {first} is {stimulus.labels[first]}, but output {name!r} "
            f"has the classes 0 to {classes - 1}; number the labels so, or leave them out"
        )


def versions() -> dict[str, str]:
    """Versions of everything that can change a figure."""
    found = {"neuroalign": __version__, "python": sys.version.split()[0], "platform": platform.platform(terse=True)}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found
