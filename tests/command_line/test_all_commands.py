"""What all commands have in common: an example each that is accepted, the same options by the same names, completion."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from docs_commands import accepted
from typer.main import get_command
from typer.testing import CliRunner

from neuroalign.command_line.app import ORDER, app
from neuroalign.command_line.terminal import PATIENCE_S, compiling
from neuroalign.demo import load_demo

ROOT = Path(__file__).resolve().parents[2]
FILES = ("network.nir", "train.npz", "tuned.nir", "spikes.npz")


def leaves(command: Any = None, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Every command that does something, with its name in full."""
    command = get_command(app) if command is None else command
    if not hasattr(command, "commands"):
        yield " ".join(path), command
        return
    for name, child in command.commands.items():
        yield from leaves(child, (*path, name))


COMMANDS = dict(leaves())


@pytest.mark.parametrize("name", COMMANDS)
def test_help_teaches_with_an_example_that_is_accepted(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = COMMANDS[name].epilog or ""
    assert shown.startswith(f"Example: neuroalign {name}")
    for file in FILES:
        (tmp_path / file).touch()
    monkeypatch.chdir(tmp_path)
    accepted(shlex.split(shown.removeprefix("Example: "))[1:])
    assert COMMANDS[name].help
    undescribed = [p.name for p in COMMANDS[name].params if not getattr(p, "help", None)]
    assert not undescribed


@pytest.mark.parametrize("name", COMMANDS)
def test_the_same_thing_has_the_same_name_everywhere(name: str) -> None:
    options = {option for p in COMMANDS[name].params for option in p.opts}
    assert not options & {"--verbose", "--silent", "--output", "--json-out", "--backends", "--random-seed"}
    without_json = {"rule forms", "rule new"}  # they write a page, and a file
    assert ("--json" in options) or name in without_json
    listing = name.split()[-1] in ("list", "show", "inspect")
    assert ("--quiet" in options) or listing


def test_commands_are_listed_in_the_order_in_which_they_are_needed() -> None:
    names = get_command(app).list_commands(None)  # type: ignore[attr-defined]
    assert set(names) <= set(ORDER), "a new command needs a place in cli.ORDER"
    assert names == [name for name in ORDER if name in names]
    lines = CliRunner().invoke(app, ["--help"]).output.splitlines()
    listed = lines[lines.index("Commands:") + 1 :][: len(names)]
    assert [line.split()[0] for line in listed] == names
    assert not any(line.endswith("...") for line in listed), "a short help is cut: give it short_help"


@pytest.mark.parametrize(
    ("words", "found"),
    [("deploy x.nir --profile lo", ["loihi1", "loihi2"]), ("rule show s", ["sal", "spike-train", "stdwi"])],
)
def test_the_shell_completes_names(words: str, found: list[str]) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COMP_WORDS": f"neuroalign {words}"}
    environment |= {"_NEUROALIGN_COMPLETE": "complete_bash", "COMP_CWORD": str(len(words.split()))}
    done = subprocess.run(
        [sys.executable, "-m", "neuroalign"], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == found


@pytest.mark.parametrize(
    ("command", "case"),
    [
        ("profile list", "loihi2: "),
        ("profile show loihi1", "neuron."),
        ("rule list", "stdwi: "),
        ("rule show stdwi", "microcode"),
    ],
)
def test_what_is_shown_can_be_had_as_json(command: str, case: str, tmp_path: Path) -> None:
    file = tmp_path / "shown.json"
    done = CliRunner().invoke(app, [*command.split(), "--json", str(file)])
    assert done.exit_code == 0
    document = json.loads(file.read_text())
    assert document["command"] == " ".join(command.split()[:2])
    assert any(row["case"].startswith(case) for row in document["rows"])


def test_an_inspection_as_json_names_what_the_table_shows(tmp_path: Path) -> None:
    file = tmp_path / "shown.json"
    assert CliRunner().invoke(app, ["inspect", str(load_demo()[0]), "--json", str(file)]).exit_code == 0
    rows = json.loads(file.read_text())["rows"]
    assert {"case": "edge", "measured": "hidden -> fc_readout", "unit": "", "bar": None, "passed": None} in rows
    assert any(r["case"] == "node hidden: largest tau_mem" and r["measured"] == 0.01 for r in rows)


def test_an_inspection_follows_the_signal(tmp_path: Path) -> None:
    file = tmp_path / "shown.json"
    assert CliRunner().invoke(app, ["inspect", str(load_demo()[0]), "--json", str(file)]).exit_code == 0
    rows = json.loads(file.read_text())["rows"]
    nodes = [r["case"].split(":")[0] for r in rows if r["case"].endswith("shape")]
    assert nodes == ["node input", "node fc_hidden", "node hidden", "node fc_readout", "node readout", "node output"]
    found = [r["measured"] for r in rows if r["case"] == "edge"]
    assert [edge.split(" -> ")[0] for edge in found] == [n.removeprefix("node ") for n in nodes[:-1]]


def test_help_lists_most_used_options_first_and_the_others_in_groups() -> None:
    shown = CliRunner().invoke(app, ["deploy", "--help"]).output
    titles = [line for line in shown.splitlines() if line.endswith(":") and not line.startswith(" ")]
    assert titles[:3] == ["Arguments:", "Options:", "What goes in:"]
    assert {"How the file is read:", "How it becomes integers:", "How it is run:", "What is written:"} <= set(titles)
    first = shown[: shown.index("What goes in:")]
    assert all(option in first for option in ("--profile", "--dt", "--input", "--out", "--backend", "--help"))
    every = {option for p in COMMANDS["deploy"].params for option in p.opts if option.startswith("--")}
    assert all(option in shown for option in every)
    assert "\x1b" not in shown
    assert "│" not in shown


@pytest.mark.parametrize("settings", [{}, {"NO_COLOR": "1", "FORCE_COLOR": "1"}])
def test_there_is_no_colour_where_it_is_not_read_by_a_person_or_not_wanted(settings: dict[str, str]) -> None:
    environment = {k: v for k, v in os.environ.items() if k not in ("FORCE_COLOR", "NO_COLOR")} | settings
    done = subprocess.run(
        [sys.executable, "-m", "neuroalign", "rule", "show", "stdwi"],
        env=environment | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert not re.search(r"\x1b\[(3|4|9|10)\d", done.stdout)
    assert settings or "\x1b" not in done.stdout


def test_a_bar_that_stands_at_nothing_says_that_the_step_loop_is_compiled() -> None:
    assert "once on this machine" in compiling("emulator: loihi2", 0, PATIENCE_S + 1)
    assert not compiling("emulator: loihi2", 1, PATIENCE_S + 1)
    assert not compiling("emulator: loihi2", 0, PATIENCE_S / 2)
    assert not compiling("Lava", 0, PATIENCE_S + 1)
