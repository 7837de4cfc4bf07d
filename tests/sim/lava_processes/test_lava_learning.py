"""Plastic connections in the Lava backend, and the factory and page for Lava users."""

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
from random_plastic import PLASTIC_STATES, PlasticRun, draw_plastic
from small_chips import chip, neurons, wire

from neuroalign.chip import ChipNetwork, Plasticity, first_difference
from neuroalign.errors import BackendMissing, ConversionRefused, InputError, RuleError
from neuroalign.microcode import Product, Program, Trace
from neuroalign.microcode.text import program_from_text
from neuroalign.recording import Stimulus
from neuroalign.sim.lava_processes import backend as backend_module
from neuroalign.sim.lava_processes import learning_dense, learning_rule
from neuroalign.sim.lava_processes.backend import LavaBackend
from neuroalign.sim.lava_processes.holdable import check_network
from neuroalign.sim.lava_processes.job import Case, read_job, write_job
from neuroalign.sim.lava_processes.process_group import run_in_own_session

needs_lava = pytest.mark.skipif(LavaBackend().missing() is not None, reason=LavaBackend().missing() or "")
pytestmark = [pytest.mark.lava]
HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
PAGE = ROOT / "docs" / "lava-users.md"
STDP = program_from_text("2^-1*y0*x1 - 2^-1*x0*y1", x1=Trace(30.5, 9), y1=Trace(30, 11.5), t_epoch=3, rng_seed=4)


def small(program: Program = STDP, **changes: Any) -> ChipNetwork:
    """An input that drives two neurons, and a plastic connection beside the driving one."""
    plasticity = Plasticity(program, np.array([[3, -4, 0], [0, 5, 6]]), 1.0)
    learner = wire("in", "p0", [[20, 30, -40], [0, 10, 8]], plasticity=plasticity, name="learner")
    driver = wire("in", "p0", [[90, 0, 80], [60, 90, 0]])
    return chip([neurons("p0", 2, dv=300, threshold=60)], [driver, replace(learner, **changes)], channels=3)


def spikes(steps: int = 40, samples: int = 1) -> Stimulus:
    return Stimulus({"in": np.random.default_rng(6).random((samples, steps, 3)) < 0.3})


@needs_lava
def test_read_steps_choose_rows_of_the_full_recording() -> None:
    run = PlasticRun(small(), spikes(samples=2))
    chosen = [40, 2, 7, 7]
    full, some, last, none = LavaBackend().run_cases(
        [
            (run.network, run.stimulus, run.probes, run.read_steps),
            (run.network, run.stimulus, run.probes, chosen),
            (run.network, run.stimulus, run.probes),
            (run.network, run.stimulus, [("p0", "s")], chosen),
        ]
    )
    assert full.read_steps == run.read_steps
    assert some.read_steps == (2, 7, 40)
    assert last.read_steps == (40,)
    assert none.read_steps == ()
    for state in PLASTIC_STATES:
        rows = full.states["learner", state]
        size = {"x": (3,), "y": (2,)}.get(state[0], (2, 3))
        assert rows.shape == (2, 40, *size)
        np.testing.assert_array_equal(some.states["learner", state], rows[:, [1, 6, 39]])
        np.testing.assert_array_equal(last.states["learner", state], rows[:, [39]])
    assert np.ptp(full.states["learner", "w"], axis=1).any()
    assert full.states["p0", "s"].any()


@needs_lava
def test_recorded_states_equal_those_of_unmodified_models(tmp_path: Path) -> None:
    """Also tests samples run back to back, with epochs that do not end with the sample."""
    run = draw_plastic(np.random.default_rng(4), 4, 13, samples=2)
    connections = [
        replace(c, plasticity=replace(c.plasticity, phases=())) if c.plasticity else c for c in run.network.connections
    ]
    network = replace(run.network, connections=tuple(connections))
    case = Case(network, run.stimulus, run.probes, run.read_steps)
    write_job(tmp_path, [case])
    command = [sys.executable, str(HERE / "unmodified.py"), str(tmp_path)]
    code = run_in_own_session(command, tmp_path, 120.0, {**os.environ, "PYTHONPATH": str(ROOT)})
    assert code == 0, (tmp_path / "stderr.txt").read_text(errors="replace")[-2000:]
    recording = LavaBackend().run(network, run.stimulus, run.probes, read_steps=run.read_steps)
    moved = set()
    for k, probe in enumerate(run.probes):
        expected = np.load(tmp_path / f"unmodified_0_{k}.npy")
        np.testing.assert_array_equal(recording.states[probe], expected, err_msg=str(probe))
        if np.ptp(expected.astype(int), axis=1).any():
            moved.add(probe[1])
    assert moved >= {"w", "t", "x1", "y1", "v", "s"}


@needs_lava
def test_a_connection_that_does_not_drive_delivers_nothing() -> None:
    silent = [replace(c, drives=False) if c.plasticity else c for c in small().connections]
    alone = [c for c in small().connections if c.plasticity is None]
    probes = [("p0", "a"), ("p0", "v")]
    recordings = LavaBackend().run_cases(
        [
            (replace(small(), connections=tuple(connections)), spikes(), probes)
            for connections in (small().connections, silent, alone)
        ]
    )
    driving, not_driving, without = (r.states["p0", "a"] for r in recordings)
    np.testing.assert_array_equal(not_driving, without)
    assert (driving != without).any()


def test_a_plastic_job_survives_its_files(tmp_path: Path) -> None:
    run = draw_plastic(np.random.default_rng(2), 5, 20)
    write_job(tmp_path, [Case(run.network, run.stimulus, run.probes, (3, 9))])
    (case,) = read_job(tmp_path)
    assert first_difference(run.network, case.network) is None
    assert (case.probes, case.read_steps) == (run.probes, (3, 9))


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"delays": np.full((2, 3), 2)}, "delay"),
        ({"plasticity": Plasticity(STDP, np.zeros((2, 3), dtype=int), 1.0, rounding_seed=3)}, "rounding_seed 3"),
        ({"plasticity": Plasticity(STDP, np.zeros((3, 2), dtype=int), 1.0)}, "shape"),
        ({"plasticity": Plasticity(STDP, np.full((2, 3), 1 << 15), 1.0)}, "tag 32768"),
        ({"plasticity": Plasticity(STDP, np.zeros((2, 3)), 1.0)}, "tag of type"),
        ({"weight": np.array([[21, 30, -40], [0, 10, 8]])}, "weight"),
        ({"weight": np.array([[20, 1 << 15, -40], [0, 10, 8]])}, "weight 32768"),
    ],
)
def test_what_lava_would_hold_differently_is_refused(changes: dict[str, Any], what: str) -> None:
    check_network(small())
    with pytest.raises(ConversionRefused, match=f"'learner'.*{what}"):
        check_network(small(**changes))


def test_a_real_coefficient_is_refused() -> None:
    with pytest.raises(RuleError, match="Float64"):
        check_network(small(Program(dw=(Product("x0", 0.3),))))


@pytest.mark.parametrize(
    ("probe", "read_steps", "what"),
    [
        (("driver", "w"), None, "driver"),
        (("learner", "v"), None, "'v' of 'learner'"),
        (("p0", "w"), None, "'w' of 'p0'"),
        (("learner", "w"), [0], "has 0"),
        (("learner", "w"), [3, 41], "has 41"),
        (("learner", "w"), [2.5], "has 2.5"),
    ],
)
@needs_lava
def test_wrong_probes_and_steps_are_refused_before_lava_starts(
    probe: tuple[str, str], read_steps: list[Any] | None, what: str
) -> None:
    backend = LavaBackend(worker=("-c", "raise SystemExit(9)"))
    with pytest.raises(InputError, match=what):
        backend.run(small(), spikes(), [probe], read_steps=read_steps)


# --- for Lava users --------------------------------------------------------------------------------------------------


def test_importing_the_factory_does_not_import_lava() -> None:
    code = "import sys; from neuroalign.sim.lava_processes import learning_dense, learning_rule; print('lava' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True)
    assert done.stdout.strip() == b"False"


def in_lava(code: str, folder: Path) -> str:
    """Output of a script that may import Lava, which is not done in this process."""
    script = folder / "script.py"
    script.write_text(code, encoding="utf-8")
    status = run_in_own_session(
        [sys.executable, str(script)], folder, 120.0, {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    )
    assert status == 0, (folder / "stderr.txt").read_text(errors="replace")[-2000:]
    return (folder / "stdout.txt").read_text()


@needs_lava
def test_the_factory_gives_lavas_own_classes(tmp_path: Path) -> None:
    code = """
import numpy as np
from neuroalign.microcode import Trace
from neuroalign.microcode.text import program_from_text
from neuroalign.sim.lava_processes import learning_dense, learning_rule

program = program_from_text("2^-1*y0*x1", "", "-x0*y1 + 2*u3*(t-5)", x1=Trace(30.5, 9), y1=Trace(7, 11.5), t_epoch=3, rng_seed=4)
rule = learning_rule(program)
dense = learning_dense(program, np.array([[2, -4]]), weight_exp=-1, name="mine")
for thing in (rule, dense):
    print(type(thing).__module__, type(thing).__name__)
print(rule.dw_str, rule.dd_str, rule.dt_str, rule.t_epoch, rule.rng_seed, sep="|")
print(rule.x1_impulse, rule.x1_tau, rule.y1_impulse, rule.y1_tau, rule.x2_impulse, rule.decimate_exponent)
print(dense.name, dense.weights.init.tolist(), dense.proc_params["weight_exp"], dense.tag_1.init.tolist())
"""
    assert in_lava(code, tmp_path).splitlines() == [
        "lava.magma.core.learning.learning_rule Loihi2FLearningRule",
        "lava.proc.dense.process LearningDense",
        "2^-1*y0*x1|None|-x0*y1 + 2*u3*(t-5)|3|4",
        "30.5 9 7 11.5 0 3",
        "mine [[2, -4]] -1 [[0.0, 0.0]]",
    ]


@pytest.mark.parametrize(
    ("weights", "error"),
    [
        (np.array([[3, 2]]), ConversionRefused),
        (np.array([[2.5, 2]]), ConversionRefused),
        (np.array([[256, 2]]), ConversionRefused),
        (np.array([2, 4]), InputError),
        (np.array([[np.nan, 4]]), InputError),
    ],
)
def test_the_factory_refuses_weights_that_lava_would_change(weights: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"^[^\n]*$"):
        learning_dense(STDP, weights)


def test_the_factory_refuses_a_real_program() -> None:
    real = Program(dw=(Product("x0", 0.3),))
    with pytest.raises(RuleError, match="Float64"):
        learning_rule(real)
    with pytest.raises(RuleError, match="Float64"):
        learning_dense(real, np.zeros((1, 1), dtype=int))


def test_without_lava_the_factory_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend_module, "find_spec", lambda name: None)
    with pytest.raises(BackendMissing, match="lava is not installed; pip install"):
        learning_dense(STDP, np.zeros((1, 1), dtype=int))


BAIT = """
from pathlib import Path
Path(__file__).with_suffix(".executed").write_text("")
raise SystemExit("a script of the user ran, though nothing asked for it")
"""
SEARCHED = """
from neuroalign.sim.lava_processes import lava_compat
lava_compat.install()
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.lif.process import LIF

class Own(LIF):
    pass

Own(shape=(1,)).run(condition=RunSteps(num_steps=1), run_cfg=Loihi2SimCfg(select_tag="fixed_pt"))
"""


def beside_bait(folder: Path, code: str) -> tuple[int, list[str]]:
    """Exit code of a script that lies among others, and which of the others were executed."""
    for name in ("models", "process", "lif", "train", "dense"):
        (folder / f"{name}.py").write_text(BAIT, encoding="utf-8")
    (folder / "zz_page.py").write_text(code, encoding="utf-8")
    command = [sys.executable, "zz_page.py"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    status = run_in_own_session(command, folder, 200.0, environment)
    return status, sorted(file.stem for file in folder.glob("*.executed"))


@needs_lava
def test_the_page_runs_and_executes_no_script_beside_it(tmp_path: Path) -> None:
    _, code = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    status, executed = beside_bait(tmp_path, code)
    assert status == 0, (tmp_path / "stderr.txt").read_text(errors="replace")[-2000:]
    assert executed == []
    *weights, last = (tmp_path / "stdout.txt").read_text().splitlines()
    learnt = [int(n) for line in weights[1:] for n in re.findall(r"-?\d+", line)]
    assert len(learnt) == 12 * 4
    assert len(set(learnt)) > 10
    assert float(last.rpartition(" ")[2]) > 0.5, last


@needs_lava
def test_a_process_of_ones_own_does_execute_them(tmp_path: Path) -> None:
    """The control: Lava's search executes what lies beside the file that defines a Process."""
    _, executed = beside_bait(tmp_path, SEARCHED)
    assert executed, "nothing was executed, so the test of the page shows nothing"
