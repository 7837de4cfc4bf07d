"""``neuroalign convert``: one file format of a network to another, by the endings of the names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from neuroalign import __version__
from neuroalign.chip import ChipNetwork
from neuroalign.compile import compile_network
from neuroalign.conversion import ConversionRow, ConversionTable
from neuroalign.encoding import Encoding, bernoulli_signal, encode
from neuroalign.errors import FileFormatError, InputError, OutputError
from neuroalign.export.lava_script import data_path, write_lava_script
from neuroalign.export.netx import read_netx, write_netx
from neuroalign.export.nir_graph import read_chip, read_nir, write_nir
from neuroalign.export.stimulus_file import read_stimulus
from neuroalign.network import InputPort, Network, ResetMode
from neuroalign.profile import load_profile
from neuroalign.quantise.graded import chip_stimulus
from neuroalign.quantise.rows import note_row
from neuroalign.recording import Stimulus
from neuroalign.sim.lava_processes.holdable import check_network, check_stimulus
from neuroalign.sim.lava_processes.holdable_synapses import without_shared_exponent

DEFAULT_PROFILE = "loihi2"
READ = (".nir", ".net")
WRITTEN = (".nir", ".net", ".py")


@dataclass(frozen=True)
class Reading:
    """How a file without integers becomes a chip network: profile, dt and reset as for ``deploy``."""

    profile: str | None = None
    dt: float | None = None
    reset: ResetMode | None = None
    strict: bool = False


@dataclass(frozen=True)
class Signal:
    """What a script presents: a file, or Bernoulli spikes."""

    file: Path | None = None
    encoding: Encoding | None = None
    scale: float = 1.0
    steps: int | None = None
    rate: float | None = None
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Held:
    """A network as a chip holds it, what it was made from, and what changed on the way (``notes`` in sentences)."""

    chip: ChipNetwork
    network: Network | None
    table: ConversionTable
    notes: tuple[str, ...]


def convert(source: Path, target: Path, reading: Reading | None = None, signal: Signal | None = None) -> Held:
    """Read ``source``, write ``target``.

    Parameters
    ----------
    source
        A .nir file (trained, or saved by ``deploy --save``) or lava-dl's .net.
    target
        .nir, .net, or .py: a Lava script, its data beside it.
    reading
        For files without integers.
    signal
        For scripts; a seeded test signal where it is None.

    Returns
    -------
    Held
        What was written, with a row for everything that ``target`` says differently.

    Raises
    ------
    NeuroalignError
        If a file cannot be read or written, or the target cannot hold the network; the message says why.
    """
    check_endings(source, target)
    held = read_held(source, reading or Reading())
    writers: Mapping[str, Callable[[], tuple[ConversionRow, ...]]] = {
        ".nir": lambda: _write_nir(target, held),
        ".net": lambda: write_netx(target, held.chip, strict=bool(reading and reading.strict)),
        ".py": lambda: _write_script(target, held.chip, signal or Signal()),
    }
    return replace(held, table=held.table + ConversionTable(writers[target.suffix.lower()]()))


def check_endings(source: Path, target: Path) -> None:
    """Refuse file names whose endings name no format (InputError)."""
    for path, known, what in ((source, READ, "read"), (target, WRITTEN, "written")):
        if path.suffix.lower() not in known:
            raise InputError(
                f"{path}: {path.suffix or 'a name without ending'!r} is not {what}; one of {', '.join(known)}"
            )
    if source.resolve() == target.resolve():
        raise InputError(f"{target} is both source and target; choose another name for the target")


def refuse_existing(target: Path) -> None:
    """Refuse to replace files (OutputError)."""
    written = (target, data_path(target)) if target.suffix.lower() == ".py" else (target,)
    for path in written:
        if path.exists():
            raise OutputError(f"{path} exists; --force replaces it")


def read_held(source: Path, reading: Reading) -> Held:
    """The chip network of a file: as it is stored, else quantised to the profile."""
    if source.suffix.lower() == ".net":
        if reading.dt is not None or reading.reset is not None:
            raise InputError(
                f"--dt and --reset are for .nir files; {source} holds integers, with steps and a reset to zero"
            )
        found = read_netx(source, profile_id=reading.profile or DEFAULT_PROFILE)
        return Held(found.chip, None, ConversionTable(found.rows), found.notes)
    stored = stored_chip(source)
    if stored is not None and reading.profile in (None, stored.profile_id):
        network = read_nir(source, dt=reading.dt, reset=reading.reset, strict=reading.strict).network
        return Held(stored, network, ConversionTable(), (f"the integers stored in {source.name} are used as they are",))
    imported = read_nir(source, dt=reading.dt, reset=reading.reset, strict=reading.strict)
    profile = load_profile(reading.profile or DEFAULT_PROFILE)
    chip, table = compile_network(imported.network, profile, strict=reading.strict)
    notes = (f"quantised to profile {profile.id!r}", *imported.repairs, *imported.assumptions)
    return Held(chip, imported.network, table, notes)


def stored_chip(source: Path) -> ChipNetwork | None:
    """The chip network that a file holds beside its graph, or None where there is none that still belongs to it."""
    try:
        return read_chip(source)
    except FileFormatError:
        return None


def _write_nir(target: Path, held: Held) -> tuple[ConversionRow, ...]:
    write_nir(target, held.chip, network=held.network)
    return ()


def _write_script(target: Path, chip: ChipNetwork, signal: Signal) -> tuple[ConversionRow, ...]:
    connections = tuple(without_shared_exponent(c) for c in chip.connections)
    rows = tuple(
        note_row(a.name, "pattern", "kernel held as single synapses: Lava's Conv has no exponent", "substituted", 1)
        for a, b in zip(chip.connections, connections, strict=True)
        if a is not b
    )
    chip = replace(chip, connections=connections)
    check_network(chip)
    stimulus = chip_stimulus(present(chip, signal), chip)
    check_stimulus(chip, stimulus)
    write_lava_script(target, chip, stimulus, writer=f"neuroalign {__version__}")
    return rows


def present(chip: ChipNetwork, signal: Signal) -> Stimulus:
    """The input of a chip network, from a file or drawn."""
    ports = tuple(InputPort(i.name, (i.size,)) for i in chip.inputs)
    if signal.file is None:
        if any(i.message_bits for i in chip.inputs):
            raise InputError(
                "the network's input is numbers (graded spikes), which are not drawn; give a file with --input"
            )
        rate = 0.05 if signal.rate is None else signal.rate
        return bernoulli_signal(ports, steps=signal.steps or 1000, rate=rate, seed=signal.seed)
    given = read_stimulus(signal.file, ports, chip.dt, scale=signal.scale)
    graded = bool(chip.inputs) and all(i.message_bits for i in chip.inputs)
    if graded:
        return given
    return encode(given, signal.encoding, seed=signal.seed, steps=signal.steps).stimulus
