"""Checkpoints of a run in a folder, complete at every moment: killed at any time, the run goes on bit by bit.

Under ``<folder>/checkpoint``:

===============================  ===================================================================================
run.json                         what is run: digests of network, stimulus, probes and options, and versions
segment-<entry>-<step>.npz       recorded steps of one or more entries of axis 0, and counters of the finished ones
state-<entry>.npz                everything that an unfinished entry goes on from
===============================  ===================================================================================

Each file is written under a temporary name, flushed to the disk and renamed. A segment is written before the state
that follows it, so what a state needs is always there; what was recorded beyond a state is computed again. Segments are
never written again. numpy's .npz holds a checksum of each array, which is compared when it is read.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import threading
import time
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np

from neuroalign.chip import Numbers
from neuroalign.errors import FileFormatError, InputError
from neuroalign.recording import Probe
from neuroalign.sim.emulator.store import Store, cannot_write, take, write_file

FORMAT = 1
_DAMAGE = (
    OSError, ValueError, LookupError, TypeError, EOFError, AttributeError, RuntimeError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
"""What reading a damaged .npz or JSON file raises."""
_SEGMENT, _STATE = re.compile(r"segment-(\d+)-(\d+)\.npz"), re.compile(r"state-(\d+)\.npz")


def _version() -> str:
    try:
        return importlib.metadata.version("neuroalign")
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


@dataclass
class _Open:
    """What one thread has done since its last file."""

    pieces: list[tuple[int, int, int, bool]] = field(default_factory=list)  # entry, start, stop, whether it is finished
    counts: list[dict[str, int]] = field(default_factory=list)
    state: Callable[[], Mapping[str, Numbers]] | None = None
    written: float = field(default_factory=time.monotonic)
    steps: int = 0


class Checkpoints:
    """The checkpoint of one run.

    Parameters
    ----------
    store
        Where, and how often.
    identity
        What is run: part (network, stimulus, ...) to digest.
    states
        The recording: probe to array (entries, steps or reads, ...). Filled with what has been recorded.
    steps
        Of each entry.
    reads
        Steps after which plastic connections are read.
    plastic
        The probes read then.
    """

    def __init__(
        self,
        store: Store,
        identity: Mapping[str, str],
        states: Mapping[Probe, Numbers],
        entries: int,
        steps: int,
        reads: tuple[int, ...],
        plastic: frozenset[Probe],
    ) -> None:
        self.store, self.states, self.entries, self.steps, self.plastic = store, states, entries, steps, plastic
        self.reads = np.array(reads, dtype=np.int64)
        self.folder = store.folder / "checkpoint"
        self.finished: dict[int, dict[str, int]] = {}
        self.begun: dict[int, int] = {}
        self._open: dict[int, _Open] = {}
        self._identity = {"format": FORMAT, "neuroalign": _version(), "numpy": np.__version__, **identity}
        self._lock = self._begin()

    @property
    def done(self) -> int:
        """Steps of all entries that need not be run again."""
        return len(self.finished) * self.steps + sum(self.begun.values())

    def counts(self) -> list[dict[str, int]]:
        """Counters of the finished entries, by entry."""
        return [self.finished[entry] for entry in sorted(self.finished)]

    def saved(self, entry: int) -> tuple[int, dict[str, Numbers]]:
        """The step an entry goes on from and its state; 0 and nothing where it starts."""
        if entry not in self.begun:
            return 0, {}
        path = self._state(entry)
        try:
            with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
                return self.begun[entry], {name[1:]: file[name] for name in file.files if name.startswith("=")}
        except _DAMAGE as error:
            raise self._damaged(path, error) from error

    def refuse(self, entry: int, reason: str) -> None:
        """Raise: the state of an entry does not fit its network."""
        raise self._damaged(self._state(entry), reason)

    def before(self) -> None:
        """Tell that the run of this thread is about to change: there is no state to be saved until :meth:`after`."""
        self._own().state = None

    def after(
        self,
        entry: int,
        start: int,
        stop: int,
        state: Callable[[], Mapping[str, Numbers]],
        counts: Callable[[], dict[str, int]],
    ) -> None:
        """Steps ``start`` to ``stop - 1`` of an entry are recorded; writes a checkpoint when one is due."""
        own = self._own()
        last = stop == self.steps
        own.steps += stop - start
        if own.pieces and own.pieces[-1][0] == entry:
            start = own.pieces.pop()[1]
        own.pieces.append((entry, start, stop, last))
        if last:
            own.counts.append(counts())
        own.state = None if last else state
        due = time.monotonic() - own.written >= self.store.seconds
        if due or (self.store.steps is not None and own.steps >= self.store.steps):
            self._write(own)

    def close(self) -> None:
        """Write what threads that have ended left, and let others use the folder."""
        try:
            for own in self._open.values():
                if own.pieces and (own.state is not None or own.pieces[-1][3]):
                    self._write(own)
                elif len(own.pieces) > 1:  # an entry was cut off while it changed; those before it are finished
                    own.pieces.pop()
                    self._write(own)
        finally:
            self._lock.close()

    def _own(self) -> _Open:
        return self._open.setdefault(threading.get_ident(), _Open())

    def _write(self, own: _Open) -> None:
        entry, start = own.pieces[0][:2]
        counts = iter(own.counts)
        for piece in own.pieces:
            if piece[3]:
                self.finished[piece[0]] = next(counts)
        arrays = {
            f"probe{k}": np.concatenate(
                [array[piece[0], self._rows(probe, *piece[1:3])].ravel() for piece in own.pieces]
            )
            for k, (probe, array) in enumerate(self.states.items())
        }
        about = {"pieces": own.pieces, "counts": own.counts}
        self._save(self.folder / f"segment-{entry}-{start}.npz", about, arrays)
        last = own.pieces[-1]
        if own.state is not None:
            self._save(self._state(last[0]), {"step": last[2]}, {f"={k}": a for k, a in own.state().items()})
        for piece in own.pieces:
            if piece[3]:
                self._state(piece[0]).unlink(missing_ok=True)
        own.pieces, own.counts, own.steps, own.written = [], [], 0, time.monotonic()

    def _rows(self, probe: Probe, start: int, stop: int) -> slice:
        """Rows of a probe's array that steps ``start`` to ``stop - 1`` (from 0) fill."""
        if probe not in self.plastic:
            return slice(start, stop)
        first, end = np.searchsorted(self.reads, [start, stop], side="right")
        return slice(int(first), int(end))

    def _save(self, path: Path, about: Mapping[str, Any], arrays: Mapping[str, Numbers]) -> None:
        text = np.frombuffer(json.dumps({**about, "of": self._identity}).encode(), dtype=np.uint8)
        write_file(path, lambda file: np.savez(file, about=text, **arrays))  # type: ignore[arg-type]

    def _state(self, entry: int) -> Path:
        return self.folder / f"state-{entry}.npz"

    def _begin(self) -> IO[bytes]:
        """Take the folder for this process; read what is there, or say what will be run."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = (self.folder / "lock").open("wb")
            take(lock, self.store.folder)
            for left in self.folder.glob("*.part"):
                left.unlink(missing_ok=True)
        except OSError as error:
            raise cannot_write(self.store.folder, error) from error
        try:
            if self._recognised():
                self._read_all()
        except BaseException:
            lock.close()
            raise
        return lock

    def _recognised(self) -> bool:
        """Whether a checkpoint of this very run is there; a new one begins where the folder holds none."""
        path = self.folder / "run.json"
        if not path.exists():
            others = [name for name in sorted(os.listdir(self.folder)) if _SEGMENT.match(name) or _STATE.match(name)]
            if others:
                raise self._damaged(path, "it is missing")
            text = json.dumps(self._identity, indent=1)
            write_file(path, lambda file: file.write(text.encode()))
            return False
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            differing = [part for part, own in self._identity.items() if found[part] != own]
        except _DAMAGE as error:
            raise self._damaged(path, error) from error
        if differing:
            raise InputError(
                f"the checkpoint in {self.store.folder} is of another run (other {', '.join(differing)}); give another "
                "folder, or delete that one to start anew"
            )
        return True

    def _read_all(self) -> None:
        recorded: dict[int, list[tuple[int, int]]] = {}
        for name in sorted(os.listdir(self.folder)):
            path = self.folder / name
            try:
                if _SEGMENT.fullmatch(name):
                    self._read_segment(path, recorded)
                elif match := _STATE.fullmatch(name):
                    self.begun[int(match[1])] = int(self._about(path)["step"])
            except _DAMAGE as error:
                raise self._damaged(path, error) from error
        for entry in self.finished:
            self.begun.pop(entry, None)  # killed between its last segment and the removal of its state
        for entry, until in [*((e, self.steps) for e in self.finished), *self.begun.items()]:
            reached = 0
            for start, stop in sorted(recorded.get(entry, [])):
                reached = max(reached, stop) if start <= reached else reached
            if not 0 <= entry < self.entries or reached < until:
                raise self._damaged(self.folder, f"steps from {reached} on of entry {entry} are missing")

    def _read_segment(self, path: Path, recorded: dict[int, list[tuple[int, int]]]) -> None:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            about = self._checked(file)
            counts = iter(about["counts"])
            for entry, start, stop, last in about["pieces"]:
                recorded.setdefault(entry, []).append((start, stop))
                if last:
                    self.finished[entry] = {str(name): int(n) for name, n in next(counts, {}).items()}
            for k, (probe, array) in enumerate(self.states.items()):
                values, at = file[f"probe{k}"], 0
                if values.dtype != array.dtype:
                    raise ValueError(f"{values.dtype} instead of {array.dtype}")
                for entry, start, stop, _ in about["pieces"]:
                    place = array[entry, self._rows(probe, start, stop)]
                    place[...] = values[at : at + place.size].reshape(place.shape)
                    at += place.size

    def _about(self, path: Path) -> dict[str, Any]:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            return self._checked(file)

    def _checked(self, file: Any) -> dict[str, Any]:
        about: dict[str, Any] = json.loads(file["about"].tobytes().decode())
        if about["of"] != self._identity:
            raise ValueError("it belongs to another run")
        return about

    def _damaged(self, path: Path, reason: object) -> FileFormatError:
        told = " ".join(str(reason).split())[:120] or type(reason).__name__
        return FileFormatError(
            f"{path}: the checkpoint is truncated or damaged ({told}); delete {self.store.folder} to start anew"
        )
