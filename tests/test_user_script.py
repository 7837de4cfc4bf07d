"""A user's script against neuroalign as it is installed: mypy --strict has nothing to say, and it runs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import neuroalign

SCRIPT = Path(__file__).with_name("user_script.py")
SETTINGS = """
[mypy]
strict = True
[mypy-torch.*,norse.*,lava.*,numba.*,scipy.*,matplotlib.*,bokeh.*,h5py.*,nir.*,xarray.*,pandas.*,dask.*,distributed.*]
follow_imports = skip
"""
"""Nothing that the script names has a type of these libraries; reading their two thousand modules takes mypy a minute."""


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter in whose site-packages neuroalign lies as a wheel puts it there, and not as a link to this checkout."""
    pytest.importorskip("mypy")
    folder = tmp_path_factory.mktemp("user")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", "env"], cwd=folder, check=True)
    (site,) = folder.glob("env/lib/python*/site-packages")
    package = Path(neuroalign.__file__).parent
    shutil.copytree(package, site / "neuroalign")  # with what has been compiled
    (site / "others.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    return folder / "env" / "bin" / "python"


def run(python: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "MYPYPATH")}
    return subprocess.run(
        arguments, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=300
    )


def test_mypy_strict_accepts_it_and_notices_mistakes(python: Path, tmp_path: Path) -> None:
    text = SCRIPT.read_text(encoding="utf-8")
    (tmp_path / "script.py").write_text(text, encoding="utf-8")
    wrong = text.replace("dt=1e-3", 'dt="1 ms"').replace("judged.headline", "judged.headlines")
    (tmp_path / "wrong.py").write_text(wrong, encoding="utf-8")
    (tmp_path / "settings.ini").write_text(SETTINGS, encoding="utf-8")
    mypy = ("-m", "mypy", "--config-file=settings.ini", "--python-executable", str(python), "--no-pretty")
    done = run(python, tmp_path, sys.executable, *mypy, "script.py", "wrong.py")
    errors = [line for line in done.stdout.splitlines() if ": error:" in line]
    assert not done.stderr
    assert len(errors) == 2, done.stdout
    assert all(line.startswith("wrong.py") for line in errors)
    assert '"Verdict" has no attribute "headlines"' in done.stdout
    assert 'Argument "dt" to "deploy" has incompatible type "str"' in done.stdout


def test_it_runs(python: Path, tmp_path: Path) -> None:
    done = run(
        python, tmp_path, str(python), "-c", f"import runpy; runpy.run_path({str(SCRIPT)!r}, run_name='__main__')"
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "report" / "report.html").exists()
    assert "local: each synapse reads" in done.stdout
