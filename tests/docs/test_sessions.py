"""The sessions of README.md are run again, and what they print is what the page shows.

``pytest tests/docs/test_sessions.py --update-golden`` writes the page anew; read the diff. Words and whole numbers have
to be the same; fractions may differ by a hundredth, since they were rounded on another machine.
"""

from __future__ import annotations

import math
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from neuroalign.demo import load_demo
from neuroalign.sim.norse_reference.backend import NorseReference

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "README.md"
_SESSION = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NUMBER = re.compile(r"\d[\d,]*\.\d+(?:e[+-]?\d+)?|\d(?:\.\d+)?e[+-]?\d+")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demonstration's network and eight of its samples, and the program on the path."""
    made = tmp_path_factory.mktemp("sessions")
    shutil.copy(ROOT / "neuroalign" / "demo" / "digits.nir", made / "network.nir")
    _, stimulus = load_demo()
    assert stimulus.labels is not None
    arrays = {name: np.asarray(values[:8]) for name, values in stimulus.inputs.items()}
    np.savez(made / "spikes.npz", **{"labels": stimulus.labels[:8], **arrays})  # type: ignore[arg-type]
    program = made / "bin" / "neuroalign"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m neuroalign "$@"\n')
    program.chmod(0o755)
    return made


def sessions() -> list[list[str]]:
    """The commands of each session."""
    found = _SESSION.findall(PAGE.read_text(encoding="utf-8"))
    return [[line[2:] for line in text.splitlines() if line.startswith("$ ")] for text in found]


def played(commands: list[str], folder: Path) -> str:
    """A session as a terminal shows it."""
    path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}
    shown = []
    for command in commands:
        done = subprocess.run(
            ["sh", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False
        )
        assert not done.stderr, done.stderr
        lines = [line.rstrip() for line in done.stdout.splitlines()]
        shown.append("\n".join([f"$ {command}", *lines]) + "\n")
    return "".join(shown)


def differing_line(shown: str, made: str) -> str | None:
    """The first line that says something else, or None."""
    left, right = shown.splitlines(), made.splitlines()
    for a, b in zip(left, right, strict=False):
        numbers = [[float(n.replace(",", "")) for n in _NUMBER.findall(line)] for line in (a, b)]
        words = [_NUMBER.sub("#", line) for line in (a, b)]
        if words[0] != words[1] or not all(map(_close, *numbers)):
            return f"README: {a}\nnow:    {b}"
    return None if len(left) == len(right) else f"README has {len(left)} lines, now there are {len(right)}"


def _close(a: float, b: float) -> bool:
    return math.isclose(a, b, rel_tol=0.01)


@pytest.mark.skipif(NorseReference().missing() is not None, reason="the float side of the sessions is Norse")
@pytest.mark.parametrize("number", range(len(sessions())))
def test_a_session_shows_what_running_it_shows(number: int, folder: Path, pytestconfig: pytest.Config) -> None:
    text = PAGE.read_text(encoding="utf-8")
    place = list(_SESSION.finditer(text))[number]
    made = played(sessions()[number], folder)
    if pytestconfig.getoption("--update-golden"):
        PAGE.write_text(text[: place.start(1)] + made + text[place.end(1) :], encoding="utf-8")
        return
    assert differing_line(place[1], made) is None, differing_line(place[1], made)


def test_there_are_three_sessions_and_a_difference_is_noticed() -> None:
    assert len(sessions()) == 3
    assert differing_line("$ a\nr 0.990, 3 of 8\n", "$ a\nr 0.991, 3 of 8\n") is None
    assert differing_line("$ a\nr 0.990, 3 of 8\n", "$ a\nr 0.990, 4 of 8\n") == (
        "README: r 0.990, 3 of 8\nnow:    r 0.990, 4 of 8"
    )
    assert differing_line("r 0.5", "r 0.6") is not None
    assert differing_line("a\nb", "a") == "README has 2 lines, now there are 1"


def test_the_figure_is_drawn_by_its_script(tmp_path: Path) -> None:
    assert "docs/readme.png" in PAGE.read_text(encoding="utf-8")
    script = ROOT / "docs" / "readme_figure.py"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, str(script), str(tmp_path / "new.png")], env=environment, check=True)
    from matplotlib.image import imread

    new, kept = imread(tmp_path / "new.png"), imread(ROOT / "docs" / "readme.png")
    assert new.shape == kept.shape
    assert (ROOT / "docs" / "readme.png").stat().st_size < 100_000
