"""The folder that the emulator writes to: files whole or not at all, and one process at a time."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from neuroalign.errors import InputError, OutputError


@dataclass(frozen=True)
class Store:
    """The folder that the emulator may write to, and how often it does.

    Parameters
    ----------
    folder
        Made if it is not there. It holds the checkpoint of one run; giving it again goes on with that run, or returns
        its recording if it was finished.
    seconds : s
        Time between checkpoints.
    steps : int or None
        Also write one after so many steps.
    """

    folder: Path
    seconds: float = 60.0
    steps: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "folder", Path(self.folder))
        if not self.seconds >= 0:
            raise InputError(f"store: seconds is {self.seconds}; give 0 or more")
        if self.steps is not None and self.steps < 1:
            raise InputError(f"store: steps is {self.steps}; give 1 or more")


def take(lock: IO[bytes], folder: Path) -> None:
    """Lock the folder against other processes; the lock ends with the process, however that ends."""
    try:
        import fcntl
    except ImportError:
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.close()
        raise InputError(
            f"the checkpoint in {folder} is in use by another process; wait for it, or give another folder"
        ) from error


def write_file(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Write a file whole or not at all."""
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise cannot_write(path, error) from error


def cannot_write(path: Path, error: OSError) -> OutputError:
    return OutputError(f"cannot write {path}: {error.strerror or error}; choose another folder for the store")
