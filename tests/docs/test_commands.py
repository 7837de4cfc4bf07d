"""Every command of README.md and docs/: the command line accepts it, and it runs, or a stated reason says why not."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from docs_commands import NOT_RUN, ROOT, Command, accepted, commands, pages

from neuroalign.__main__ import main
from neuroalign.demo import load_demo
from neuroalign.sim.lava_processes.backend import LavaBackend
from neuroalign.sim.norse_reference.backend import NorseReference

ELSEWHERE = {"add-a-rule.md": "tests/docs/test_rules_page.py", "add-a-profile.md": "tests/docs/test_how_to.py"}
"""Pages whose commands a test of their own runs, with files that the page itself gives."""
SHOWN = [command for page in pages() for command in commands(page)]
OURS = [c for c in SHOWN if c.words[0] == "neuroalign"]
RUN = list(dict.fromkeys(c.text for c in OURS if c.text not in NOT_RUN and c.page.name not in ELSEWHERE))
INSTEAD = list(dict.fromkeys(reason.instead for reason in NOT_RUN.values() if reason.instead is not None))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files that commands name: the demonstration's network and eight of its samples."""
    made = tmp_path_factory.mktemp("commands")
    shutil.copy(ROOT / "neuroalign" / "demo" / "digits.nir", made / "network.nir")
    (made / "mine.rule").write_text("dw = '2^-2*x1*y0'\nx1_impulse = 16\nx1_tau = 20\n", encoding="utf-8")
    _, stimulus = load_demo()
    assert stimulus.labels is not None
    arrays: dict[str, Any] = {name: np.asarray(values[:8]) for name, values in stimulus.inputs.items()}
    np.savez(made / "spikes.npz", **arrays, labels=stimulus.labels[:8])
    (made / "rates.json").write_text('{"input": 0.05, "hidden": 0.06}')
    return made


def test_there_are_commands_and_the_list_of_exceptions_has_no_dead_entry() -> None:
    assert len(SHOWN) > 30
    assert set(NOT_RUN) <= {c.text for c in SHOWN}


@pytest.mark.parametrize("command", OURS, ids=str)
def test_the_command_line_accepts_it(command: Command, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    accepted(command.words[1:])


@pytest.mark.parametrize(
    "wrong", ["deploy network.nir --no-such-option 1", "deploy network.nir --steps many", "rule shew stdwi", "deplo"]
)
def test_what_does_not_exist_is_noticed(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"such|valid"):
        accepted(wrong.split())


@pytest.mark.parametrize("command", [*RUN, *INSTEAD])
@pytest.mark.usefixtures("without_figures")
def test_it_runs(
    command: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    for backend in (NorseReference, LavaBackend):
        monkeypatch.setattr(backend, "missing", lambda self: "not loaded here, to save time")
    monkeypatch.setattr("sys.argv", shlex.split(command))
    with pytest.raises(SystemExit) as end:
        main()
    assert not end.value.code, capsys.readouterr().err


def test_what_make_is_asked_for_exists() -> None:
    for command in SHOWN:
        words = [w for w in command.words if "=" not in w]
        if words[0] == "make":
            subprocess.run(["make", "--dry-run", "--silent", *words[1:]], cwd=ROOT, check=True, capture_output=True)
