"""Runs plastic connections in Lava (in a session of its own) and in the reference, and compares them step by step."""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroalign.chip import GradedMode, SignMode
from neuroalign.fixed_point import shift
from neuroalign.microcode import TRACES, Program
from neuroalign.microcode.text import to_text
from neuroalign.sim.emulator.learning_reference import plastic_state
from neuroalign.sim.lava_processes.process_group import run_in_own_session

Array = NDArray[Any]
COMPARED = ("weights", "tag_2", "tag_1", "x1", "x2", "y1", "y2", "y3", "tx", "ty", "a_buff")
TIME_LIMIT_S = 300.0


@dataclass
class PlasticCase:
    """One plastic connection; ``texts`` replace the Program's own text where given."""

    program: Program
    weight: Array
    tag: Array
    delay: Array
    sign_mode: SignMode = "mixed"
    weight_bits: int = 8
    weight_exp: int = 0
    graded: GradedMode = "impulse"
    message_bits: int = 0
    texts: dict[str, str] = field(default_factory=dict)

    def lava(self) -> dict[str, Any]:
        """Arguments for Lava's LearningDense."""
        program = self.program
        rules = {"dw": program.dw, "dd": program.dd, "dt": program.tag_update}
        texts = {name: to_text(products) for name, products in rules.items() if products} | self.texts
        traces = {f"{n}_{what}": getattr(program.trace(n), what) for n in TRACES for what in ("impulse", "tau")}
        return {
            "weights": self.weight,
            "tag_1": self.tag,
            "tag_2": self.delay,
            "sign_mode": self.sign_mode,
            "num_weight_bits": self.weight_bits,
            "weight_exp": self.weight_exp,
            "graded": self.graded,
            "num_message_bits": self.message_bits,
            "rule": {**texts, **traces, "t_epoch": program.t_epoch, "rng_seed": program.rng_seed},
        }


@dataclass
class PlasticNet:
    """Connections that share their source spikes (steps, N_source) and target spikes (steps, N_target)."""

    pre: Array
    post: Array
    cases: list[PlasticCase]
    fixed: bool = True


def run_lava(folder: Path, nets: Sequence[PlasticNet], texts: Sequence[str] = ()) -> tuple[list[Any], list[Any]]:
    """States of every case of every net, each a dict of arrays (steps, ...); and Lava's reading of ``texts``."""
    jobs = [
        {"pre": net.pre, "post": net.post, "fixed": net.fixed, "connections": [case.lava() for case in net.cases]}
        for net in nets
    ]
    job = folder / "job.pickle"
    job.write_bytes(pickle.dumps({"nets": jobs, "texts": list(texts)}))
    command = [sys.executable, str(Path(__file__).with_name("lava_learning_worker.py")), str(job)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    code = run_in_own_session(command, folder, TIME_LIMIT_S, environment)
    if code:
        raise RuntimeError((folder / "stderr.txt").read_text()[-3000:])
    results = [
        [{name: np.load(folder / f"{i}_{k}" / f"{name}.npy") for name in COMPARED} for k in range(len(net.cases))]
        for i, net in enumerate(nets)
    ]
    return results, pickle.loads((folder / "texts.pickle").read_bytes())


def run_reference(net: PlasticNet, case: PlasticCase) -> dict[str, Array]:
    """The same states from the reference, as they are at the end of every step."""
    state = plastic_state(
        case.program,
        case.weight,
        fixed=net.fixed,
        sign_mode=case.sign_mode,
        weight_bits=case.weight_bits,
        delay=case.delay,
        tag=case.tag,
        graded=case.graded,
    )
    rows: dict[str, list[Array]] = {name: [] for name in COMPARED}
    for t, (pre, post) in enumerate(zip(net.pre, net.post, strict=True), start=1):
        payload = pre if case.message_bits else (pre != 0).astype(pre.dtype)
        # the order in which Lava adds, since floats are compared too
        total = state.weight @ payload if case.message_bits else state.weight[:, payload != 0].sum(axis=1)
        rows["a_buff"].append(shift(total, case.weight_exp) if net.fixed else total)
        state.record_source(t, payload)
        state.record_target(t, post)
        state.learn(t)
        now = {"weights": state.weight, "tag_2": state.delay, "tag_1": state.tag, "tx": state.tx, "ty": state.ty}
        now |= dict(zip(("x1", "x2", "y1", "y2", "y3"), (*state.x, *state.y), strict=True))
        for name, value in now.items():
            rows[name].append(value)
    return {name: np.array(values) for name, values in rows.items()}


def first_mismatch(lava: dict[str, Array], ours: dict[str, Array]) -> str | None:
    """State and step of the first difference, or None; a state of the wrong shape differs too."""
    for name in COMPARED:
        if lava[name].shape != ours[name].shape:
            return f"{name}: shape {lava[name].shape} against {ours[name].shape}"
        steps = np.nonzero((lava[name] != ours[name]).reshape(len(lava[name]), -1).any(axis=1))[0]
        if steps.size:
            return f"{name} at step {steps[0] + 1}: Lava {lava[name][steps[0]].tolist()}, ours {ours[name][steps[0]].tolist()}"
    return None
