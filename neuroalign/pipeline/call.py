"""``deploy``: from a trained network's file to a judged deployment, in one call."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from numpy.typing import ArrayLike

from neuroalign.calibration import calibration_input
from neuroalign.deployment import Deployment
from neuroalign.encoding import Encoding, encode
from neuroalign.errors import InputError
from neuroalign.export.nir_graph import FileReset, ImportedNetwork, Writer, read_nir
from neuroalign.export.nir_graph.build import GainUnit, Initial
from neuroalign.export.nir_graph.time import TauUnit
from neuroalign.export.nir_graph.tree import Edge
from neuroalign.network import Network
from neuroalign.pipeline.options import BackendName, Options
from neuroalign.pipeline.stages import deploy_network
from neuroalign.pipeline.stimulus import check_input_options, stimulus_from
from neuroalign.pipeline.stored_chip import stored_chip
from neuroalign.placement import board_of
from neuroalign.profile import Profile, load_profile
from neuroalign.quantise.legality import check_runs
from neuroalign.recording import Stimulus


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
    check_input_options(stimulus, input_scale, rate)
    target = profile if isinstance(profile, Profile) else load_profile(profile)
    check_runs(target)
    if options.board is not None:
        board_of(target, options.board)
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
        stimulus_from(stimulus, network, input_scale, steps, rate, options.seed),
        encoding,
        seed=options.seed,
        steps=steps,
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
