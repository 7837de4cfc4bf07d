"""``neuroalign compare``: runs made elsewhere, judged."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_chips import chip, neurons, wire
from typer.testing import CliRunner

import neuroalign.demo
from neuroalign.command_line.app import app
from neuroalign.convert import Reading, Signal, convert
from neuroalign.errors import FileFormatError, InputError
from neuroalign.export.netx import write_netx
from neuroalign.fidelity import Place
from neuroalign.judge_recording import RecordingOptions, judge
from neuroalign.recording import Stimulus
from neuroalign.sim.emulator import Emulator

DIGITS = Path(neuroalign.demo.__file__).parent / "digits.nir"
PAPER = RecordingOptions(columns=["input", "v", "s"])


@pytest.fixture
def paper(tmp_path: Path) -> Path:
    """The neuron of the NIR paper in the integers in which its authors ran it, as a .net."""
    network = chip([neurons("lif", 1, du=4095, dv=163, threshold=25)], [wire("in", "lif", [[10]])], channels=1)
    write_netx(tmp_path / "lif.net", network)
    return tmp_path / "lif.net"


def test_a_trace_recorded_on_a_chip(paper: Path, shared_data: Path) -> None:
    """Spikes of 1000 steps equal; the membrane in 996, and in the four others the chip's register reads 128."""
    found = judge(shared_data / "nir_lif" / "lif_lava_loihi_fixed.csv", paper, options=PAPER)
    by_state = {s.state: s for s in found.states}
    assert (by_state["s"].compared, by_state["s"].equal, by_state["s"].spikes) == (1000, 1000, 4)
    assert not by_state["s"].evidence
    assert (by_state["v"].compared, by_state["v"].equal) == (1000, 996)
    assert by_state["v"].first == (Place(0, 461, 0), 128.0, 0.0)
    assert "128" in by_state["v"].trait
    assert found.outcome == "equal but for a known trait"


def test_a_trace_of_lava_on_a_processor_is_equal(paper: Path, shared_data: Path) -> None:
    found = judge(shared_data / "nir_lif" / "lif_lava_cpu_fixed.csv", paper, options=PAPER)
    assert found.outcome == "equal"
    assert [s.equal for s in found.states] == [1000, 1000]


def test_the_trained_file_and_volts(shared_data: Path) -> None:
    """The chip's v is 1/16000 V there; in volts it is held against the float model, spikes against both."""
    options = replace(PAPER, volts_per_unit=1 / 16000)
    path = shared_data / "nir_lif" / "lif_norse.nir"
    found = judge(
        shared_data / "nir_lif" / "lif_lava_loihi_fixed.csv", path, Reading("loihi2", dt=1e-4), options=options
    )
    assert [s.state for s in found.states] == ["s"]
    assert found.agreement is not None
    (population,) = found.agreement.populations
    assert population.membrane is not None
    assert population.membrane.max_volts < 0.1 * 0.09  # the four readings of 128 are 0.008 V
    assert population.spikes is not None
    assert population.spikes.reference_spikes == 4
    assert "no evidence" in population.text


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, dict[str, Any]]:
    """The digits network saved, its input, and what the emulator gives for it."""
    folder = tmp_path_factory.mktemp("run")
    held = convert(DIGITS, folder / "net.nir", Reading("loihi2"))
    spikes = (np.random.default_rng(0).random((2, 60, held.chip.inputs[0].size)) < 0.1).astype(np.uint8)
    name = held.chip.inputs[0].name
    np.savez(folder / "x.npz", **dict[str, Any]({name: spikes}))
    states = Emulator().run(
        held.chip, Stimulus({name: spikes}), [(p.name, s) for p in held.chip.populations for s in "sv"]
    )
    arrays: dict[str, Any] = {f"{p}.{s}": np.asarray(a).astype(np.int64) for (p, s), a in states.states.items()}
    return folder / "net.nir", folder / "x.npz", arrays


def test_an_equal_run_and_the_first_difference_of_another(
    run: tuple[Path, Path, dict[str, Any]], tmp_path: Path
) -> None:
    network, x, arrays = run
    logical: dict[str, Any] = {
        k: a != 0 if k.endswith(".s") else a for k, a in arrays.items()
    }  # as a Lava script writes
    np.savez(tmp_path / "r.npz", **logical)
    found = judge(tmp_path / "r.npz", network, signal=Signal(x))
    assert found.outcome == "equal"
    assert found.agreement is not None
    assert all(p.spikes is None or p.spikes.f1_near for p in found.agreement.populations)
    changed = {key: a.copy() for key, a in arrays.items()}
    key = next(k for k in changed if k.endswith(".v"))
    changed[key][1, 7, 3] += 5
    changed[key][0, 9, 0] += 1
    np.savez(tmp_path / "r.npz", **changed)
    found = judge(tmp_path / "r.npz", network, signal=Signal(x))
    assert found.outcome == "different"
    (state,) = [s for s in found.states if s.equal < s.compared]
    assert f"{state.population}.{state.state}" == key
    assert state.first == (Place(1, 7, 3), float(changed[key][1, 7, 3]), float(arrays[key][1, 7, 3]))
    assert state.compared - state.equal == 2


@pytest.mark.parametrize("lag", [2, -3])
def test_a_declared_lag_is_subtracted(lag: int, run: tuple[Path, Path, dict[str, Any]], tmp_path: Path) -> None:
    network, x, arrays = run
    moved: dict[str, Any] = {
        k: np.pad(a, ((0, 0), (lag, 0), (0, 0))) if lag > 0 else a[:, -lag:] for k, a in arrays.items()
    }
    np.savez(tmp_path / "r.npz", **moved)
    assert judge(tmp_path / "r.npz", network, signal=Signal(x), options=RecordingOptions(lag=lag)).outcome == "equal"
    assert judge(tmp_path / "r.npz", network, signal=Signal(x)).outcome == "different"


def test_silence_is_no_evidence(run: tuple[Path, Path, dict[str, Any]], tmp_path: Path) -> None:
    network, _, arrays = run
    with np.load(run[1]) as given:
        inputs: dict[str, Any] = {f"{name}.input": given[name] * 0 for name in given}
    silent: dict[str, Any] = {k: a * 0 for k, a in arrays.items() if k.endswith(".s")}
    np.savez(tmp_path / "r.npz", **silent, **inputs)
    quiet = judge(tmp_path / "r.npz", network)
    if any(s.spikes for s in quiet.states):  # a bias may drive it
        assert quiet.outcome == "different"
    else:
        assert quiet.outcome == "no evidence"


def test_the_command_says_it_in_words_and_rows(paper: Path, shared_data: Path, tmp_path: Path) -> None:
    file = str(shared_data / "nir_lif" / "lif_lava_loihi_fixed.csv")
    arguments = ["compare", file, "--network", str(paper), "--columns", "input,v,s", "--json", str(tmp_path / "j.json")]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.exception
    assert (
        "lif.v: 996 of 1,000 values equal; first difference in sample 0, step 461, neuron 0: 128 recorded, 0"
        in done.output
    )
    rows = {row["case"]: row for row in json.loads((tmp_path / "j.json").read_text())["rows"]}
    assert rows["lif.s: values equal to the emulator's"]["measured"] == 1000
    assert rows["lif.s: evidence"]["measured"] is False


@pytest.mark.parametrize(
    ("content", "columns", "word"),
    [
        ("1,2,3\n", None, "--columns"),
        ("1,2,3\n", ["input", "v"], "3 columns"),
        ("1,2,3\n", ["input", "v", "other.s"], "names nothing"),
        ("1,2,3\n", ["input", "v", "v"], "two columns"),
        ("1,2,nan\n", ["input", "v", "s"], "finite"),
        ("1,2,x\n", ["input", "v", "s"], "numbers"),
        ("", ["input", "v", "s"], "no row"),
        ("1,2,3\n", ["input", "-", "-"], "nothing of the populations"),
        ("1,2,3\n", ["-", "v", "s"], "--input"),
        ("0.5,2,3\n", ["input", "v", "s"], "0.5"),
    ],
)
def test_files_that_do_not_fit_end_in_one_line(
    content: str, columns: list[str] | None, word: str, paper: Path, tmp_path: Path
) -> None:
    (tmp_path / "r.csv").write_text(content)
    with pytest.raises((FileFormatError, InputError), match=word) as error:
        judge(tmp_path / "r.csv", paper, options=RecordingOptions(columns=columns))
    assert "\n" not in str(error.value)


def test_other_files(paper: Path, tmp_path: Path) -> None:
    import h5py

    with h5py.File(tmp_path / "r.h5", "w") as file:
        file["lif/s"], file["lif/v"] = np.zeros((5, 1)), np.arange(5.0)[:, None]
    np.savez(tmp_path / "x.npz", np.zeros((5, 1)))
    found = judge(tmp_path / "r.h5", paper, signal=Signal(tmp_path / "x.npz"))
    assert {s.state: s.equal for s in found.states} == {"s": 5, "v": 1}
    for name in ("missing.csv", "missing.npz", "missing.h5", "a.txt"):
        with pytest.raises(FileFormatError):
            judge(tmp_path / name, paper, options=RecordingOptions(columns=["v"]) if name.endswith("csv") else None)
