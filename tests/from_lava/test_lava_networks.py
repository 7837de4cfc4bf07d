"""A user's Lava processes taken out of memory: the emulator gives what Lava gives for these very processes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neuroalign
from neuroalign.chip import SparsePattern
from neuroalign.errors import BackendFailed, ConversionRefused, InputError, RuleError
from neuroalign.from_lava.networks import LavaRun
from neuroalign.sim.emulator import Emulator
from neuroalign.verify.case import Case
from neuroalign.verify.draw import draw_case

pytest.importorskip("lava.magma", reason="needs lava-nc")
import lava_zoo as zoo

from neuroalign.sim.lava_processes.build import build_processes

pytestmark = pytest.mark.lava
STEPS = 40
KINDS = {
    "third": {"RingBuffer", "LIF", "LIFReset", "TernaryLIF", "Dense", "DelayDense", "Sparse", "DelaySparse", "Conv"},
    "drives": {"RingBuffer", "LIF", "LearningLIF", "Dense", "LearningDense", "LearningSparse"},
    "ternary": {"RingBuffer", "LIF", "TernaryLIF", "Dense", "Sparse", "LearningDense"},
}
ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("parts", "some"), [(zoo.static_network, "third"), (zoo.learning_network, "drives"), (zoo.odd_network, "ternary")]
)
def test_every_state_is_lavas(parts: Any, some: str) -> None:
    """Lava runs the processes themselves; each kind of part takes part, as the changing values of each population show."""
    found = neuroalign.network_from_lava(parts()[some])
    kinds = {type(p).__name__ for p in found.taken.processes.values()}
    result = found.compare(STEPS)
    assert result.holds, str(result)
    assert "bit-equal" in str(result)
    run = found.run(STEPS, implementation="reference")
    spikes = {name: np.asarray(a) for (name, state), a in run.recording.states.items() if state == "s"}
    assert all(20 < np.abs(a).sum() < 0.95 * a.size for a in spikes.values()), {n: a.mean() for n, a in spikes.items()}
    weights = [a for (_, state), a in run.recording.states.items() if state == "w"]
    learning = [c for c in found.network.connections if c.plasticity is not None]
    assert all((w[0, -1] != c.weight).any() for w, c in zip(weights, learning, strict=True))
    assert kinds == KINDS[some]


def test_arrays_come_as_monitors_give_them() -> None:
    """The same shapes and values as Monitor.get_data() of a run of one's own, which stays possible afterwards."""
    from lava.magma.core.run_conditions import RunSteps
    from lava.magma.core.run_configs import Loihi2SimCfg

    source, neurons, monitors, plastic = zoo.monitored(STEPS)
    found = neuroalign.network_from_lava(neurons)
    with pytest.raises(InputError, match="nothing of this process changes"):
        found.probe(found.taken.processes["dense1"].weights)
    assert str(found).splitlines()[2].startswith("dense1: Dense 'Process_")
    run = found.run(STEPS, record=[neurons.v, plastic.y1], implementation="reference")
    assert run[neurons.v].shape == run[neurons.s_out].shape == (STEPS, 4, 3, 2)
    neurons.run(condition=RunSteps(num_steps=STEPS), run_cfg=Loihi2SimCfg(select_tag="fixed_pt"))
    data = [m.get_data() for m in monitors]
    learnt, trace = plastic.weights.get(), plastic.y1.get()
    neurons.stop()  # before anything is asserted: pytest would wait for a Lava that runs
    with pytest.raises(InputError, match="was run already"):
        found.compare(STEPS)
    assert "run already: taken is what it was built with" in neuroalign.network_from_lava(neurons).notes[-1]
    assert np.array_equal(run[plastic.weights], learnt)
    assert (learnt != plastic.weights.init).any()
    assert np.array_equal(run[plastic.y1], trace)
    assert all(run.compare(d).holds for d in data)
    data[0][neurons.name]["v"][7, 1, 2, 0] += 1
    wrong = run.compare(data[0])
    assert not wrong.holds
    assert "v of lif1 at step 8, entry 10" in str(wrong)
    spikes = np.asarray(run[neurons.s_out], dtype=int)
    again = found.run(
        STEPS, inputs={source: np.stack([source.data.init, 0 * source.data.init])}, implementation="reference"
    )
    assert (again[neurons.s_out][0] == spikes).all()
    assert spikes.any()
    assert not again[neurons.s_out][1].any()


def _refusal(process: Any) -> str:
    with pytest.raises((ConversionRefused, RuleError)) as caught:
        neuroalign.network_from_lava(process)
    return str(caught.value)


def test_what_has_no_place_is_named() -> None:
    """Each refusal names the process, the reason and the remedy."""

    class Mine(zoo.LIF):  # type: ignore[misc]
        pass

    lif = zoo.LIF(shape=(3,))
    zoo.join(lif, zoo.Dense(weights=np.eye(3)), mine := Mine(shape=(3,), name="own"))
    assert "Mine 'own'" in _refusal(mine)
    assert "derived from LIF" in _refusal(mine)
    assert "du is 0.25, a fraction" in _refusal(zoo.LIF(shape=(2,), du=0.25))
    assert "du goes from -1 to 7; chips hold 0 to 4095" in _refusal(zoo.LIF(shape=(2,), du=np.array([-1, 7])))
    assert "dv is of type float64; Lava's fixed-point model fails" in _refusal(zoo.LIF(shape=(2,), dv=10.0))
    assert "vth is of type int8" in _refusal(zoo.LIF(shape=(2,), du=1, dv=1, vth=np.full(2, 30, np.int8)))
    assert "Lava shifts it by 6 in 32 bits" in _refusal(zoo.TernaryLIF(shape=(2,), du=1, dv=1, vth_hi=2**26, vth_lo=-3))
    direct = zoo.LIF(shape=(3,), name="hit")
    zoo.spikes(np.random.default_rng(1), (3,), 4).s_out.connect(direct.a_in)
    assert "sends s_out to a_in of LIF 'hit' without a connection process" in _refusal(direct)
    rule = zoo.Loihi2FLearningRule(dw="2^-2*x1*y0", x1_impulse=16, x1_tau=20, rng_seed=1)
    pre, post = zoo.LIF(shape=(3,)), zoo.LIF(shape=(2,))
    zoo.join(pre, zoo.LearningDense(weights=np.zeros((2, 3)), learning_rule=rule, name="blind"), post)
    assert "LearningDense 'blind': s_in_bap is open" in _refusal(post)
    strong = zoo.Loihi2FLearningRule(dw="2^-2*x1*y0", x1_impulse=130, x1_tau=20, rng_seed=1)
    zoo.join(
        pre := zoo.LIF(shape=(3,)),
        learns := zoo.LearningDense(weights=np.zeros((2, 3)), learning_rule=strong, name="strong"),
        last := zoo.LIF(shape=(2,)),
    )
    last.s_out.connect(learns.s_in_bap)
    assert "LearningDense 'strong': trace x1 has impulse 130" in _refusal(pre)
    unsigned = zoo.LearningDense(weights=np.eye(3), learning_rule=rule, sign_mode=zoo.SignMode.NULL)
    zoo.join(zoo.LIF(shape=(3,)), unsigned, lif := zoo.LIF(shape=(3,)))
    lif.s_out.connect(unsigned.s_in_bap)
    assert "Lava fails on sign_mode NULL" in _refusal(lif)
    added = zoo.Dense(weights=np.eye(3), name="added")
    for sender in (zoo.LIF(shape=(3,)), zoo.LIF(shape=(3,))):
        zoo.join(sender, added, zoo.LIF(shape=(3,)))
    assert "Dense 'added': s_in has 2 senders" in _refusal(added)
    with pytest.raises(InputError, match="no Lava process"):
        neuroalign.network_from_lava("lif")


def test_lava_that_fails_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that raises in Lava ends the copy with Lava's words, and leaves this process as it was."""
    neurons = zoo.monitored(5)[1]
    found = neuroalign.network_from_lava(neurons)
    with pytest.raises(BackendFailed, match="lava failed"):
        found.compare(5, run_config=object())
    assert found.compare(5).equal.mismatches == 0

    def fails(model: Any) -> None:
        raise ValueError("made to fail")

    with monkeypatch.context() as changed:
        changed.setattr(zoo.PyLifModelBitAcc, "run_spk", fails)
        with pytest.raises(BackendFailed, match="lava failed: ValueError: made to fail"):
            found.compare(5, time_limit_s=60.0)


def test_the_page_runs(tmp_path: Path) -> None:
    """The first script of docs/lava-users.md, as it stands there, in a folder of its own; Lava and the emulator agree."""
    page = (ROOT / "docs" / "lava-users.md").read_text(encoding="utf-8")
    code, _ = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    (tmp_path / "mine.py").write_text(code, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "mine.py"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    *_, numbers, last = done.stdout.splitlines() or [done.stderr]
    assert re.match(r"spikes of out: [0-9]{3,} v: \(300, 10\) weights: \(2, 10, 30\)", numbers), (
        done.stdout + done.stderr
    )
    stated = re.search(r"reads `(bit-equal: [0-9,]+ values that change)", page)
    assert stated
    assert last.startswith(stated[1])


def test_random_networks_come_back_from_lavas_processes() -> None:
    """Networks of the random tests, built in Lava and taken back: every state of every neuron and weight is as before."""
    kinds, equal = set[str](), 0
    for number in range(14):
        case = draw_case(11, number)
        if any(c.plasticity is not None and c.plasticity.phases for c in case.network.connections):
            continue  # Lava's processes have no phases
        kinds |= _come_back(case)
        equal += 1
    assert equal >= 8
    assert {"Dense", "DelayDense", "LearningDense", "DelaySparse", "Conv", "LIF"} <= kinds, kinds


def _come_back(case: Case) -> set[str]:
    chip, padded = case.network, case.stimulus.steps + case.network.latency_steps
    first = replace(case.stimulus, inputs={n: a[:1] for n, a in case.stimulus.inputs.items()})
    sample = {n: np.vstack([a[0], np.zeros((chip.latency_steps, a.shape[2]), int)]) for n, a in first.inputs.items()}
    processes = build_processes(chip, {n: a for n, a in sample.items() if a.shape[1]})
    learning = [c for c in chip.connections if c.plasticity is not None]
    probes = [(p.name, s) for p in chip.populations for s in "suv"] + [(c.name, s) for c in learning for s in "wt"]
    wanted = Emulator().run(chip, first, probes, implementation="kernels")
    found: dict[tuple[str, str], Any] = {}
    kinds = set[str]()
    for population in chip.populations:
        if (population.name, "s") in found or type(processes[population.name]).__name__ == "ExtendedLIF":
            continue
        try:
            taken = neuroalign.network_from_lava(processes[population.name])
        except ConversionRefused as error:
            if "ExtendedLIF" not in str(error):
                raise
            continue
        record = [m for p in taken.network.populations for m in (processes[p.name].u, processes[p.name].v)]
        run = taken.run(padded, record=record, implementation="kernels")
        kinds |= {type(p).__name__ for p in taken.taken.processes.values()}
        found |= _states(run, padded)
    for probe, values in found.items():
        expected = wanted.states[probe][0]
        pattern = next((c.pattern for c in learning if c.name == probe[0]), None)
        if isinstance(pattern, SparsePattern):
            values, expected = values[pattern.target, pattern.source], expected[-1]
        elif probe[1] in "wt":
            expected = expected[-1]
        assert np.array_equal(values, expected), (case, probe)
    return kinds


def _states(run: LavaRun, steps: int) -> dict[tuple[str, str], Any]:
    """What a run recorded, read by Lava's Vars and ports."""
    found: dict[tuple[str, str], Any] = {}
    processes, network = run.lava.taken.processes, run.lava.network
    for p in network.populations:
        members = {"s": "s_out", "u": "u", "v": "v"}
        found |= {(p.name, s): run[getattr(processes[p.name], m)].reshape(steps, -1) for s, m in members.items()}
    for c in network.connections:
        if c.plasticity is not None:
            found |= {(c.name, "w"): run[processes[c.name].weights], (c.name, "t"): run[processes[c.name].tag_1]}
    return found
