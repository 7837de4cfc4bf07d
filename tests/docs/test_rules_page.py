"""The page on learning rules: its code runs as it stands, from top to bottom."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neuroalign.__main__ import main
from neuroalign.compile import compile_network
from neuroalign.profile import load_profile
from neuroalign.quantise.graded import chip_stimulus
from neuroalign.quantise.rule_choices import RuleChoices
from neuroalign.quantise.rule_sheet import rule_sheet
from neuroalign.rule.text import rule_from_text
from neuroalign.rule_check.trial import trial_network, trial_spikes
from neuroalign.rule_check.weight_range import start_of
from neuroalign.sim.emulator import Emulator
from neuroalign.sim.norse_reference.backend import NorseReference

PAGE = Path(__file__).resolve().parents[2] / "docs" / "rules.md"
OWN = PAGE.with_name("add-a-rule.md")
RULES_SHOWN = {
    text.split()[1].rstrip(":"): text
    for text in re.findall(r"```rule\n(.*?)```", PAGE.with_name("rules-from-papers.md").read_text("utf-8"), re.DOTALL)
}
PRE, POST = ({"x": ("pre", 0.02, 1.0)}, {"y": ("post", 0.02, 1.0)})
PAPERS: Any = {
    "triplet": (
        lambda p, q, b, z, w, g, m, dt: (
            q * z["r1"] * (6.1e-3 + 6.7e-3 * b["o2"]) - p * z["o1"] * (1.6e-3 + 1.4e-3 * b["r2"]),
            0,
        ),
        {"r1": ("pre", 0.0168, 1), "r2": ("pre", 0.946, 1), "o1": ("post", 0.0337, 1), "o2": ("post", 0.027, 1)},
    ),
    "vogels": (lambda p, q, b, z, w, g, m, dt: (1e-3 * (q * z["x"] + p * (z["y"] - 0.2)), 0), PRE | POST),
    "oja": (lambda p, q, b, z, w, g, m, dt: (1e-3 * q * (z["x"] - z["y"] * w), 0), PRE | POST),
    "bcm": (
        lambda p, q, b, z, w, g, m, dt: (2e-3 * dt * z["x"] * z["y"] * (z["y"] - z["s"] ** 2), 0),
        PRE | {"y": ("post", 0.05, 1.0), "s": ("post", 1.0, 0.05)},
    ),
    "clopath": (
        lambda p, q, b, z, w, g, m, dt: (
            8e-5 * q * z["x"] * b["up"] - 1.4e-4 * p * z["um"] * z["s"] ** 2 / 2,
            0,
        ),
        {"x": ("pre", 0.015, 1), "um": ("post", 0.01, 1), "up": ("post", 0.007, 1), "s": ("post", 0.1, 1)},
    ),
    "decorrelation": (lambda p, q, b, z, w, g, m, dt: (-0.5 * dt * (z["x"] * z["y"] - 0.04), 0), PRE | POST),
    "scaling": (lambda p, q, b, z, w, g, m, dt: (0.2 * dt * w * (10 - z["y"]) / 10, 0), {"y": ("post", 1.0, 1.0)}),
    "two-taus": (
        lambda p, q, b, z, w, g, m, dt: (0.004 * q * (z["xs"] - z["xf"]) - 0.001 * p * z["y"], 0),
        {"xs": ("pre", 0.02, 1), "xf": ("pre", 0.005, 1), "y": ("post", 0.04, 1)},
    ),
    "soft": (
        lambda p, q, b, z, w, g, m, dt: (0.005 * (q * z["x"] * (1 - w) - 1.05 * p * z["y"] * w), 0),
        PRE | POST,
    ),
    "rewarded": (lambda p, q, b, z, w, g, m, dt: (0.1 * m * g * dt, q * (z["x"] - 0.4) - g * dt / 0.5), PRE),
}
"""Equation and traces (side, tau in s, what a spike adds) of each rule that the page takes from a paper."""


def test_the_code_of_the_page_runs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(NorseReference, "missing", lambda self: "not loaded here, to save time")
    names: dict[str, Any] = {}
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 3
    for block in blocks:
        exec(block, names)
    out = capsys.readouterr().out
    assert "local: each synapse reads presynaptic spikes, postsynaptic spikes, its weight" in out
    assert "dw = u" in out
    assert names["check"].question.evidence
    assert names["check"].question.last.r > 0.9


def test_the_third_factor_of_the_page_can_be_held() -> None:
    from neuroalign.profile import load_profile
    from neuroalign.quantise.rule_choices import RuleChoices
    from neuroalign.quantise.rule_sheet import rule_sheet
    from neuroalign.rule.text import rule_from_text

    (text,) = re.findall(r"```rule\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    sheet = rule_sheet(rule_from_text(text), load_profile("loihi2"), 1e-3, RuleChoices())
    assert sheet.held is not None
    assert any(f.variable == "y3" and f.constant == -64 for p in sheet.held.program.dw for f in p.factors)


def test_the_forms_of_the_page_exist() -> None:
    from neuroalign.quantise.rule_choices import RuleChoices

    forms = re.findall(r"^\| `(\w+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert forms == ["direct", "stochastic", "sgn", "exact"]
    for form in forms:
        names: Any = form
        assert RuleChoices(form=names).form == form


def test_a_users_own_rule_goes_the_whole_way(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Any) -> None:
    """docs/add-a-rule.md: its file, its commands and its Python, as they stand."""
    page = OWN.read_text(encoding="utf-8")
    assert len(page.splitlines()) <= 40
    monkeypatch.setattr(NorseReference, "missing", lambda self: "not loaded here, to save time")
    monkeypatch.chdir(tmp_path)
    (rule,) = re.findall(r"```rule\n(.*?)```", page, re.DOTALL)
    (tmp_path / "mine.rule").write_text(rule, encoding="utf-8")
    (commands,) = re.findall(r"```sh\n(.*?)```", page, re.DOTALL)
    for command in commands.splitlines():
        monkeypatch.setattr("sys.argv", command.split())
        with pytest.raises(SystemExit) as end:
            main()
        assert not end.value.code, capsys.readouterr().err
    shown = capsys.readouterr().out
    for words in (
        "dw = A*post*x - A/8*pre*(1 + w)",
        "costs per synapse: ",
        "random walk",
        "switched off",
        "trace bits",
    ):
        assert words in shown
    assert (tmp_path / "checked" / "report.html").exists()
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    exec(code, {})
    printed = capsys.readouterr().out
    (verdict,) = re.findall(r"```text\n(.*?)```", page, re.DOTALL)
    assert printed == verdict  # the page shows what it prints
    for line in verdict.splitlines():
        assert line in shown


@pytest.mark.parametrize("name", PAPERS)
def test_rules_from_papers_are_their_equations(name: str) -> None:
    """The page's text, run as microcode of the ideal profile, against the paper's sum written out in numpy."""
    rule = rule_from_text(RULES_SHOWN[name])
    steps, dt = 400, 1e-3
    spikes, start = trial_spikes(steps, dt, 3), start_of(rule, None)
    network = trial_network(rule, dt, start)
    chip, _ = compile_network(network, load_profile("ideal"))
    probe: Any = ("plastic", "w")
    stimulus = chip_stimulus(spikes.stimulus_of(rule), chip)
    last = steps + max(p.latency_steps for p in chip.populations)
    found = Emulator().run(chip, stimulus, [probe], read_steps=(last,), implementation="reference")
    w = by_hand(name, spikes.pre, spikes.post, spikes.third_factor(rule), start, dt)
    assert np.abs(w - start).max() > 0
    np.testing.assert_allclose(found.states[probe][0, -1], w, rtol=1e-9, atol=1e-15)
    sheet = rule_sheet(rule, load_profile("loihi2"), dt, RuleChoices())
    assert sheet.held is not None, sheet.refusal


def by_hand(name: str, pre: Any, post: Any, third: Any, start: float, dt: float) -> Any:
    """Weights at the end; ``before`` are traces just before this step's spikes, ``now`` with them."""
    shape = (post.shape[1], pre.shape[1])
    equation, taus = PAPERS[name]
    w, tag = np.full(shape, start), np.zeros(shape)
    traces = {z: np.zeros((1, shape[1]) if side == "pre" else (shape[0], 1)) for z, (side, *_) in taus.items()}
    for t in range(len(pre)):
        spike = {"pre": pre[t][None, :].astype(float), "post": post[t][:, None].astype(float)}
        before = {z: traces[z] * np.exp(-dt / tau) for z, (_, tau, _) in taus.items()}
        traces = {z: before[z] + size * spike[side] for z, (side, _, size) in taus.items()}
        reward = None if third is None else third[t]
        dw, dtag = equation(spike["pre"], spike["post"], before, traces, w, tag, reward, dt)
        w, tag = w + dw, tag + dtag
    return w


def test_every_rule_from_a_paper_is_compared() -> None:
    assert set(RULES_SHOWN) == set(PAPERS)
