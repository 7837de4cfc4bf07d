"""Rules in Lava's terms: read from text and objects, said in SI units, run in Lava and here, carried."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import neuroalign
from neuroalign.__main__ import main
from neuroalign.errors import RuleError
from neuroalign.from_lava import rule_check
from neuroalign.from_lava.rule_meaning import in_si_units, meaning, notes
from neuroalign.microcode.lava_call import lava_rule_from_text
from neuroalign.sim.lava_processes.backend import LavaBackend
from neuroalign.sim.norse_reference.backend import NorseReference

STDP = "dw='2^-2*x1*y0 - 2^-2*y1*x0', x1_impulse=16, x1_tau=20, y1_impulse=16, y1_tau=20"
SMALL = STDP.replace("2^-2*x1", "2^-10*x1").replace("2^-2*y1", "2^-10*y1")
LOIHI2 = neuroalign.load_profile("loihi2")
Call = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """All checks in the kernels, which other tests have compiled anyway."""
    monkeypatch.setattr(rule_check, "COMPILED_STEPS", 0)


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Call:
    """Run the command line in an empty directory, without torch."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(NorseReference, "missing", lambda self: "not loaded here, to save time")

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["neuroalign", "rule", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        done = capsys.readouterr()
        return int(end.value.code or 0), done.out, done.err

    return run


def test_every_way_to_write_it_is_the_same_rule(tmp_path: Path) -> None:
    wanted = lava_rule_from_text(STDP)
    lines = "\n".join(STDP.split(", "))
    bare = lines.replace("'", "")
    for text in (
        f"Loihi2FLearningRule({STDP})",
        f"rule = Loihi2FLearningRule(\n    {STDP},\n)",
        lines,
        f"# mine\n{bare}\n",
    ):
        assert lava_rule_from_text(text) == wanted
        assert neuroalign.rule_from_lava(text) == wanted
    assert lava_rule_from_text(wanted.text) == wanted
    third = lava_rule_from_text("Loihi3FLearningRule(dw='u0*t*y2', dt='x1*y0', x1_impulse=3.5, x1_tau=4)")
    assert third.third_factors
    assert lava_rule_from_text(third.text) == third


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("dw='x1*y0*', x1_impulse=1, x1_tau=2", "column 7"),
        ("dw='x0**2*y1', y1_impulse=1, y1_tau=2", "Lava reads x0**2 as 2*x0"),
        ("dw='x1*y0', x1_impulse=1, x1_tau=2, tau=3", "tau is no argument"),
        ("dw='x1*y0', x1_tau=3*4", "write the value itself"),
        ("dw='x1*y0', x1_impulse='a'", "a number is needed"),
        ("x1_impulse=3, x1_tau=4", "no product"),
        ("Loihi3FLearningRule(dw='x1*y0', y1_impulse=3)", "y1_impulse is no argument"),
        ("dw='x1*y0', x1_impulse=3", "tau 0"),
        ("dw='x1*y0', x1_impulse=3, x1_tau=4, t_epoch=0", "t_epoch is 0"),
    ],
)
def test_what_is_no_rule_is_refused(text: str, words: str) -> None:
    with pytest.raises(RuleError) as caught:
        neuroalign.rule_from_lava(text)
    assert words in str(caught.value)


def test_si_units_are_those_of_the_strings() -> None:
    """2^-2 x1 of impulse 16 is 4 units a pair; tau 20 steps of 2 ms are 40 ms; u_k acts every 2**k epochs."""
    rule = lava_rule_from_text(STDP + ", t_epoch=2")
    si = in_si_units(rule, 2e-3)
    assert {(t.of, t.tau, t.impulse) for t in si.traces.values()} == {("pre", 0.04, 16.0), ("post", 0.04, 16.0)}
    assert {(t.gate, t.coefficient, t.factors) for t in si.weight} == {("post", 0.25, ("x1",)), ("pre", -0.25, ("y1",))}
    assert any("one pair of spikes at once: +4 units" in line for line in meaning(rule, 2e-3))
    decay = in_si_units(lava_rule_from_text("dw='-2^-3*u4*(w+8)', t_epoch=5"), 1e-3)
    per_second = 2.0**-3 / (2**4 * 5 * 1e-3)
    assert {t.factors: t.coefficient for t in decay.weight} == {
        ("w",): pytest.approx(-per_second),
        (): pytest.approx(-8 * per_second),
    }
    with pytest.raises(RuleError, match="sgn"):
        in_si_units(lava_rule_from_text("dw='sgn(w-4)*u0'"), 1e-3)


def test_notes_say_what_the_strings_do_not() -> None:
    def noted(text: str) -> str:
        return "\n".join(notes(lava_rule_from_text(text), 1e-3, LOIHI2, (30.0, 30.0)))

    assert "2^-10 does not fit" in noted(SMALL)
    assert "comes out 8 times smaller" in noted("dw='x0*x1*y1', x1_impulse=8, x1_tau=9, y1_impulse=8, y1_tau=9")
    assert "y1_impulse is 0" in noted("dw='x0*y1'")
    assert "the weight never changes" in noted("dt='x0*y1', y1_impulse=3, y1_tau=9")
    assert "dw does not read t" in noted("dw='x0*y1', dt='x0*y1', y1_impulse=3, y1_tau=9")
    assert "x1 is full (127) at 30 Hz" in noted("dw='y0*x1', x1_impulse=60, x1_tau=90")
    assert noted(STDP) == ""
    third = lava_rule_from_text("Loihi3FLearningRule(dw='x0*y1')")
    said = [" ".join(notes(third, 1e-3, neuroalign.load_profile(p), (30.0, 30.0))) for p in ("loihi1", "loihi2")]
    assert "one reward trace for all synapses" in said[0]
    assert not said[1]


@pytest.mark.lava
def test_objects_of_lava_are_read_and_run_as_lava_runs_them() -> None:
    """Two and three factors, a class that Lava makes: emulator and Lava are bit-equal, and no rounding comes near both."""
    if LavaBackend().missing():
        pytest.skip("needs lava-nc")
    from lava_zoo import Loihi2FLearningRule

    made = neuroalign.rule_from_lava(
        Loihi2FLearningRule(
            dw="2^-2*x1*y0 - 2^-2*y1*x0", x1_impulse=16, x1_tau=20, y1_impulse=16, y1_tau=20, rng_seed=0
        )
    )
    assert made == lava_rule_from_text(STDP)
    stdp = neuroalign.rule_from_lava(
        "STDPLoihi(learning_rate=1, A_plus=1, A_minus=-1, tau_plus=10, tau_minus=10, t_epoch=2)"
    )
    third = lava_rule_from_text(
        "Loihi3FLearningRule(dw='u0*2^-7*t*y2', dt='x1*y0-2^-3*u0*t', x1_impulse=16, x1_tau=20)"
    )
    for rule in (stdp, third):
        check = neuroalign.check_lava_rule(rule, LOIHI2, options=neuroalign.CheckOptions(steps=300))
        (equal,) = check.bit_equality
        assert equal.holds
        assert equal.states.compared > 1000
        written = next(a for a in check.agreements if "emulator" in a.candidate)
        assert written.last.r is not None
        assert written.last.r > 0.9


def test_the_carried_form_is_closer_where_changes_are_small() -> None:
    """A rule of a quarter of a unit a pair: carried it is closer to no rounding; its strings are read back as they are."""
    rule = lava_rule_from_text(STDP.replace("2^-2", "2^-6"))
    options = neuroalign.CheckOptions(steps=3000, backends=("emulator",))
    check = neuroalign.check_lava_rule(rule, LOIHI2, options=options)
    assert check.carried.held is not None
    assert lava_rule_from_text(check.carried.text).program.products == check.carried.held.program.products
    by_run = {a.candidate.split(" (")[0]: a.last for a in check.agreements}
    assert by_run["carried"].rms < 0.7 * by_run["as written"].rms
    ideal = check.runs[0].weights[-1]
    assert np.abs(ideal).max() > 5


def test_the_commands(call: Call, tmp_path: Path) -> None:
    """Text, file and script; what cannot be asked; JSON; exit codes."""
    code, shown, _ = call("show", SMALL)
    assert code == 0
    assert "2^-10 does not fit" in shown
    pasted = "\n".join(line.strip() for line in shown[shown.index("Loihi2FLearningRule(") :].splitlines())
    assert lava_rule_from_text(pasted[: pasted.index("\n)") + 2]).program.tag_update
    (tmp_path / "mine.rule").write_text("\n".join(STDP.split(", ")))
    code, checked, _ = call("check", "mine.rule", "--steps", "300", "--backend", "emulator", "--json", "rows.json")
    assert code == 0
    assert "as written (emulator)" in checked
    rows = json.loads((tmp_path / "rows.json").read_text())["rows"]
    assert any(row["case"].startswith("as written (emulator) against without rounding") for row in rows)
    for option, value, words in (
        ("--backend", "norse", "norse has no form"),
        ("--profile", "speck", "no learning engine"),
    ):
        code, _, error = call("check", "mine.rule", option, value)
        assert code in (2, 3)
        assert words in error
    code, _, error = call("check", "mine.rule", "--unit", "3")
    assert code == 2
    assert "--unit is for rules in SI units" in error
    (tmp_path / "wrong.rule").write_text("dw = 'x1*y0*'\nx1_impulse = 3\nx1_tau = 9\n")
    code, _, error = call("check", "wrong.rule")
    assert code == 2
    assert "wrong.rule: dw, column 7" in error
