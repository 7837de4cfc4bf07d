"""Mistakes in using the command line, and broken packages: one line each that names the thing and the remedy."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from command_calls import Call, refused

from neuroalign.command_line.usage_errors import broken_package

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("deplyo net.nir", ("'deplyo'", "deploy", "see 'neuroalign --help'")),
        ("deploy", ("FILE.nir", "see 'neuroalign deploy --help'")),
        ("deploy net.nir --stesp 3", ("--stesp", "--steps", "see 'neuroalign deploy --help'")),
        ("deploy net.nir --dt", ("--dt", "argument")),
        ("deploy net.nir --dt 1ms", ("--dt 1ms: a number is needed",)),
        ("deploy net.nir --dt=1ms", ("--dt 1ms: a number is needed",)),
        ("deploy net.nir --steps 0", ("--steps 0: it should be greater than or equal to 1",)),
        ("deploy net.nir --steps two", ("--steps two: a whole number is needed",)),
        ("deploy net.nir --backend nest", ("--backend nest", "'emulator'", "'lava'")),
        ("deploy net.nir --bits x=y", ("--bits: 'x=y'", "NAME=BITS")),
        ("deploy net.nir --closing a", ("--closing: 'a'", "A:B")),
        ("deploy net.nir other", ("other",)),
        ("rule shwo stdwi", ("'shwo'", "see 'neuroalign rule --help'")),
        ("rule show", ("NAME", "see 'neuroalign rule show --help'")),
    ],
)
def test_wrong_usage_is_one_line(call: Call, tmp_path: Path, arguments: str, words: tuple[str, ...]) -> None:
    ended = call(*arguments.split())
    refused(ended, 2, "neuroalign: ", "--help'", *words)
    assert not ended.out
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("arguments", [[], ["rule"], ["profile"]])
def test_no_command_shows_the_help(call: Call, arguments: list[str]) -> None:
    ended = call(*arguments)
    assert ended.code == 2
    assert "Commands:" in ended.out + ended.err


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ModuleNotFoundError("No module named 'h5py'", name="h5py"), ("h5py is not installed", "pip install 'h5py")),
        (ImportError("libhdf5.so.310: no such file", name="h5py._errors"), ("h5py cannot be imported", "libhdf5.so")),
    ],
)
def test_a_needed_package_that_is_broken_is_named_with_its_remedy(error: ImportError, words: tuple[str, ...]) -> None:
    line = broken_package(error)
    assert line is not None
    assert all(word in line for word in words)


def test_modules_that_are_no_needed_package_are_left_alone() -> None:
    assert (
        broken_package(ModuleNotFoundError("No module named 'neuroalign.nothing'", name="neuroalign.nothing")) is None
    )


@pytest.mark.parametrize(
    ("package", "text", "words"),
    [
        ("h5py", "raise ModuleNotFoundError(\"No module named 'h5py'\", name='h5py')", "h5py is not installed"),
        ("h5py", "raise ImportError('libhdf5.so.310: no such file')", "h5py cannot be imported (libhdf5.so.310"),
        ("typer", "raise ModuleNotFoundError(\"No module named 'typer'\", name='typer')", "typer is not installed"),
    ],
)
def test_the_program_ends_in_one_line_where_a_package_is_broken(
    tmp_path: Path, package: str, text: str, words: str
) -> None:
    folder = tmp_path / "site-packages" / package
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text(text + "\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "neuroalign", "inspect", str(ROOT / "neuroalign" / "demo" / "digits.nir")],
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(tmp_path / "site-packages"), str(ROOT)))},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 4
    (line,) = done.stderr.splitlines()
    assert words in line
    assert "-m pip install" in line
