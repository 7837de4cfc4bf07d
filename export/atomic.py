"""Writing files so that a failure leaves nothing half-written behind."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from neuroalign.errors import OutputError


def write_atomically(path: str | Path, writer: Callable[[Path], object]) -> Path:
    """Write a file under a temporary name in its own folder, then rename it.

    Parameters
    ----------
    path
        Where the finished file goes; its folder must exist. An existing file is replaced, and kept if writing fails.
    writer
        Is called once with the temporary path and writes the whole content there.

    Returns
    -------
    Path
        ``path``.

    Raises
    ------
    OutputError
        If the folder or file cannot be written. Whatever ``writer`` raises on its own account passes through;
        in both cases the temporary file is gone.
    """
    path = Path(path)
    _refuse_other_kinds(path)
    temporary: Path | None = None
    try:
        # The same suffix, since some writers (numpy.savez, matplotlib) choose or append one by themselves.
        handle, name = tempfile.mkstemp(prefix=f".{path.stem[:64]}-", suffix=path.suffix, dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        writer(temporary)
        temporary.chmod(_ordinary_mode(path))
        temporary.replace(path)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}; choose another output folder") from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
    return path


def require_writable(directory: Path | None, *files: Path | None) -> None:
    """Refuse, before any work, places where results could not be written later (OutputError); nothing is left there.

    Parameters
    ----------
    directory
        Where a report goes; it need not exist yet, nor the folders above it.
    files
        Single files; their folders must exist, or be ``directory`` or one above it. None stands for nothing to write.
    """
    if directory is not None:
        _try(_nearest(directory), directory, "choose another with --out")
        for name in ("report.html", "report.json"):
            _refuse_other_kinds(directory / name)
    for file in (f for f in files if f is not None):
        _refuse_other_kinds(file)
        made = directory is not None and _inside(directory, file.parent)
        _try(_nearest(file.parent) if made else file.parent, file, "choose another output folder")


def _nearest(directory: Path) -> Path:
    """The directory, or the nearest above it that exists."""
    return next(p for p in (directory, *directory.absolute().parents) if os.path.lexists(p))


def _inside(directory: Path, folder: Path) -> bool:
    inner, outer = Path(os.path.abspath(directory)), Path(os.path.abspath(folder))
    return outer == inner or outer in inner.parents


def _try(folder: Path, wanted: Path, remedy: str) -> None:
    """Make a file without a name in ``folder``: permissions alone do not tell what a file system allows."""
    try:
        wanted.exists()  # refuses names that are too long
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise OutputError(f"cannot write {wanted}: {folder}: {error.strerror or error}; {remedy}") from error


def _refuse_other_kinds(path: Path) -> None:
    """Refuse directories, and devices and pipes, which renaming a file onto them would replace."""
    if str(path) == "-":  # elsewhere that means standard output; here it would make a file of that name
        raise OutputError("cannot write to '-': results go to files; give a file name")
    if os.path.isdir(path):
        raise OutputError(f"{path} is a directory; give the name of a file to write")
    if os.path.exists(path) and not os.path.isfile(path):
        raise OutputError(f"{path} is a device or pipe, not a file; give the name of a file to write")


def _ordinary_mode(path: Path) -> int:
    """The mode of the file being replaced, or what the umask gives a new one: mkstemp's own mode is private."""
    if path.exists():
        return path.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
