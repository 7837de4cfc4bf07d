"""The Loihi backend without a chip: what it says is missing, what it refuses, and a run with a stand-in for lava-loihi."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from small_chips import chip, neurons, spikes_at, wire
from typer.testing import CliRunner

import neuroalign.demo
from neuroalign.command_line.app import app
from neuroalign.deployment import Deployment
from neuroalign.errors import BackendFailed, BackendMissing, ConversionRefused
from neuroalign.export.lava_script import write_lava_script
from neuroalign.export.report import write_report
from neuroalign.pipeline import deploy
from neuroalign.pipeline.options import Options
from neuroalign.sim.lava_processes import loihi
from neuroalign.sim.lava_processes.backend import LavaBackend
from neuroalign.sim.lava_processes.loihi import LoihiBackend

ROOT = Path(__file__).resolve().parents[3]
FAKE = ROOT / "tests" / "fake_lava_loihi"
DIGITS = Path(neuroalign.demo.__file__).parent / "digits.nir"
needs_lava = pytest.mark.skipif(LavaBackend().missing() is not None, reason=LavaBackend().missing() or "")


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """lava-loihi, as far as this backend looks at it."""
    monkeypatch.setattr(loihi, "find_spec", lambda name: object())
    monkeypatch.setenv("PYTHONPATH", f"{FAKE}:{ROOT}")


def test_without_lava_loihi_one_line_says_where_it_comes_from() -> None:
    done = CliRunner().invoke(app, ["deploy", str(DIGITS), "--backend", "loihi", "--steps", "5", "--quiet"])
    assert isinstance(done.exception, BackendMissing)
    assert done.exception.exit_code == 4
    for part in ("lava-loihi is not installed", "neuroalign convert"):
        assert part in str(done.exception)
    assert "\n" not in str(done.exception)
    with pytest.raises(BackendMissing):
        LoihiBackend(write_lava_script).run(chip([neurons("p", 1)], [], channels=1), spikes_at(2, {}))


@pytest.mark.lava
@needs_lava
@pytest.mark.usefixtures("stand_in")
def test_a_deployment_compares_the_spikes_of_the_chip(tmp_path: Path) -> None:
    deployment: Deployment = deploy(DIGITS, "loihi2", steps=15, options=Options(backends=("emulator", "loihi")))
    run = deployment.run("loihi2 (Loihi)")
    assert {state for _, state in run.recording.states} == {"s"}
    (pair,) = deployment.bit_equality
    assert pair.holds
    assert write_report(deployment, tmp_path).exists()


@pytest.mark.lava
@needs_lava
@pytest.mark.usefixtures("stand_in")
def test_processes_of_our_own_and_failures_are_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = LoihiBackend(write_lava_script)
    network = chip([neurons("p", 1, refractory_steps=3)], [wire("in", "p", [[2]])], channels=1)
    started: list[object] = []

    def failing(*arguments: object) -> int:
        started.append(arguments)
        return 1

    monkeypatch.setattr(loihi, "run_in_own_session", failing)
    with pytest.raises(ConversionRefused, match="refractory"):
        backend.run(network, spikes_at(3, {}))
    assert not started
    plain = replace(network, populations=(replace(network.populations[0], refractory_steps=0),))
    broken = LoihiBackend(lambda path, *_: (path.parent / "stderr.txt").write_text("Traceback\nno board is free\n"))
    with pytest.raises(BackendFailed, match="no board is free"):
        broken.run(plain, spikes_at(3, {}))
