"""All of the examination: packages by version, backends and files by trial, each trial in a Python of its own."""

from __future__ import annotations

import importlib.metadata
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from neuroalign import errors
from neuroalign.doctor.finding import Finding
from neuroalign.sim.lava_processes.process_group import TimeLimitReached, run_in_own_session

TIME_LIMIT_S = 180.0
"""After which a trial is ended, whatever it started included."""
PYTHONS = ((3, 10), (3, 13))
"""The oldest and the newest that are tested."""
LAVA_VERSION, NORSE_VERSION = "0.10.0", "1.1.0"
Progress = Callable[[str, int, int], None]


def _pip(packages: str) -> str:
    return f"{sys.executable} -m pip install {packages}"


@dataclass(frozen=True)
class Item:
    """Something to examine: what is tried (a name of :data:`neuroalign.doctor.trial.TRIALS`), and what installs it."""

    name: str
    packages: tuple[str, ...]
    install: str
    trial: str = ""
    needed: bool = False
    version: str = ""
    """The only version that was compared; empty where any will do."""
    use: str = ""
    """What it is for, told where it is not installed."""


def items() -> tuple[Item, ...]:
    """What is examined, in the order in which it is told."""
    lava = (
        f"{_pip('asteval networkx scikit-learn scipy')} && {_pip('--no-deps --ignore-requires-python lava-nc==0.10.0')}"
    )
    return (
        Item("numpy", ("numpy",), _pip("'numpy>=1.26'"), needed=True),
        Item("numba", ("numba",), _pip("'numba>=0.59'"), "numba", True),
        Item("NIR files", ("h5py",), _pip("'h5py>=3.10'"), "files", True),
        Item("figures", ("matplotlib", "jinja2"), _pip("'matplotlib>=3.8' 'jinja2>=3.1'"), "figures", True),
        Item("backend emulator", ("numba",), _pip("'numba>=0.59'"), "emulator", True),
        Item(
            "backend norse",
            ("norse", "torch"),
            _pip("'torch>=2.2' norse==1.1.0 'nir>=1.0.6'"),
            "norse",
            version=NORSE_VERSION,
            use="the float reference of others, and training",
        ),
        Item(
            "backend lava",
            ("lava-nc", "asteval", "networkx", "scikit-learn", "scipy"),
            lava,
            "lava",
            version=LAVA_VERSION,
            use="the oracle of bit equality",
        ),
        Item("dask", ("dask", "distributed"), _pip("dask distributed"), use="experiments in several processes"),
        Item("xarray", ("xarray",), _pip("xarray"), use="Recording.to_xarray()"),
        Item("pandas", ("pandas",), _pip("pandas"), use="ConversionTable.to_frame()"),
    )


def examine(progress: Progress | None = None) -> tuple[Finding, ...]:
    """Try everything that neuroalign can use.

    Parameters
    ----------
    progress
        Called with (what is under way, done, total).

    Returns
    -------
    tuple of Finding
        In the order in which the command line tells them.
    """
    return tuple(_findings(items(), progress))


def _findings(examined: Sequence[Item], progress: Progress | None) -> Iterator[Finding]:
    yield _python()
    for done, item in enumerate(examined):
        if progress is not None:
            progress("trying what is here", done, len(examined))
        yield _finding(item)
    yield Finding(
        "lava-loihi",
        "works" if _version("lava-loihi") else "not installed",
        _version("lava-loihi"),
        "Intel's extension that drives Loihi boards; from Intel, for members of its research community; nothing here needs it",
    )


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    if PYTHONS[0] <= sys.version_info[:2] <= PYTHONS[1]:
        return Finding("Python", "works", version, sys.executable, needed=True)
    low, high = (".".join(map(str, v)) for v in PYTHONS)
    return Finding("Python", "fails", version, f"tested are {low} to {high}", f"use Python {low} to {high}", True)


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _finding(item: Item) -> Finding:
    absent = [name for name in item.packages if not _version(name)]
    version = _version(item.packages[0])
    if absent:
        what = f"needs {', '.join(absent)}" if item.needed or version else item.use
        return Finding(item.name, "not installed", version, what, item.install, item.needed)
    if item.version and version != item.version:
        text = f"version {item.version} is the one compared here"
        return Finding(item.name, "fails", version, text, item.install, item.needed)
    if not item.trial:
        return Finding(item.name, "works", version, "", "", item.needed)
    worked, text = run_trial(item.trial)
    if worked:
        return Finding(item.name, "works", version, text, "", item.needed)
    return Finding(item.name, "fails", version, text, f"{item.install} (if it fails again: report it)", item.needed)


def run_trial(name: str, time_limit_s: float = TIME_LIMIT_S) -> tuple[bool, str]:
    """Whether a trial worked, and what it saw or why it failed (one line)."""
    root = str(Path(errors.__file__).absolute().parents[1])
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-m", "neuroalign.doctor.trial", name]
    with tempfile.TemporaryDirectory(prefix="neuroalign-doctor-") as folder:
        try:
            code = run_in_own_session(command, Path(folder), time_limit_s, {**os.environ, "PYTHONPATH": path})
        except TimeLimitReached:
            return False, f"did not end within {time_limit_s:g} s"
        told = _last_line(Path(folder) / ("stdout.txt" if code == 0 else "stderr.txt"))
    return code == 0, told or f"ended with code {code} and no message"


def _last_line(file: Path) -> str:
    lines = file.read_text(errors="replace").strip().splitlines()
    return lines[-1].strip() if lines else ""
