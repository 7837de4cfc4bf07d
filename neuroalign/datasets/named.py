"""Data sets by the name that ``--data`` takes: ``digits``, or ``NAME=FOLDER``."""

from __future__ import annotations

from pathlib import Path

from neuroalign.datasets.cifar10 import load_cifar10
from neuroalign.datasets.digits import load_digits
from neuroalign.datasets.idx import load_idx_folder
from neuroalign.datasets.images import Images
from neuroalign.datasets.svhn import load_svhn
from neuroalign.errors import InputError

NAMES = ("digits", "fashion-mnist", "mnist", "cifar10", "svhn")


def split_name(data: str) -> tuple[str, Path | None]:
    """Name and folder of ``NAME`` or ``NAME=FOLDER`` (InputError for unknown names, and where a folder makes no sense)."""
    name, equals, folder = data.partition("=")
    if name not in NAMES:
        raise InputError(f"data set {data!r} is unknown; one of {', '.join(NAMES)}, or one of them =FOLDER")
    if equals and not folder:
        raise InputError(f"data set {data!r}: no folder after '='; give {name}=FOLDER")
    if folder and name == "digits":
        raise InputError(f"data set {data!r}: the digits ship with this package; leave the folder out")
    return name, Path(folder) if folder else None


def load_images(data: str) -> Images:
    """The data set called ``data``, or ``NAME=FOLDER``.

    Raises
    ------
    InputError
        If it is unknown, or its files are missing: the line says how to get them.
    FileFormatError
        If a file is not what it should be.
    """
    name, folder = split_name(data)
    if name == "digits":
        return load_digits()
    if name == "cifar10":
        return load_cifar10(folder)
    if name == "svhn":
        return load_svhn(folder)
    if name == "mnist" and folder is None:
        raise InputError("mnist: give the folder of its four IDX files as --data mnist=FOLDER")
    return load_idx_folder(name, folder)
