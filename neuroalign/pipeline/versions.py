"""Versions of everything that can change a figure."""

from __future__ import annotations

import importlib.metadata
import platform
import sys

from neuroalign import __version__

PACKAGES = ("numpy", "numba", "h5py", "matplotlib", "nir", "torch", "norse", "lava-nc")


def versions() -> dict[str, str]:
    """Versions of everything that can change a figure."""
    found = {"neuroalign": __version__, "python": sys.version.split()[0], "platform": platform.platform(terse=True)}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found
