"""Commands and code that pages show to a reader: found in the fenced blocks, parsed, run.

Every command of README.md and docs/ is in one of two states. Either it runs, as it stands, in a folder that has the
files it names; or :data:`NOT_RUN` says why it does not, and what runs in its place.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SHELL = ("", "sh", "console", "bash")
PROGRAMS = ("neuroalign", "make", "pip", "python", "curl", "eval")
_FENCE = re.compile(r"^```(\S*)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """One fenced block: the page, the line its content starts on (from 1), its language, its text."""

    page: Path
    line: int
    language: str
    text: str


@dataclass(frozen=True)
class Command:
    """One command of a page, without prompt and remark."""

    page: Path
    line: int
    text: str

    @property
    def words(self) -> list[str]:
        """The command as a shell takes it apart."""
        return shlex.split(self.text)

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line} {self.text}"


@dataclass(frozen=True)
class NotRun:
    """Why a command is not run by the tests, and what is run in its place (None: it is only parsed)."""

    why: str
    instead: str | None = None


def pages() -> tuple[Path, ...]:
    """README.md and every page of docs/ that somebody wrote."""
    return (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))


def blocks(page: Path, *languages: str) -> list[Block]:
    """Fenced blocks of ``page`` in one of the languages ("" for none), from top to bottom."""
    text = page.read_text(encoding="utf-8")
    found = [Block(page, text.count("\n", 0, m.start(2)) + 1, m[1], m[2]) for m in _FENCE.finditer(text)]
    return [block for block in found if block.language in languages]


def commands(page: Path) -> list[Command]:
    """Commands in the shell blocks of ``page``; a prompt goes, and a remark after ``#`` or two spaces, and what follows a pipe."""
    return [command for block in blocks(page, *SHELL) for command in _commands(block)]


def _commands(block: Block) -> Iterator[Command]:
    lines = block.text.splitlines()
    at = 0
    while at < len(lines):
        first, line = at, lines[at]
        while line.endswith("\\") and at + 1 < len(lines):
            at += 1
            line = line[:-1].rstrip() + " " + lines[at].strip()
        at += 1
        text = re.split(r"\s+#\s|\s{2,}|\s\|\s", line.removeprefix("$ ").strip())[0]
        program = re.sub(r"^(\w+=\S+ )+", "", text).split(" ")[0]
        if program in PROGRAMS or ("/" in program and program.endswith(PROGRAMS)):
            yield Command(block.page, block.line + first, text)


def accepted(arguments: list[str]) -> None:
    """Let the command line take ``arguments`` apart (without the program's name), and run nothing.

    Raises
    ------
    ValueError
        If a command, an option or a value is not known.
    """
    from typer.main import get_command

    from neuroalign.command_line.app import app

    command: Any = get_command(app)  # typer brings its own copy of click, so no class of click's is named here
    context: Any = None
    name = "neuroalign"
    try:
        while True:
            context = command.make_context(name, list(arguments), parent=context)
            if not hasattr(command, "resolve_command"):
                return
            name, command, arguments = command.resolve_command(context, [*context._protected_args, *context.args])
    except RuntimeError as end:  # --help and --version
        if getattr(end, "exit_code", None) != 0:
            raise
    except Exception as error:
        if hasattr(error, "format_message"):
            raise ValueError(error.format_message()) from error
        raise


LONG = "takes minutes"
SESSION = "tests/docs/test_sessions.py runs it and compares what it prints"
LAVA = "starts Lava, which has tests of its own in tests/conformance and tests/sim"
ONE_CASE = "neuroalign verify --only 137 --seed 1 --against reference"
INSTALLS = "installs; .ci/run does it on a fresh clone"

TUNED = "needs torch; tests/command_line/test_finetune_command.py runs it on few samples"
NOT_RUN: Mapping[str, NotRun] = {
    "make demo": NotRun(INSTALLS),
    "neuroalign doctor": NotRun("starts every backend; tests/doctor tries them one by one"),
    "make test": NotRun("is what runs this test"),
    "neuroalign deploy network.nir --dt 0.001 --backend emulator --backend lava --backend norse": NotRun(LAVA),
    "neuroalign deploy network.nir --calibrate 0.05 --split-weights": NotRun(
        "searches for half a minute; tests/calibration searches in small networks"
    ),
    "neuroalign deploy network.nir --calibrate 0.05 --bits 60%": NotRun(
        "searches for half a minute; tests/calibration chooses bits in small networks"
    ),
    "neuroalign finetune network.nir --data train.npz --out tuned.nir": NotRun(TUNED),
    "neuroalign finetune network.nir --data train.npz --bernoulli --steps 20 --out tuned.nir": NotRun(TUNED),
    "neuroalign finetune network.nir --data train.npz --towards float --out tuned.nir": NotRun(TUNED),
    "neuroalign deploy tuned.nir --input test.npz": NotRun(
        "takes a fine-tuned file; tests/command_line/test_finetune_command.py writes one"
    ),
    "neuroalign rule check stdwi --profile loihi2": NotRun(
        LAVA, "neuroalign rule check stdwi --profile loihi2 --steps 200 --backend emulator --exit-zero"
    ),
    "neuroalign rule check mine.rule": NotRun(
        "its 10,000 steps take 12 s", "neuroalign rule check mine.rule --steps 200 --backend emulator"
    ),
    "neuroalign rule check stdwi --fit --steps 2000 --backend emulator": NotRun(SESSION),
    "neuroalign verify --cases 200": NotRun(LAVA, ONE_CASE),
    "neuroalign verify --cases 200 --seed 1": NotRun(LAVA, ONE_CASE),
    "neuroalign verify --against reference": NotRun(LONG, ONE_CASE),
    "neuroalign verify --only 137 --seed 1": NotRun(LAVA, ONE_CASE),
    "neuroalign verify --replay FILE": NotRun("its file exists only after a difference was found"),
    "neuroalign deploy network.nir --backend emulator --backend loihi --input spikes.npz": NotRun("needs lava-loihi"),
    "neuroalign compare script-recording.npz --network network.nir": NotRun(
        "its file is written by the script, in Lava"
    ),
    "neuroalign compare lif_lava_loihi_fixed.csv --network lif.net --columns input,v,s": NotRun(
        "its files are others'; tests/test_judge_recording.py runs it"
    ),
    "neuroalign bench": NotRun(LONG),
    "neuroalign bench --quick": NotRun(LONG + "; tests/command_line/test_bench_command.py runs the cases"),
    "neuroalign bench --case static --case plastic": NotRun(LONG),
    "neuroalign bench --from bench.json --markdown docs/performance.md": NotRun("reads what a benchmark wrote"),
    "neuroalign reproduce stdwi": NotRun(LONG, "neuroalign reproduce stdwi --part list"),
    "neuroalign reproduce stdwi --part comparison": NotRun(LONG),
    "neuroalign reproduce stdwi --quick": NotRun(LONG),
    "neuroalign reproduce sal --part layer --seeds 3 --workers 2": NotRun(LONG),
    "neuroalign reproduce sal --scheduler tcp://host:8786": NotRun("needs a cluster"),
    "neuroalign reproduce feedback --part learning": NotRun(LONG, "neuroalign reproduce feedback --part list"),
    "neuroalign reproduce feedback --data fashion-mnist --methods bp,fa,stdwi": NotRun(LONG + " and needs the images"),
    "neuroalign reproduce feedback --part chip": NotRun(LONG),
    "neuroalign reproduce feedback --part local": NotRun(LONG),
    "neuroalign reproduce feedback --part tuning": NotRun(LONG),
    "neuroalign reproduce feedback --methods stdwi --save-learned learnt.nir": NotRun(LONG),
}
"""Commands that the tests do not run as they stand. One that no page shows any more must go."""
