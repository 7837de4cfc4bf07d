"""Runs that are killed, interrupted or damaged, and what the next run makes of it."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import checkpoint_worker
import numpy as np
import pytest
from checkpoint_worker import BATCH, READS, STEPS, STEPS_BETWEEN, drawn, flattened, probes_of, record

from neuroalign.errors import FileFormatError, InputError, NeuroalignError, OutputError
from neuroalign.recording import Recording, Stimulus
from neuroalign.sim.emulator import Batch, Emulator, Store

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def uninterrupted() -> Recording:
    return record(None)


def started(folder: Path, out: Path, write: int = 0, moment: str = "after") -> subprocess.Popen[str]:
    """The worker in a process of its own."""
    paths = [str(ROOT), str(ROOT / "tests"), os.environ.get("PYTHONPATH", "")]
    return subprocess.Popen(
        [sys.executable, checkpoint_worker.__file__, str(folder), str(out), str(write), moment],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))},
        stdout=subprocess.PIPE,
        text=True,
    )


def assert_same(found: dict[str, Any], expected: Recording) -> None:
    wanted = flattened(expected)
    assert found.keys() == wanted.keys()
    for name, values in wanted.items():
        assert np.asarray(found[name]).dtype == np.asarray(values).dtype, name
        np.testing.assert_array_equal(found[name], values, err_msg=name)


def test_killed_at_any_moment_it_goes_on_bit_by_bit(tmp_path: Path, uninterrupted: Recording) -> None:
    """In the writing of its own files, at chosen bytes, and from outside, at moments of chance."""
    folder, out = tmp_path / "store", tmp_path / "out.npz"
    moments = [(1, "within"), (2, "within"), (6, "before"), (0, ""), (7, "after"), (5, "within")]
    chance = random.Random(3)
    steps_done = []
    for write, moment in moments:
        process = started(folder, out, write, moment)
        assert process.stdout is not None
        assert process.stdout.readline() == "begins\n"
        if not write:
            time.sleep(chance.uniform(0, 0.2))
            process.kill()
        assert process.wait(300) == -signal.SIGKILL
        process.stdout.close()
        steps_done.append(sum(1 for _ in (folder / "checkpoint").glob("segment-*")))
    assert steps_done[-1] > steps_done[2] > 0
    process = started(folder, out)
    process.communicate(timeout=300)
    assert process.returncode == 0
    assert not list((folder / "checkpoint").glob("state-*")) + list((folder / "checkpoint").glob("*.part"))
    with np.load(out) as found:
        assert_same(dict(found), uninterrupted)


class Interrupt:
    """Raises KeyboardInterrupt, as Ctrl-C does, when so many steps are done; remembers what it was told."""

    def __init__(self, at: float) -> None:
        self.at, self.told = at, [0]

    def __call__(self, done: int, total: int) -> None:
        self.told.append(done)
        if done >= self.at:
            raise KeyboardInterrupt


def interrupted(folder: Path, steps: int | None = None) -> Store:
    """A store whose run was interrupted; where ``steps`` is None, before any checkpoint was due."""
    store = Store(folder, seconds=1e9, steps=steps)
    with pytest.raises(KeyboardInterrupt):
        record(store, progress=Interrupt(STEPS))
    return store


def test_an_interrupt_leaves_what_has_been_done(tmp_path: Path, uninterrupted: Recording) -> None:
    store = interrupted(tmp_path)
    told = Interrupt(np.inf)
    assert_same(flattened(record(store, progress=told)), uninterrupted)
    assert told.told[1] >= STEPS  # the first report counts what lay in the checkpoint
    assert told.told == sorted(told.told)
    assert told.told[-1] == 4 * (STEPS + drawn().network.latency_steps)


def test_a_finished_run_is_read_and_not_run_again(tmp_path: Path, uninterrupted: Recording) -> None:
    store = Store(tmp_path, steps=1000)
    record(store)
    told = Interrupt(np.inf)
    assert_same(flattened(record(store, progress=told)), uninterrupted)
    assert len(set(told.told[1:])) == 1


@pytest.mark.parametrize("store", [Store(Path(), seconds=0), Store(Path(), steps=7)])
def test_how_often_it_is_written_does_not_show(tmp_path: Path, store: Store) -> None:
    run = drawn()
    short = Stimulus({name: array[:, :60] for name, array in run.stimulus.inputs.items()})
    expected = Emulator().run(run.network, short, probes_of(run))
    found = Emulator().run(run.network, short, probes_of(run), store=replace(store, folder=tmp_path))
    assert_same(flattened(found), expected)


def test_segments_are_written_once(tmp_path: Path) -> None:
    store = interrupted(tmp_path)
    files = {path: path.read_bytes() for path in (tmp_path / "checkpoint").glob("segment-*")}
    assert files
    record(store)
    assert {path: path.read_bytes() for path in files} == files


def other_network() -> dict[str, Any]:
    run = drawn()
    population = replace(run.network.populations[0], threshold=run.network.populations[0].threshold + 1)
    return {"network": replace(run.network, populations=(population, *run.network.populations[1:]))}


def other_stimulus() -> dict[str, Any]:
    inputs = {name: array.copy() for name, array in drawn().stimulus.inputs.items()}
    next(iter(inputs.values()))[1, 7, 0] ^= 1
    return {"stimulus": Stimulus(inputs)}


OTHERS: list[tuple[Callable[[], dict[str, Any]], str]] = [
    (other_network, "other network"),
    (other_stimulus, "other stimulus"),
    (lambda: {"probes": [("p0", "s")]}, "other probes"),
    (lambda: {"read_steps": (1,)}, "other probes"),
    (lambda: {"batch": Batch(2, seeds=[0, 6])}, "other batch"),
]


@pytest.mark.parametrize(("other", "message"), OTHERS)
def test_the_checkpoint_of_another_run_is_refused(
    tmp_path: Path, other: Callable[[], dict[str, Any]], message: str
) -> None:
    interrupted(tmp_path)
    run = drawn()
    call: dict[str, Any] = {"network": run.network, "stimulus": run.stimulus, "probes": probes_of(run)}
    call |= {"read_steps": READS, "batch": BATCH, "store": tmp_path} | other()
    with pytest.raises(InputError, match=message) as caught:
        Emulator().run(**call)
    assert "\n" not in str(caught.value)
    assert "delete that one to start anew" in str(caught.value)


def test_the_checkpoint_of_another_version_is_refused(tmp_path: Path) -> None:
    store = interrupted(tmp_path)
    path = tmp_path / "checkpoint" / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"neuroalign": "0.0.0"}))
    with pytest.raises(InputError, match="other neuroalign"):
        record(store)


def of_kind(folder: Path, kind: str) -> Path:
    return sorted((folder / "checkpoint").glob(kind))[0]


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def flipped(path: Path) -> None:
    """One bit in the middle of the largest part of a zip file's content: its checksum must tell."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


def replaced(path: Path) -> None:
    path.write_bytes(b"\x00garbage" * 50)


@pytest.mark.parametrize("kind", ["segment-*", "state-*", "run.json"])
@pytest.mark.parametrize("harm", [cut, emptied, flipped, replaced, Path.unlink])
def test_a_damaged_checkpoint_is_one_clear_line(tmp_path: Path, kind: str, harm: Callable[[Path], object]) -> None:
    store = interrupted(tmp_path, STEPS_BETWEEN)
    path = of_kind(tmp_path, kind)
    harm(path)
    if harm is Path.unlink and kind == "state-*":
        record(store)  # without its state an entry starts again
        return
    with pytest.raises(NeuroalignError) as caught:
        record(store)
    assert isinstance(caught.value, FileFormatError) or kind == "run.json"
    assert "\n" not in str(caught.value)
    assert str(tmp_path) in str(caught.value)
    assert "to start anew" in str(caught.value)


def test_two_processes_do_not_share_a_checkpoint(tmp_path: Path) -> None:
    fcntl = pytest.importorskip("fcntl", reason="locks are POSIX's")
    store = interrupted(tmp_path)
    with (tmp_path / "checkpoint" / "lock").open("wb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(InputError, match="in use by another process"):
            record(store)
    record(store)


def test_stores_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="seconds is -1"):
        Store(tmp_path, seconds=-1)
    with pytest.raises(InputError, match="steps is 0"):
        Store(tmp_path, steps=0)
    with pytest.raises(InputError, match="written by the kernels"):
        record(Store(tmp_path), implementation="reference")
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(OutputError, match="choose another folder for the store"):
        record(Store(file))
