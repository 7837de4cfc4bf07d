"""The ``rule`` commands as a user meets them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from command_calls import Call, caller, refused

from neuroalign.recording import Recording
from neuroalign.rule.text import rule_from_text
from neuroalign.rules import load_rule
from neuroalign.sim.emulator import Emulator
from neuroalign.sim.lava_processes.backend import LavaBackend
from neuroalign.sim.norse_reference.backend import NorseReference

LAVAS = "dw='2^-2*x1*y0', x1_impulse=16, x1_tau=20"


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Call:
    """Run ``neuroalign rule`` in an empty directory, without torch."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(NorseReference, "missing", lambda self: "norse is not installed; pip install '.[norse]'")
    return caller(monkeypatch, capsys, "rule")


def test_list(call: Call) -> None:
    ended = call("list")
    assert ended.code == 0
    assert "stdwi" in ended.out
    assert "pair-stdp" in ended.out


def test_show_tells_everything(call: Call) -> None:
    ended = call("show", "stdwi", "--profile", "loihi2", "--form", "exact")
    assert ended.code == 0, ended.err
    words = ["eta (fast - slow - lambda w)", "2003.03988", "local: each synapse reads", "dw = u", "dt = 5*2^-4*x0*y1"]
    words += ["needs traces: y1, y2; idle", "y3", "products: 5", "18 bits of state", "u4", "odd constants"]
    for word in words:
        assert word in ended.out


def test_show_prints_a_program_that_can_be_read_back(call: Call) -> None:
    from neuroalign.microcode.text import program_from_lines

    out = call("show", "pair-stdp", "--form", "direct", "--weight-limit", 1).out
    names = ("t_epoch", "rng_seed", "x1", "y1", "dw")
    lines = [line.strip() for line in out.splitlines() if line.strip().split(" ")[0] in names and " = " in line]
    assert len(program_from_lines("\n".join(lines)).dw) >= 2


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("show", "stdwy"), 2, ("stdwy", "nearest: stdwi")),
        (("show", "stdwi", "--profile", "loihi3"), 2, ("loihi3", "loihi2")),
        (("show", "stdwi", "--form", "direct"), 3, ("[pre spike] w", "carry form")),
        (("show", "stdwi", "--profile", "ideal", "--form", "sgn"), 3, ("double precision", "direct form")),
        (("show", "stdwi", "--dt", -1), 2, ("--dt", "positive")),
        (("show", "stdwi", "--unit", 1, "--weight-limit", 1), 2, ("--unit", "one of them")),
        (("show", "stdwi", "--unit", 0), 2, ("weight_unit", "positive")),
        (("show", "stdwi", "--rates", "3"), 2, ("--rates", "60,34")),
        (("show", "stdwi", "--rates", "3,-1"), 2, ("rates", "positive")),
        (("show", "stdwi", "--form", "exact", "--portable"), 2, ("exact", "sgn")),
        (("check", "stdwi", "--form", "direct", "--steps", 20, "--backend", "emulator"), 3, ("carry form",)),
        (("check", "stdwi", "--steps", 20, "--dt", 0.5), 2, ("--dt", "0.5")),
        (("check", "stdwi", "--fit", "--unit", 0.1), 2, ("--fit", "--unit")),
        (("check", LAVAS, "--fit"), 2, ("--fit", "SI units")),
    ],
)
def test_mistakes_are_one_line(call: Call, arguments: tuple[object, ...], code: int, words: tuple[str, ...]) -> None:
    refused(call(*arguments), code, *words)


def test_show_tells_costs_and_what_is_predicted(call: Call) -> None:
    ended = call("show", "sal", "--rates", "20,25")
    assert ended.code == 0, ended.err
    for word in ("costs per synapse: 18 bits", "at a spike of pre", "a second at the rates", "random walk"):
        assert word in " ".join(ended.out.split()), word
    assert "--portable" not in ended.err
    portable = call("show", "sal", "--portable").out
    assert "sgn form" in portable
    assert "product shift of Lava" not in portable


def test_a_users_file_is_shown_and_its_mistake_pointed_at(call: Call, tmp_path: Path) -> None:
    (tmp_path / "mine.rule").write_text("rule mine: t\ndw = 0.01*pre - 0.001*pre*w\nlimit = 1\n")
    assert "mine" in call("show", "mine.rule").out
    (tmp_path / "bad.rule").write_text("rule bad: t\ndw = 0.01*pre*v\n")
    ended = call("show", "bad.rule")
    assert "bad.rule: line 2, column" in ended.err
    assert ended.code == 2
    first, shown, caret = ended.err.rstrip("\n").split("\n")
    assert "line 2, column 15: 'v' is not visible" in first
    assert shown.index("v") == caret.index("^")


def test_a_file_to_begin_with_is_a_rule_and_is_never_overwritten(call: Call, tmp_path: Path) -> None:
    """What ``rule new`` writes is pair STDP as it is published, and is shown in plain words."""
    assert call("new", "my-stdp").out.strip().endswith("my-stdp.rule")
    rule = load_rule(str(tmp_path / "my-stdp.rule"))
    assert [(t.gate, t.factors) for t in rule.weight] == [(t.gate, t.factors) for t in load_rule("pair-stdp").weight]
    written = (tmp_path / "my-stdp.rule").read_text(encoding="utf-8")
    third = [line[4:] for line in written.splitlines() if line.startswith(("#   M", "#   d"))]
    rewarded = "\n".join(["rule r: its lines on a reward", "x = trace of pre, tau 20 ms", *third])
    assert rule_from_text(rewarded).tag
    shown = call("show", "my-stdp.rule")
    assert "In plain words, on loihi2" in shown.out
    refused(call("new", "my-stdp"), 6, "exists already")
    refused(call("new", "a b"), 2, "rule name 'a b'")
    refused(call("new", "sal"), 2, "built in", "my-sal")


def test_equality_of_what_never_changed_is_not_called_evidence(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LavaBackend, "missing", lambda self: None)
    monkeypatch.setattr(
        LavaBackend,
        "run",
        lambda self, *a, time_limit_s, **more: replace(
            Emulator().run(*a, **more, implementation="reference"), backend="lava"
        ),
    )
    ended = call("check", "stdwi", "--steps", 1, "--backend", "emulator", "--backend", "lava")
    assert ended.code == 7, ended.err
    assert "bit-equal" not in ended.out
    assert "nothing changed in this run" in " ".join(ended.out.split())


def test_check_writes_rows_and_a_page(call: Call, tmp_path: Path) -> None:
    ended = call(
        "check",
        "pair-stdp",
        "--steps",
        600,
        "--seed",
        3,
        "--backend",
        "emulator",
        "--out",
        "out",
        "--json",
        "rows.json",
    )
    assert ended.code == 0, ended.err
    assert ended.out.splitlines()[-1] == "out/report.html"
    assert "first differ by more than one unit after step" in ended.out
    document = json.loads((tmp_path / "rows.json").read_text(), parse_constant=lambda _: pytest.fail("not strict JSON"))
    assert set(document) == {"command", "versions", "seed", "rows"}
    assert document["seed"] == 3
    assert {row["case"].rsplit(": ", 1)[1] for row in document["rows"]} >= {"r", "equal signs", "angle", "RMS in units"}
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["schema"] == "neuroalign-rule-check/1"
    assert report["agreements"][-1]["reads"][-1]["step"] == 600
    assert "dw = " in report["program"]


@pytest.mark.parametrize(
    ("steps", "words", "code"),
    [(600, "learns the same weights as", 0), (60, "learns other weights than", 3), (1, "no verdict", 7)],
)
@pytest.mark.parametrize("zero", [(), ("--exit-zero",)])
def test_check_ends_with_its_verdict(call: Call, steps: int, words: str, code: int, zero: tuple[str, ...]) -> None:
    ended = call("check", "pair-stdp", "--steps", steps, "--backend", "emulator", "--quiet", *zero)
    assert ended.out.startswith("Verdict: ")
    assert len(ended.out.splitlines()) == 1
    assert words in ended.out
    assert ended.code == (0 if zero else code)


def test_a_quiet_check_of_a_rule_in_lavas_terms_says_how_far_it_is(call: Call) -> None:
    ended = call("check", LAVAS, "--steps", 60, "--backend", "emulator", "--quiet")
    assert ended.code == 0, ended.err
    assert [line.split(" (")[0] for line in ended.out.splitlines()] == ["as written", "carried"]
    assert all("RMS" in line for line in ended.out.splitlines())


def test_the_same_seed_gives_the_same_rows(call: Call, tmp_path: Path) -> None:
    found = []
    for name in ("a.json", "b.json"):
        call("check", "stdwi", "--steps", 300, "--backend", "emulator", "--quiet", "--json", name)
        found.append(json.loads((tmp_path / name).read_text())["rows"])
    assert found[0] == found[1]


def test_broken_bit_equality_ends_with_5_and_keeps_the_files(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spoilt(self: LavaBackend, *arguments: Any, time_limit_s: float, **more: Any) -> Recording:
        recording = Emulator().run(*arguments, **more, implementation="reference")
        states = {probe: array.copy() for probe, array in recording.states.items()}
        states["plastic", "t"][0, 0, 0, 0] += 1
        return replace(recording, states=states)

    monkeypatch.setattr(LavaBackend, "missing", lambda self: None)
    monkeypatch.setattr(LavaBackend, "run", spoilt)
    ended = call(
        "check", "stdwi", "--steps", 100, "--json", "rows.json", "--quiet", "--backend", "emulator", "--backend", "lava"
    )
    refused(ended, 5, "emulator", "Lava", "1 values", "t of plastic")
    (row,) = [r for r in json.loads((tmp_path / "rows.json").read_text())["rows"] if "mismatches" in r["case"]]
    assert (row["measured"], row["bar"], row["passed"]) == (1, 0, False)


def test_a_backend_that_is_not_installed(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LavaBackend, "missing", lambda self: "lava is not installed; pip install lava-nc")
    refused(call("check", "stdwi", "--backend", "lava"), 4, "pip install")
