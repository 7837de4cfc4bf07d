"""The program as a process: signals, a full disk behind standard output, names that are no text."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import nir
import numpy as np
import pytest
from nir_files import nir_lif, write_good

from neuroalign.sim.lava_processes.backend import LavaBackend

FULL = Path("/dev/full")
NOT_TEXT = os.fsdecode(b"bad\xff.nir")


def write_network(path: Path) -> Path:
    """Two inputs and a layer of three spiking neurons."""
    nodes = {
        "input": nir.Input(np.array([2])),
        "fc": nir.Affine(np.full((3, 2), 0.5), np.full(3, 2.0)),
        "lif": nir_lif(),
        "output": nir.Output(np.array([3])),
    }
    return write_good(path, nodes, [("input", "fc"), ("fc", "lif"), ("lif", "output")])


NO_FIGURES = (
    "from neuroalign.export import figures, live\n"
    "figures.pictures = lambda deployment: []; live.live_figures = lambda deployment: live.NOTHING"
)
"""What a process does first whose figures nobody looks at: drawing them takes most of its time."""


def start(
    folder: Path, *arguments: object, stdout: int = subprocess.PIPE, unbuffered: str = "", first: str = ""
) -> subprocess.Popen[str]:
    """The command line in a process, in ``folder``, its temporary files in ``folder/tmp``; ``first``: code before it."""
    (folder / "tmp").mkdir(exist_ok=True)
    program = ["-c", f"{first}\nfrom neuroalign.__main__ import main\nmain()"] if first else ["-m", "neuroalign"]
    return subprocess.Popen(
        [sys.executable, *program, *map(str, arguments)],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": str(Path(__file__).parents[1]),
            "TMPDIR": str(folder / "tmp"),
            "PYTHONUNBUFFERED": unbuffered,
        },
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        errors="surrogateescape",
    )


def descendants(parent: int) -> set[int]:
    """Processes below ``parent``; none where there is no /proc."""
    children: dict[int, list[int]] = {}
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = file.read_text(errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        children.setdefault(int(fields[1]), []).append(int(file.parent.name))
    found, left = set(), [parent]
    while left:
        below = children.get(left.pop(), [])
        found |= set(below)
        left += below
    return found


def running(process: int) -> bool:
    """Whether it runs and is no zombie."""
    try:
        return Path(f"/proc/{process}/stat").read_text(errors="replace").rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def wait_for(condition: Callable[[], object], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 120
    while not condition() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    assert process.poll() is None, process.communicate()[1]
    if not condition():
        process.terminate()
        pytest.fail("the command did not get so far")


def left_in(folder: Path) -> list[str]:
    """Files and folders below ``folder`` other than the network and the folder for temporary files."""
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.name not in ("net.nir", "tmp"))


def ended_by(process: subprocess.Popen[str], number: signal.Signals) -> list[str]:
    """Lines on standard error after the signal."""
    process.send_signal(number)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 128 + number, err
    assert "Traceback" not in err
    return [line for line in err.splitlines() if line.strip()]


def handles_signals(process: subprocess.Popen[str]) -> bool:
    """Whether the process catches SIGINT by its own handler and has loaded what the command needs."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    caught = int(next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt")), 16)
    mapped = Path(f"/proc/{process.pid}/maps").read_text(errors="replace")
    return bool(caught >> (signal.SIGTERM - 1) & 1) and "llvmlite" in mapped


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks at processes through /proc")
@pytest.mark.parametrize("arguments", [("demo",), ("deploy", "net.nir", "--dt", "1e-3", "--steps", "2000000")])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_command_with_one_line_and_no_files(
    tmp_path: Path, arguments: tuple[str, ...], number: signal.Signals
) -> None:
    folder = tmp_path / "here"
    folder.mkdir()
    write_network(folder / "net.nir")
    process = start(folder, *arguments, "--quiet", "--out", "report", "--json", "rows.json")
    wait_for(lambda: handles_signals(process), process)
    time.sleep(1.0)  # while numba is imported, its own handlers of errors may take what a signal raises; runs take 15 s
    below = descendants(process.pid)
    (line,) = ended_by(process, number)
    word = "interrupted" if number == signal.SIGINT else "ended"
    assert line == f"neuroalign: {word}; nothing was left half-written"
    assert left_in(folder) == []
    assert not [p for p in below if running(p)]


@pytest.mark.lava
@pytest.mark.skipif(LavaBackend().missing() is not None, reason="needs lava-nc")
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks at processes through /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_lava_runs_leaves_neither_processes_nor_folders(tmp_path: Path, number: signal.Signals) -> None:
    write_network(tmp_path / "net.nir")
    arguments = ("net.nir", "--dt", "1e-3", "--steps", "200000", "--backend", "lava", "--quiet", "--out", "report")
    process = start(tmp_path, "deploy", *arguments)
    wait_for(lambda: list((tmp_path / "tmp").glob("neuroalign-lava-*")) and descendants(process.pid), process)
    below = descendants(process.pid)
    assert len(ended_by(process, number)) == 1
    assert left_in(tmp_path) == []
    assert below
    assert not [p for p in below if running(p)]


@pytest.mark.skipif(not FULL.exists(), reason="needs /dev/full")
@pytest.mark.parametrize(
    "arguments",
    [("profile", "list"), ("inspect", "net.nir"), ("deploy", "net.nir", "--dt", "1e-3", "--steps", "20", "--quiet")],
)
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_standard_output_that_takes_nothing(tmp_path: Path, arguments: tuple[str, ...], unbuffered: str) -> None:
    write_network(tmp_path / "net.nir")
    with FULL.open("w") as full:
        first = NO_FIGURES if arguments[0] == "deploy" else ""
        process = start(tmp_path, *arguments, stdout=full.fileno(), unbuffered=unbuffered, first=first)
        _, err = process.communicate(timeout=120)
    assert process.returncode == 6, err
    (line,) = err.splitlines()
    assert "standard output" in line
    assert os.strerror(28) in line


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_that_comes_during_a_finaliser_is_not_lost(number: signal.Signals) -> None:
    """Python drops exceptions there; the process would run on."""
    program = f"""
import os, time, neuroalign.command_line.app, neuroalign.__main__ as entry
class Noisy:
    def __del__(self):
        os.kill(os.getpid(), {number:d})
        time.sleep(0.01)
def app(**ignored):
    Noisy()
    time.sleep(30)
neuroalign.command_line.app.app = app
entry.main()
"""
    ended = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 128 + number, ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_memory_that_the_system_refuses_is_one_line(tmp_path: Path) -> None:
    write_network(tmp_path / "good.nir")
    code = (
        "import neuroalign.pipeline.call as room; from neuroalign.__main__ import main\n"
        "def refused(*_, **more): raise MemoryError('Unable to allocate 3 GiB')\n"
        "room.encode = refused; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "deploy", "good.nir", "--dt", "1e-3"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("neuroalign: not enough memory: Unable to allocate 3 GiB; use fewer")
    assert "Traceback" not in done.stderr


def test_a_reader_that_has_gone_is_no_defect(tmp_path: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    process = start(tmp_path, "profile", "list", stdout=write)
    os.close(write)
    _, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (141, "")


def test_a_file_name_that_is_no_text(tmp_path: Path) -> None:
    network = write_network(tmp_path / "net.nir").rename(tmp_path / NOT_TEXT)
    np.save(tmp_path / f"{NOT_TEXT}.npy", np.eye(2))
    out, rows, save = (os.fsdecode(b"out\xfe" + end) for end in (b"", b".json", b".nir"))
    places = ("--out", out, "--json", rows, "--save", save, "--exit-zero")
    given = ("--dt", 1e-3, "--input", f"{NOT_TEXT}.npy")
    process = start(tmp_path, "deploy", network.name, *given, *places, first=NO_FIGURES)
    printed, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert printed.splitlines()[-1].endswith("report.html")
    report = json.loads((tmp_path / out / "report.json").read_text())
    assert report["source"].endswith(NOT_TEXT)
    assert "bad\\udcff" in (tmp_path / out / "report.html").read_text()
    assert json.loads((tmp_path / rows).read_text())["command"] == "deploy"
    assert (tmp_path / save).exists()
    shown = start(tmp_path, "inspect", network.name)
    printed, err = shown.communicate(timeout=120)
    assert shown.returncode == 0, err
    assert "bad\\udcff" in printed
