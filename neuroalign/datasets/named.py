"""Data sets by the name or folder that ``--data`` takes."""

from __future__ import annotations

from neuroalign.datasets.digits import load_digits
from neuroalign.datasets.images import Images
from neuroalign.errors import InputError

NAMES = ("digits",)


def load_images(data: str) -> Images:
    """The data set called ``data`` (InputError for unknown ones, and where its files are missing)."""
    if data == "digits":
        return load_digits()
    raise InputError(f"data set {data!r} is unknown; one of {', '.join(NAMES)}")
