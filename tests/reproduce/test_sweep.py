"""Sweeps: results are kept, go on after a stop, and survive workers of a real scheduler that are killed."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from neuroalign.errors import InputError
from neuroalign.reproduce import sweep
from neuroalign.reproduce.sweep import run_tasks
from neuroalign.reproduce.task import Task, run_task


def microcircuit(seed: int, epochs: int = 4) -> Task:
    return Task("sal_tasks:microcircuit", {"seed": seed, "arm": "FA", "epochs": epochs}, f"seed {seed}")


def test_results_are_kept_and_not_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[int] = []

    def counting(function: str, arguments: Any) -> dict[str, Any]:
        ran.append(arguments["seed"])
        return run_task(function, arguments)

    monkeypatch.setattr(sweep, "run_task", counting)
    tasks = [microcircuit(seed) for seed in (1, 2, 1)]
    first = run_tasks(tasks, tmp_path)
    assert ran == [1, 2]
    assert first[0] == first[2] != first[1]
    assert run_tasks(tasks, tmp_path) == first
    assert ran == [1, 2]
    # a damaged file is run again
    (tmp_path / f"{tasks[0].digest}.json").write_text('{"result": {"fig', encoding="utf-8")
    assert run_tasks(tasks, tmp_path) == first
    assert ran == [1, 2, 1]


def test_a_sweep_that_was_stopped_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tasks = [microcircuit(seed) for seed in (1, 2, 3)]
    expected = run_tasks(tasks, tmp_path / "whole")

    def stopping(function: str, arguments: Any) -> dict[str, Any]:
        if arguments["seed"] == 3:
            raise KeyboardInterrupt
        return run_task(function, arguments)

    with monkeypatch.context() as patched:
        patched.setattr(sweep, "run_task", stopping)
        with pytest.raises(KeyboardInterrupt):
            run_tasks(tasks, tmp_path / "stopped")
    assert len(list((tmp_path / "stopped").glob("*.json"))) == 2
    assert run_tasks(tasks, tmp_path / "stopped") == expected


def test_what_was_kept_says_what_it_is(tmp_path: Path) -> None:
    task = microcircuit(5, epochs=2)
    run_tasks([task], tmp_path)
    stored = json.loads((tmp_path / f"{task.digest}.json").read_text(encoding="utf-8"))
    assert stored["arguments"] == {"seed": 5, "arm": "FA", "epochs": 2}
    assert stored["function"] == "sal_tasks:microcircuit"


def test_different_arguments_have_different_results() -> None:
    assert microcircuit(1).digest != microcircuit(2).digest
    assert microcircuit(1).digest == microcircuit(1).digest


@pytest.fixture
def scheduler() -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A scheduler and two workers on the loopback interface."""
    pytest.importorskip("distributed", reason="dask.distributed is not installed")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    root = str(Path(__file__).resolve().parents[2])
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])}
    common = {"env": environment, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    commands = [
        ["distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard"],
        *2 * [["distributed.cli.dask_worker", address, "--nthreads", "1", "--no-dashboard", "--no-nanny"]],
    ]
    processes = [subprocess.Popen([sys.executable, "-m", *command], **common) for command in commands]  # type: ignore[call-overload]
    try:
        from distributed import Client

        with Client(address, timeout=60, set_as_default=False) as client:
            client.wait_for_workers(2, timeout=60)
        yield address, processes[1:]
    finally:
        for process in reversed(processes):
            process.kill()
            process.wait()


@pytest.mark.slow
def test_a_scheduler_with_a_killed_worker_loses_nothing(
    tmp_path: Path, scheduler: tuple[str, list[subprocess.Popen[bytes]]]
) -> None:
    address, workers = scheduler
    tasks = [microcircuit(seed, epochs=8) for seed in range(1, 7)]
    killed: list[float] = []

    def kill_one(label: str, done: int, total: int) -> None:
        if done == 2 and not killed:
            killed.append(time.monotonic())
            workers[0].send_signal(signal.SIGKILL)

    found = run_tasks(tasks, tmp_path / "cluster", scheduler=address, progress=kill_one)
    assert killed
    assert workers[0].wait(timeout=10) == -signal.SIGKILL
    assert found == run_tasks(tasks, tmp_path / "here")


def test_local_workers_find_what_one_process_finds(tmp_path: Path) -> None:
    pytest.importorskip("distributed", reason="dask.distributed is not installed")
    tasks = [microcircuit(seed) for seed in (1, 2)]
    assert run_tasks(tasks, tmp_path / "two", workers=2) == run_tasks(tasks, tmp_path / "one")


def test_a_scheduler_that_is_not_there_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed", reason="dask.distributed is not installed")
    monkeypatch.setattr(sweep, "CONNECT_SECONDS", 1)
    with pytest.raises(InputError, match="no Dask scheduler at 'tcp") as error:
        run_tasks([microcircuit(1)], tmp_path, scheduler="tcp://127.0.0.1:1")
    assert "\n" not in str(error.value)
