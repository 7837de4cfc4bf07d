"""The examination tells what works, what fails and what is not there, and what mends it."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from neuroalign.command_line.app import app
from neuroalign.doctor import Finding, examine, trial
from neuroalign.errors import BackendFailed, BackendMissing
from neuroalign.sim.emulator import Emulator
from neuroalign.sim.lava_processes.backend import LavaBackend
from neuroalign.sim.norse_reference.backend import NorseReference

module = importlib.import_module("neuroalign.doctor.examine")  # the package's attribute of that name is the function
LAVA, NORSE = LavaBackend().missing(), NorseReference().missing()


@pytest.mark.parametrize("name", ["numba", "files", "figures", "emulator"])
def test_what_the_core_needs_works(name: str) -> None:
    assert trial.TRIALS[name]()


@pytest.mark.norse
@pytest.mark.skipif(NORSE is not None, reason=NORSE or "")
def test_norse_is_tried() -> None:
    assert "agree" in trial.try_norse()


@pytest.mark.lava
@pytest.mark.skipif(LAVA is not None, reason=LAVA or "")
def test_lava_is_tried() -> None:
    assert "equal the emulator's" in trial.try_lava()


def test_a_backend_that_differs_fails() -> None:
    network, stimulus = trial.model()
    chip, probes = trial.chip_and_probes(network)
    run = Emulator().run(chip, stimulus, probes, implementation="reference")
    name = next(iter(run.states))
    run.states[name][0, -1, 0] ^= True
    with pytest.raises(BackendFailed, match="1 of"):
        trial.require_equal(run, Emulator().run(chip, stimulus, probes, implementation="reference"))


def test_a_trial_that_raises_or_hangs_is_told_in_a_line() -> None:
    worked, text = module.run_trial("no such trial")
    assert not worked
    assert text == "KeyError: 'no such trial'"
    worked, text = module.run_trial("figures", time_limit_s=0.05)
    assert not worked
    assert "did not end within 0.05 s" in text


def item(**changed: object) -> Any:
    return module.Item(**{"name": "thing", "packages": ("numpy",), "install": "pip install thing", **changed})


def test_what_is_missing_old_or_broken_is_told_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    absent = module._finding(item(packages=("no-such-package",), use="for nothing"))
    assert (absent.status, absent.text, absent.remedy) == ("not installed", "for nothing", "pip install thing")
    assert not absent.wrong
    assert module._finding(item(packages=("no-such-package",), needed=True)).wrong
    half = module._finding(item(packages=("numpy", "no-such-package")))
    assert half.text == "needs no-such-package"
    old = module._finding(item(version="0.0.1"))
    assert (old.status, old.wrong) == ("fails", True)
    assert "0.0.1" in old.text
    monkeypatch.setattr(module, "run_trial", lambda name: (False, "it broke"))
    broken = module._finding(item(trial="numba"))
    assert (broken.status, broken.text, broken.wrong) == ("fails", "it broke", True)
    assert broken.remedy.startswith("pip install thing")


def test_every_trial_belongs_to_an_item_and_every_remedy_is_a_command() -> None:
    assert {i.trial for i in module.items() if i.trial} == set(trial.TRIALS)
    assert all(i.install.startswith(sys.executable) for i in module.items())


def run(monkeypatch: pytest.MonkeyPatch, found: list[Finding], *options: str) -> Result:
    monkeypatch.setattr("neuroalign.doctor.examine", lambda progress: tuple(found))
    return CliRunner().invoke(app, ["doctor", *options])


def test_the_command_ends_with_a_verdict(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    good = Finding("numpy", "works", "2.0", needed=True)
    lava = Finding("backend lava", "not installed", "", "the oracle", "pip install lava")
    done = run(monkeypatch, [good, lava], "--json", str(tmp_path / "found.json"))
    assert done.exit_code == 0
    assert done.output.splitlines()[-1] == "works here: numpy"
    assert "pip install lava" in done.output
    rows = json.loads((tmp_path / "found.json").read_text())["rows"]
    assert [(r["case"], r["measured"], r["passed"]) for r in rows] == [
        ("numpy", "2.0", True),
        ("backend lava: the oracle", "not installed", None),
        ("backend lava: remedy", "pip install lava", None),
    ]
    demanded = run(monkeypatch, [good, lava], "--backend", "lava")
    assert isinstance(demanded.exception, BackendMissing)
    assert "pip install lava" in str(demanded.exception)
    broken = run(monkeypatch, [Finding("numba", "fails", "1.0", "it broke", "mend it", True)], "--quiet")
    assert str(broken.exception) == "numba: fails, it broke; mend it"
    assert not broken.output


def test_all_of_it_is_told_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "run_trial", lambda name: (True, f"tried {name}"))
    seen: list[int] = []
    found = examine(lambda what, done, total: seen.append(done))
    assert found[0].name == "Python"
    assert found[-1].name == "lava-loihi"
    assert seen == list(range(len(module.items())))
