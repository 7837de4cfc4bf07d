"""The command line as a user meets it: one line per mistake, nothing half-written, the documented exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import nir
import numpy as np
import pytest
from command_calls import Call, Ended, refused, write_network
from hand_made import deployment

from neuroalign.export.nir_graph.write import read_chip


def test_deploy_writes_a_report_and_rows(call: Call, tmp_path: Path) -> None:
    file = write_network(tmp_path / "net.nir")
    ended = call("deploy", file, "--dt", 1e-3, "--steps", 300, "--out", "report", "--json", "rows.json")
    assert ended.code == 0, ended.err
    assert ended.out.splitlines()[-1] == "report/report.html"
    rows = json.loads((tmp_path / "rows.json").read_text())
    assert set(rows) == {"command", "versions", "seed", "rows"}
    assert all(set(row) == {"case", "measured", "unit", "bar", "passed"} for row in rows["rows"])
    report = json.loads((tmp_path / "report" / "report.json").read_text())
    assert report["schema"].startswith("neuroalign-report/")
    assert {p.name for p in (tmp_path / "report").iterdir()} == {"report.html", "report.json"}


@pytest.mark.parametrize("steps", [1, 2, 7])
def test_a_report_of_very_few_steps(call: Call, tmp_path: Path, steps: int) -> None:
    ended = call("deploy", write_network(tmp_path / "net.nir"), "--dt", 1e-3, "--steps", steps, "--quiet")
    assert ended.code == 7, ended.err
    assert "Undecided" in ended.out


@pytest.mark.usefixtures("without_figures")
def test_the_same_seed_gives_the_same_figures(call: Call, tmp_path: Path) -> None:
    file = write_network(tmp_path / "net.nir")
    measured = []
    for name in ("a.json", "b.json"):
        call("deploy", file, "--dt", 1e-3, "--steps", 200, "--seed", 7, "--quiet", "--json", name)
        measured.append(json.loads((tmp_path / name).read_text())["rows"])
    assert measured[0] == measured[1]


@pytest.mark.usefixtures("without_figures")
def test_the_same_command_goes_on_from_its_checkpoint_and_another_is_refused(call: Call, tmp_path: Path) -> None:
    file = write_network(tmp_path / "net.nir")
    options = ["--dt", 1e-3, "--steps", 50, "--quiet", "--exit-zero", "--threads", 2, "--checkpoint", "kept"]
    assert call("deploy", file, *options).code == 0
    kept = tmp_path / "kept"
    assert {p.name for p in kept.iterdir()} == {"float-model", "ideal-chip-order-no-rounding", "loihi2-emulator"}
    files = {path: path.stat().st_mtime_ns for path in kept.rglob("*.npz")}
    assert files
    assert call("deploy", file, *options).code == 0
    assert {path: path.stat().st_mtime_ns for path in kept.rglob("*.npz")} == files
    refused(call("deploy", file, *options, "--seed", 4), 2, "kept/float-model", "of another run (other stimulus)")


@pytest.mark.usefixtures("without_figures")
def test_what_the_chip_holds_is_saved_as_nir(call: Call, tmp_path: Path) -> None:
    file = write_network(tmp_path / "net.nir")
    ended = call("deploy", file, "--dt", 1e-3, "--steps", 50, "--quiet", "--exit-zero", "--save", "chip.nir")
    assert ended.code == 0, ended.err
    assert {type(n).__name__ for n in nir.read(tmp_path / "chip.nir").nodes.values()} >= {"Input", "Output"}
    assert read_chip(tmp_path / "chip.nir").profile_id == "loihi2"
    again = call("deploy", "chip.nir", "--steps", 50, "--quiet", "--exit-zero", "--json", "again.json")
    assert again.code == 0, again.err


def test_inspect_shows_the_nodes(call: Call, tmp_path: Path) -> None:
    ended = call("inspect", write_network(tmp_path / "net.nir"))
    assert ended.code == 0
    for word in ("Affine", "LIF", "--dt"):
        assert word in ended.out


def test_profiles_are_listed_and_shown_with_sources(call: Call) -> None:
    listed = call("profile", "list")
    assert all(name in listed.out for name in ("cpu", "ideal", "loihi1", "loihi2", "speck", "brainscales-2"))
    shown = call("profile", "show", "loihi1")
    assert shown.code == 0
    assert "not checked" in shown.out
    assert "documented" in shown.out


def test_conflicts_are_shown_with_every_value_and_the_reason(call: Call) -> None:
    shown = " ".join(call("profile", "show", "loihi1").out.split())
    for part in ("Where sources disagree", "core.threshold_profiles_max", "validate.py", "SANA-FE", "never mixed"):
        assert part in shown


@pytest.mark.parametrize("profile", ["spinnaker2", "speck", "xylo", "dynap-se2", "brainscales-2"])
def test_a_target_that_nothing_computes_like_is_refused_in_one_line(call: Call, tmp_path: Path, profile: str) -> None:
    write_network(tmp_path / "net.nir")
    ended = call("deploy", "net.nir", "--dt", 1e-3, "--reset", "subtract", "--profile", profile)
    refused(ended, 3, profile, "placed", "not run", f"neuroalign place FILE --profile {profile}")
    assert not (tmp_path / "neuroalign-report").exists()
    refused(call("rule", "show", "stdwi", "--profile", profile), 3, profile)


def test_a_missing_file(call: Call, tmp_path: Path) -> None:
    refused(call("deploy", "nowhere.nir"), 2, "nowhere.nir", "no such file")
    assert not list(tmp_path.iterdir())


def test_an_empty_file(call: Call, tmp_path: Path) -> None:
    (tmp_path / "empty.nir").touch()
    refused(call("deploy", "empty.nir"), 2, "empty.nir", "empty")


def test_a_truncated_file(call: Call, tmp_path: Path) -> None:
    whole = write_network(tmp_path / "net.nir").read_bytes()
    (tmp_path / "cut.nir").write_bytes(whole[: len(whole) // 2])
    refused(call("deploy", "cut.nir", "--dt", 1e-3), 2, "cut.nir")
    assert not (tmp_path / "neuroalign-report").exists()


def test_a_file_of_another_kind(call: Call, tmp_path: Path) -> None:
    (tmp_path / "text.nir").write_text("not HDF5 at all")
    refused(call("inspect", "text.nir"), 2, "text.nir", "HDF5")


def test_a_repair_that_is_ambiguous(call: Call, tmp_path: Path) -> None:
    """An edge names a node that does not exist, and two nodes could be meant."""
    file = write_network(tmp_path / "net.nir")
    with h5py.File(file, "a") as opened:
        opened.copy("node/nodes/lif", "node/nodes/lif2")
        opened.move("node/nodes/lif", "node/nodes/lif1")
    refused(call("deploy", file, "--dt", 1e-3), 2, "lif")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite(call: Call, tmp_path: Path, value: float) -> None:
    refused(call("deploy", write_network(tmp_path / "net.nir", weight=value), "--dt", 1e-3), 2, str(value))


def test_an_unknown_profile(call: Call, tmp_path: Path) -> None:
    refused(
        call("deploy", write_network(tmp_path / "net.nir"), "--dt", 1e-3, "--profile", "loihi3"), 2, "loihi3", "loihi2"
    )


def test_input_of_the_wrong_shape(call: Call, tmp_path: Path) -> None:
    np.save(tmp_path / "wide.npy", np.zeros((10, 5)))
    refused(call("deploy", write_network(tmp_path / "net.nir"), "--dt", 1e-3, "--input", "wide.npy"), 2, "(10, 5)", "2")


@pytest.mark.usefixtures("without_figures")
def test_input_that_is_not_spikes_needs_an_encoding(call: Call, tmp_path: Path) -> None:
    np.save(tmp_path / "grey.npy", np.full((10, 2), 0.3))
    file = write_network(tmp_path / "net.nir")
    refused(call("deploy", file, "--dt", 1e-3, "--input", "grey.npy"), 2, "0.3", "--encode")
    for encoding in ("bernoulli", "current"):
        options = ("--dt", 1e-3, "--input", "grey.npy", "--encode", encoding, "--quiet", "--exit-zero")
        assert call("deploy", file, *options).code == 0
    refused(
        call("deploy", file, "--dt", 1e-3, "--input", "grey.npy", "--encode", "current", "--profile", "loihi1"),
        3,
        "payload",
    )


def test_dt_that_the_file_does_not_tell(call: Call, tmp_path: Path) -> None:
    refused(call("deploy", write_network(tmp_path / "net.nir")), 2, "--dt")


def test_time_constants_below_dt(call: Call, tmp_path: Path) -> None:
    refused(call("deploy", write_network(tmp_path / "net.nir", tau=2e-5), "--dt", 1e-3), 2, "tau")


def test_subtractive_reset(call: Call, tmp_path: Path) -> None:
    refused(call("deploy", write_network(tmp_path / "net.nir"), "--dt", 1e-3, "--reset", "subtract"), 3, "--reset zero")


def test_an_output_directory_that_cannot_be_written(call: Call, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file, not a directory")
    file = write_network(tmp_path / "net.nir")
    refused(call("deploy", file, "--dt", 1e-3, "--steps", 20, "--quiet", "--out", "taken"), 6, "taken")
    assert (tmp_path / "taken").read_text() == "a file, not a directory"


def untouched(call: Call, monkeypatch: pytest.MonkeyPatch, *arguments: object) -> Ended:
    """A call that must end before anything is run."""

    def run(*_: object, **__: object) -> None:
        raise AssertionError("a run was started")

    monkeypatch.setattr("neuroalign.pipeline.stages.run_all", run)
    return call(*arguments)


@pytest.mark.parametrize(
    ("places", "words"),
    [
        (("--out", "taken"), ("taken", "--out")),
        (("--out", "taken/below/it"), ("taken/below/it", "--out")),
        (("--out", "/proc/report"), ("/proc/report", "--out")),
        (("--out", "x" * 300), ("xxx", "too long")),
        (("--json", "nowhere/rows.json"), ("nowhere/rows.json", "No such file")),
        (("--json", "folder"), ("folder", "is a directory")),
        (("--json", "/dev/null"), ("/dev/null", "device")),
        (("--save", "nowhere/chip.nir"), ("nowhere/chip.nir", "No such file")),
        (("--out", "folder"), ("folder/report.html", "is a directory")),
    ],
)
@pytest.mark.parametrize("command", ["deploy", "demo"])
def test_places_that_cannot_be_written_are_refused_before_the_runs(
    call: Call,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    places: tuple[str, str],
    words: tuple[str, ...],
) -> None:
    (tmp_path / "taken").write_text("a file, not a directory")
    (tmp_path / "folder" / "report.html").mkdir(parents=True)
    if command == "demo" and places[0] == "--save":
        pytest.skip("the demonstration saves nothing")
    file = write_network(tmp_path / "net.nir")
    before = sorted(tmp_path.rglob("*"))
    options = (file, "--dt", 1e-3) if command == "deploy" else ()
    refused(untouched(call, monkeypatch, command, *options, "--quiet", *places), 6, *words)
    assert sorted(tmp_path.rglob("*")) == before


def test_rule_check_refuses_places_that_cannot_be_written_before_the_runs(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("neuroalign.rule_check.check_rule", lambda *_: pytest.fail("a run was started"))
    refused(call("rule", "check", "stdwi", "--quiet", "--json", "nowhere/rows.json"), 6, "nowhere/rows.json")
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("without_figures")
def test_single_files_may_lie_in_the_directory_of_the_report(call: Call, tmp_path: Path) -> None:
    file = write_network(tmp_path / "net.nir")
    places = ("--out", "new/report", "--json", "new/rows.json", "--save", "new/report/chip.nir")
    ended = call("deploy", file, "--dt", 1e-3, "--steps", 20, "--quiet", "--exit-zero", *places)
    assert ended.code == 0, ended.err
    assert {p.name for p in (tmp_path / "new").rglob("*.*")} == {"report.html", "report.json", "rows.json", "chip.nir"}


@pytest.mark.usefixtures("without_figures")
def test_a_report_that_fails_leaves_no_directory(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> int:
        raise OSError(28, "No space left on device")

    file = write_network(tmp_path / "net.nir")
    monkeypatch.setattr(Path, "write_text", full)
    ended = call("deploy", file, "--dt", 1e-3, "--steps", 20, "--quiet", "--out", "new/report")
    refused(ended, 6, "No space left")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("scale", ["0", "nan", "inf"])
@pytest.mark.parametrize("given", [(), ("--input", "spikes.npy")])
def test_an_input_scale_that_divides_nothing(call: Call, tmp_path: Path, scale: str, given: tuple[str, ...]) -> None:
    np.save(tmp_path / "spikes.npy", np.eye(2))
    file = write_network(tmp_path / "net.nir")
    refused(call("deploy", file, "--dt", 1e-3, "--input-scale", scale, *given), 2, "--input-scale", f"{float(scale)}")


def test_options_that_would_be_left_unused(call: Call, tmp_path: Path) -> None:
    np.save(tmp_path / "spikes.npy", np.eye(2))
    file = write_network(tmp_path / "net.nir")
    refused(call("deploy", file, "--dt", 1e-3, "--input", "spikes.npy", "--rate", 0.2), 2, "--rate", "--input")
    refused(call("deploy", file, "--dt", 1e-3, "--input-scale", 2), 2, "--input-scale", "--input")


@pytest.mark.parametrize("label", [3, -1])
def test_labels_beyond_the_classes(call: Call, tmp_path: Path, label: int) -> None:
    np.savez(tmp_path / "labelled.npz", input=np.zeros((4, 10, 2)), labels=[0, 1, label, 2])
    ended = call("deploy", write_network(tmp_path / "net.nir"), "--dt", 1e-3, "--input", "labelled.npz")
    refused(ended, 2, "labelled.npz", "sample 2", str(label), "'output'", "0 to 2")


@pytest.mark.usefixtures("without_figures")
def test_what_is_assumed_and_not_checked_is_said_in_sentences(call: Call, tmp_path: Path) -> None:
    call("deploy", write_network(tmp_path / "net.nir"), "--dt", 1e-3, "--steps", 20, "--quiet")
    report = json.loads((tmp_path / "neuroalign-report" / "report.json").read_text())
    for listed in (report["assumed_figures"], report["not_checked"]):
        assert listed
        assert all(" " in line and line.endswith(".") for line in listed)
    assert any(
        line.startswith("core.memory.word_bits is taken as 64: taken over") for line in report["assumed_figures"]
    )


def test_the_demonstration_says_what_each_backend_reads(capsys: pytest.CaptureFixture[str]) -> None:
    from neuroalign.command_line.demo_terminal import print_demo_opening

    print_demo_opening(7)
    shown = " ".join(capsys.readouterr().out.split())
    assert "The float model and the emulator read every image" in shown
    assert "Lava, where it is installed, reads the first 7." in shown


def test_the_table_says_how_many_samples_a_run_took(capsys: pytest.CaptureFixture[str]) -> None:
    from neuroalign.command_line.deploy_terminal import print_deployment

    made = deployment(samples=23)
    print_deployment(made)
    lines = capsys.readouterr().out.splitlines()
    heading = next(line for line in lines if " run " in line)
    row = next(line for line in lines if made.agreements[0].candidate in line and line[0] == "│")
    column = [cell.strip() for cell in heading.strip("┃").split("┃")].index("samples")
    assert [cell.strip() for cell in row.strip("│").split("│")][column] == "23"


def test_an_option_out_of_range(call: Call, tmp_path: Path) -> None:
    refused(call("deploy", write_network(tmp_path / "net.nir"), "--dt", 1e-3, "--rate", 1.5), 2, "--rate", "1.5")


def test_a_backend_that_is_not_installed(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from neuroalign.sim.lava_processes.backend import LavaBackend

    monkeypatch.setattr(LavaBackend, "missing", lambda self: "backend lava needs lava-nc: pip install lava-nc")
    refused(call("deploy", write_network(tmp_path / "net.nir"), "--dt", 1e-3, "--backend", "lava"), 4, "pip install")


def test_deploy_places_on_the_board_that_is_named(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write_network(tmp_path / "net.nir")
    ended = call("deploy", file, "--dt", 1e-3, "--steps", 20, "--board", "oheo-gulch", "--exit-zero")
    assert ended.code == 0, ended.err
    assert "1 chip of loihi2 on oheo-gulch" in " ".join(ended.out.split())
    report = json.loads((tmp_path / "neuroalign-report" / "report.json").read_text())
    assert report["placement"]["board"] == "oheo-gulch"
    refused(call("deploy", file, "--dt", 1e-3, "--board", "nahuku-32"), 2, "'nahuku-32'", "oheo-gulch")
    monkeypatch.setattr("neuroalign.placing.place", lambda *_, **__: pytest.fail("it was placed"))
    refused(call("place", file, "--dt", 1e-3, "--board", "nahuku-32"), 2, "'nahuku-32'", "oheo-gulch")


def test_inspect_reads_as_deploy_does_and_refuses_if_asked(call: Call, tmp_path: Path) -> None:
    file = write_network(tmp_path / "net.nir")
    assert call("inspect", file).code == 0
    refused(call("inspect", file, "--strict"), 2, "--dt")
    ended = call("inspect", file, "--dt", 1e-3, "--reset", "zero", "--strict")
    assert ended.code == 0, ended.err
    assert "deploy takes it" in ended.out
