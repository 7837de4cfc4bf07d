"""Reading files of data sets without trusting them: sizes are checked before memory is taken, nothing is executed."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

from neuroalign.errors import FileFormatError, InputError

MOST_BYTES = 4 << 30
"""More than any of these data sets has."""


def read_bytes(path: Path, most: int = MOST_BYTES) -> bytes:
    """The whole file, decompressed where it is called ``.gz``.

    Raises
    ------
    FileFormatError
        If it cannot be read or decompressed, or holds more than ``most`` bytes.
    """
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as stream:
            content: bytes = stream.read(most + 1)
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise FileFormatError(f"{path}: cannot be read ({reason}); take the original file") from error
    if len(content) > most:
        raise FileFormatError(f"{path}: holds more than {most} bytes, which is no file of a known data set")
    return content


def first_existing(folder: Path, *names: str) -> Path | None:
    """The first of ``names`` that is a file of ``folder``."""
    return next((folder / name for name in names if (folder / name).is_file()), None)


def require_folder(folder: Path, what: str, how: str) -> None:
    """Refuse a folder that is not there (InputError); ``how`` says where its files come from."""
    if not folder.is_dir():
        raise InputError(f"{what}: no folder {folder}; {how}")
