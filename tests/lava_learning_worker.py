"""Runs LearningDense networks in Lava and writes their states down at every step: the oracle of the learning tests.

``python lava_learning_worker.py JOB``: JOB is a pickle of {"nets": [...], "texts": [...]}, made by lava_learning.py.
Lava's own models run unchanged; the subclasses below copy their states after each step, in the process they run in.
"""

from __future__ import annotations

import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np

from neuroalign.sim.lava_processes import lava_compat, one_process

lava_compat.install()

from lava.magma.core.decorator import implements, requires, tag  # noqa: E402
from lava.magma.core.learning.constants import GradedSpikeCfg  # noqa: E402
from lava.magma.core.learning.learning_rule import Loihi2FLearningRule  # noqa: E402
from lava.magma.core.resources import CPU  # noqa: E402
from lava.magma.core.run_conditions import RunSteps  # noqa: E402
from lava.magma.core.run_configs import Loihi2SimCfg  # noqa: E402
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol  # noqa: E402
from lava.proc.dense.models import PyLearningDenseModelBitApproximate, PyLearningDenseModelFloat  # noqa: E402
from lava.proc.dense.process import LearningDense  # noqa: E402
from lava.proc.io.source import PySendModelFixed, RingBuffer  # noqa: E402
from lava.utils.weightutils import SignMode  # noqa: E402

STATES = ("weights", "tag_2", "tag_1", "x1", "x2", "y1", "y2", "y3", "tx", "ty", "a_buff")
GRADED = {
    "impulse": GradedSpikeCfg.USE_REGULAR_IMPULSE,
    "overwrite": GradedSpikeCfg.OVERWRITE,
    "add-saturate": GradedSpikeCfg.ADD_WITH_SATURATION,
    "add-carry": GradedSpikeCfg.ADD_WITHOUT_SATURATION,
}


class Recorded:
    """Writes all states at the end of each step: after the learning phase where there is one."""

    def run_spk(self: Any) -> None:
        super().run_spk()  # type: ignore[misc]
        if self.time_step == 1:
            folder, steps = Path(self.proc_params["record_to"]), self.proc_params["record_steps"]
            shapes = {name: np.shape(getattr(self, name)) for name in STATES}
            self.maps = {
                name: np.lib.format.open_memmap(folder / f"{name}.npy", "w+", np.float64, (steps, *shape))
                for name, shape in shapes.items()
            }
        if not self.lrn_guard():
            self.write_down()

    def run_lrn(self: Any) -> None:
        super().run_lrn()  # type: ignore[misc]
        self.write_down()

    def write_down(self: Any) -> None:
        for name, target in self.maps.items():
            target[self.time_step - 1] = getattr(self, name)


@implements(proc=LearningDense, protocol=LoihiProtocol)
@requires(CPU)
@tag("bit_approximate_loihi", "fixed_pt")
class RecordedFixed(Recorded, PyLearningDenseModelBitApproximate):
    pass


@implements(proc=LearningDense, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class RecordedFloat(Recorded, PyLearningDenseModelFloat):
    pass


def run_net(folder: Path, number: int, net: dict[str, Any]) -> None:
    """One Lava network: two spike sources, and all connections of ``net`` between them."""
    steps = len(net["pre"])
    pre, post = RingBuffer(data=net["pre"].T), RingBuffer(data=net["post"].T)
    for index, connection in enumerate(net["connections"]):
        target = folder / f"{number}_{index}"
        target.mkdir()
        options = dict(connection)
        rule = Loihi2FLearningRule(**options.pop("rule"))
        dense = LearningDense(
            learning_rule=rule,
            sign_mode=SignMode[options.pop("sign_mode").upper()],
            graded_spike_cfg=GRADED[options.pop("graded")],
            record_to=str(target),
            record_steps=steps,
            **options,
        )
        pre.s_out.connect(dense.s_in)
        post.s_out.connect(dense.s_in_bap)
    models = {LearningDense: RecordedFixed if net["fixed"] else RecordedFloat, RingBuffer: PySendModelFixed}
    config = Loihi2SimCfg(select_tag="fixed_pt" if net["fixed"] else "floating_pt", exception_proc_model_map=models)
    pre.run(condition=RunSteps(num_steps=steps), run_cfg=config)
    pre.stop()


def lava_products(text: str) -> list[tuple[Any, ...]] | str:
    """What Lava's parser makes of ``text``: per product (dependency, k, mantissa, exponent, factors)."""
    try:
        series = Loihi2FLearningRule(dw=text).dw
    except Exception as error:  # whatever Lava raises is its answer
        return type(error).__name__
    return [
        (
            p.dependency,
            p.decimate_exponent,
            p.s_mantissa,
            p.s_exp - 7,
            [(f.state_var, f.const or 0, f.is_sgn) for f in p.factors],
        )
        for p in series.products
    ]


def main(job_file: Path) -> None:
    one_process.install()
    job = pickle.loads(job_file.read_bytes())
    for number, net in enumerate(job["nets"]):
        run_net(job_file.parent, number, net)
    (job_file.parent / "texts.pickle").write_bytes(pickle.dumps([lava_products(text) for text in job["texts"]]))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
