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
    if path.is_dir():
        raise OutputError(f"{path} is a directory; give the name of a file to write")
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


def _ordinary_mode(path: Path) -> int:
    """The mode of the file being replaced, or what the umask gives a new one: mkstemp's own mode is private."""
    if path.exists():
        return path.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
