"""Lava's own processes for synapses that learn: LearningDense and LearningSparse, two- and three-factor; and their wiring."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from neuroalign.chip import ChipConnection, Plasticity, SparsePattern
from neuroalign.sim.lava_processes import lava_compat
from neuroalign.sim.lava_processes.learning import learning_rule

lava_compat.install()

from lava.magma.core.learning.constants import GradedSpikeCfg  # noqa: E402
from lava.proc.dense.process import LearningDense  # noqa: E402
from lava.proc.io.source import RingBuffer  # noqa: E402
from lava.proc.sparse.process import LearningSparse  # noqa: E402

from neuroalign.sim.lava_processes.synapses import csr, weight_options  # noqa: E402

_GRADED = {
    "impulse": GradedSpikeCfg.USE_REGULAR_IMPULSE,
    "overwrite": GradedSpikeCfg.OVERWRITE,
    "add-saturate": GradedSpikeCfg.ADD_WITH_SATURATION,
    "add-carry": GradedSpikeCfg.ADD_WITHOUT_SATURATION,
}


def plastic_process(connection: ChipConnection, plasticity: Plasticity, recorder: Any) -> Any:
    """The process of a checked connection that learns; its rule object is its own, which Lava may change."""
    options = weight_options(connection, recorder) | {
        "learning_rule": learning_rule(plasticity.program, third_factors=bool(plasticity.modulators)),
        "graded_spike_cfg": _GRADED[plasticity.graded],
    }
    pattern = connection.pattern
    if isinstance(pattern, SparsePattern):
        # tags of 0 are entries as well: Lava changes no others
        tag, delay = (csr(pattern, values, int) for values in (plasticity.tag, np.zeros_like(plasticity.tag)))
        weights = csr(pattern, connection.weight, np.int32)
        return LearningSparse(weights=weights, tag_1=tag, tag_2=delay, **options)
    return LearningDense(weights=connection.weight.astype(np.int32), tag_1=plasticity.tag.astype(np.int32), **options)


def connect_learning(
    connection: ChipConnection, plasticity: Plasticity, nodes: Mapping[str, Any], synapse: Any
) -> None:
    """Wire the target's spikes and the third factors to a plastic process, in the step in which they are sent."""
    nodes[connection.target].s_out.connect(synapse.s_in_bap)
    for trace, sender in plasticity.modulators:
        node = nodes[sender]
        port = getattr(synapse, f"s_in_{trace}")
        if node.s_out.shape != port.shape:  # one value for all: the input once more, repeated
            node = RingBuffer(data=np.repeat(node.data.init, port.shape[0], axis=0))
        node.s_out.connect(port)
