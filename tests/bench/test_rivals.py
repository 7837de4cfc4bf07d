"""How rivals are found, told what to run, and taken in turns with; with a script in their place."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from neuroalign.bench import rival_turns, rivals
from neuroalign.bench.networks import plastic_network, silence
from neuroalign.bench.settings import Settings
from neuroalign.errors import BackendFailed, BackendMissing, InputError
from neuroalign.sim.emulator import Emulator

SCRIPT = """
from rival_turns import arguments, take_turns
folder, n = arguments()
calls = []
def run(steps):
    calls.append(steps)
    {body}
    return {{"seconds": steps * 1e-3 * len(calls), "spikes": round(2 * n["N"] * steps * 0.02)}}
take_turns(folder, lambda: {{"version": "stand-in 1", "numpy": "none"}}, run)
"""


def stand_in(folder: Path, monkeypatch: pytest.MonkeyPatch, body: str = "pass") -> None:
    (folder / "rival_turns.py").write_text(Path(rival_turns.__file__).read_text())
    script = folder / "rival_nest.py"
    script.write_text(SCRIPT.format(body=body))
    monkeypatch.setattr(rivals, "script_of", lambda name: script)


def test_chunks_alternate_and_the_first_one_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(tmp_path, monkeypatch)
    result = rivals.against("nest", sys.executable, 16, Settings(chunks=3, quick=True))
    rival, emulator = result.series
    steps = rivals.QUICK_CHUNK_STEPS
    assert rival.steps == emulator.steps == (steps,) * 3
    assert rival.seconds == pytest.approx([steps * 1e-3 * k for k in (2, 3, 4)])
    assert result.figure("rival's best / emulator's median").value == rival.best / emulator.median
    assert result.figure("spikes a step, rival").value == pytest.approx(2.0, rel=0.1)
    assert result.label == "stand-in 1, N = 16"


def test_a_rival_that_fails_is_named_with_its_last_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(tmp_path, monkeypatch, "raise ValueError('made to fail')")
    with pytest.raises(BackendFailed, match=r"^nest failed: ValueError: made to fail$"):
        rivals.against("nest", sys.executable, 16, Settings(chunks=2, quick=True))


def test_what_a_rival_is_told_is_the_emulators_network() -> None:
    network = plastic_network(40, 2)
    told = rivals.description(network, 2, 100)
    spikes = Emulator().run(network, silence(2000), [("sources", "s")]).states["sources", "s"][0]
    keep, v = np.exp(-1 / told["tau_mem"]), np.array(told["populations"][0]["v0"])
    counted = np.zeros(40)
    for _ in range(2000):
        v = keep * v + (1 - keep) * np.array(told["populations"][0]["v_inf"])
        counted += v > 1
        v[v > 1] = 0
    assert np.abs(counted - spikes.sum(axis=0)).max() <= 1
    assert told["tau_syn"] == pytest.approx(-1 / np.log(2047 / 4096))


def test_interpreters_that_cannot_be_run_are_refused() -> None:
    with pytest.raises(InputError, match="'/nowhere/python' cannot be run"):
        rivals.interpreters(["/nowhere/python"])


def test_without_rivals_the_case_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rivals, "interpreters", lambda pythons: {})
    with pytest.raises(BackendMissing, match="pip install brian2"):
        next(rivals.rival_cases(Settings()))
