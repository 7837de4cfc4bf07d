"""Compiled functions are kept somewhere, whoever installed the package and wherever the user's home is."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from neuroalign import compiled_code
from neuroalign.compiled_code import VARIABLE, ensure_cache_folder

PACKAGE = Path(compiled_code.__file__).parent


@pytest.fixture
def nothing_writable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Neither the package nor the home takes files; temporary ones lie in the folder returned."""
    monkeypatch.setattr(os, "access", lambda path, _: str(path).startswith(str(tmp_path)))
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_a_folder_of_last_resort_of_the_users_own(nothing_writable: Path) -> None:
    chosen: list[str] = []
    for _ in range(2):
        environment: dict[str, str] = {}
        ensure_cache_folder(PACKAGE, environment)
        chosen.append(environment[VARIABLE])
    assert chosen[0] == chosen[1]  # the next process finds what this one compiled
    assert Path(chosen[0]).parent == nothing_writable
    assert Path(chosen[0]).stat().st_mode & 0o777 == 0o700


def test_a_folder_that_others_can_write_is_not_trusted(nothing_writable: Path) -> None:
    environment: dict[str, str] = {}
    ensure_cache_folder(PACKAGE, environment)
    Path(environment[VARIABLE]).chmod(0o777)
    other: dict[str, str] = {}
    ensure_cache_folder(PACKAGE, other)
    assert other[VARIABLE] != environment[VARIABLE]
    assert Path(other[VARIABLE]).stat().st_mode & 0o777 == 0o700


def test_what_a_user_has_set_and_what_can_be_written_stay(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for package, before in ((tmp_path, {}), (Path("/nowhere"), {VARIABLE: "mine"})):
        environment = dict(before)
        ensure_cache_folder(package, environment)
        assert environment == before
    monkeypatch.setattr(os, "access", lambda path, _: Path(path) == tmp_path)
    environment = {"XDG_CACHE_HOME": str(tmp_path / "made" / "by numba")}
    ensure_cache_folder(Path("/nowhere"), environment)
    assert VARIABLE not in environment


@pytest.mark.skipif(sys.platform == "win32", reason="folders of Windows have no such modes")
def test_the_package_loads_where_nothing_can_be_written(tmp_path: Path) -> None:
    code = (
        "import os; os.access = lambda *_: False\n"
        "import neuroalign, numba\n"
        "from numba.core import caching as c\n"
        "for kind in (c.InTreeCacheLocator, c.UserWideCacheLocator):\n"
        "    kind.from_function = classmethod(lambda *_: None)\n"
        "from neuroalign.sim.emulator import input_kernels\n"
        "import numpy as np; print(input_kernels.first_not_binary(np.array([0, 2]), np.array([True, True])))"
    )
    environment = {k: v for k, v in os.environ.items() if k != VARIABLE}
    environment |= {"PYTHONPATH": str(PACKAGE.parent), "TMPDIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=120)
    assert done.stdout.split() == ["1"], done.stderr
    assert any(tmp_path.glob("neuroalign-compiled-*/**/*.nbi"))


@pytest.mark.parametrize(("kind", "harm"), [("nbi", b"\x80\x05\x95"), ("nbc", b"")])
def test_damaged_compiled_code_is_made_anew(kind: str, harm: bytes, tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text("import numba\n@numba.njit(cache=True)\ndef twice(x):\n    return 2 * x\n")
    code = (
        "import module; from neuroalign.compiled_code import with_repairs\n"
        "print(with_repairs(lambda: module.twice(4))(), sum(module.twice.stats.cache_hits.values()))"
    )
    found = []
    environment = os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{PACKAGE.parent}"}
    for times in range(3):
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr
        found.append(done.stdout.split())
        (file,) = (tmp_path / "__pycache__").glob(f"*.{kind}")
        if times == 0:
            file.write_bytes(harm)
    assert found == [["8", "0"], ["8", "0"], ["8", "1"]]


def test_other_errors_are_raised_and_nothing_is_tried_again() -> None:
    calls = []

    @compiled_code.with_repairs
    def failing(number: int) -> None:
        calls.append(number)
        raise ValueError(str(number))

    with pytest.raises(ValueError, match="3"):
        failing(3)
    assert calls == [3]
