"""Standard Lava processes (RingBuffer, Dense, DelayDense, LearningDense, LIF) from a ChipNetwork in integers.

In a Lava script of your own::

    from neuroalign.sim.lava_processes.build import build_processes
    from lava.magma.core.run_conditions import RunSteps        # after the line above, which lets Lava import
    from lava.magma.core.run_configs import Loihi2SimCfg

    processes = build_processes(network, {"input": spikes})    # spikes: (steps, channels)
    processes["hidden"].run(RunSteps(num_steps=100), Loihi2SimCfg(select_tag="fixed_pt"))

A network that Lava would hold differently (clipped or truncated weights, other decay offsets, out of the types' range)
is refused, never changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroalign.chip import ChipConnection, ChipNetwork, ChipPopulation, Fixed
from neuroalign.fixed_point import WEIGHT_BITS
from neuroalign.sim.lava_processes import lava_compat
from neuroalign.sim.lava_processes.holdable import check_network, check_sample
from neuroalign.sim.lava_processes.learning import learning_rule

lava_compat.install()

from lava.proc.dense.process import DelayDense, Dense, LearningDense  # noqa: E402
from lava.proc.io.source import RingBuffer  # noqa: E402
from lava.proc.lif.process import LIF  # noqa: E402
from lava.utils.weightutils import SignMode  # noqa: E402

_SIGN_MODES = {"mixed": SignMode.MIXED, "excitatory": SignMode.EXCITATORY, "inhibitory": SignMode.INHIBITORY}


def build_processes(
    network: ChipNetwork, sample: Mapping[str, NDArray[Any]], recorders: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Lava processes for ``network``, connected, with one sample as input.

    Parameters
    ----------
    network
        All formats ``Fixed``; every connection takes one step.
    sample
        Input name to 0/1 spikes or, for graded inputs, integers, (steps, channels). Lava's RingBuffer starts over
        after the last step: append zeros to run longer.
    recorders
        Node name to :class:`~neuroalign.sim.lava_processes.models.Recorder`; only the models of that module use it.

    Returns
    -------
    dict
        Name of each input (RingBuffer), population (LIF) and connection (Dense, DelayDense or LearningDense) to its
        process.

    Raises
    ------
    ConversionRefused
        The network holds something that Lava's bit-accurate models would change or do not have; RuleError if
        integers cannot hold a Program.
    InputError
        ``sample`` does not fit the network.
    """
    check_network(network)
    check_sample(network, sample)
    recorders = recorders or {}
    nodes = {i.name: _source(sample[i.name]) for i in network.inputs}
    nodes |= {p.name: _lif(p, recorders.get(p.name)) for p in network.populations}
    synapses = {c.name: _dense(c, recorders.get(c.name)) for c in network.connections}
    for connection in network.connections:
        synapse, target = synapses[connection.name], nodes[connection.target]
        nodes[connection.source].s_out.connect(synapse.s_in)
        if connection.drives:
            synapse.a_out.connect(target.a_in)
        if connection.plasticity is not None:
            target.s_out.connect(synapse.s_in_bap)
    return nodes | synapses


def _source(values: NDArray[Any]) -> Any:
    return RingBuffer(data=np.ascontiguousarray(np.asarray(values, dtype=np.int32).T))


def _lif(population: ChipPopulation, recorder: Any) -> Any:
    return LIF(
        shape=(population.size,),
        u=population.u0.astype(np.int32),
        v=population.v0.astype(np.int32),
        du=_scalar_if_uniform(population.du),
        dv=_scalar_if_uniform(population.dv),
        vth=_scalar_if_uniform(population.threshold),
        bias_mant=population.bias_mant.astype(np.int16),
        bias_exp=population.bias_exp.astype(np.int16),
        name=population.name,
        recorder=recorder,
    )


def _scalar_if_uniform(values: NDArray[Any]) -> Any:
    """The number that Lava documents, or the array that its arithmetic takes as well where neurons differ."""
    return int(values[0]) if np.all(values == values[0]) else values.astype(np.int64)


def _dense(connection: ChipConnection, recorder: Any) -> Any:
    bits = connection.weight_format.bits if isinstance(connection.weight_format, Fixed) else WEIGHT_BITS
    options: dict[str, Any] = {
        "weights": connection.weight.astype(np.int32),
        "weight_exp": connection.weight_exp,
        "num_weight_bits": min(bits, WEIGHT_BITS),
        "sign_mode": _SIGN_MODES[connection.sign_mode],
        "num_message_bits": connection.message_bits,
        "name": connection.name,
        "recorder": recorder,
    }
    if connection.plasticity is not None:
        tag = connection.plasticity.tag.astype(np.int32)
        return LearningDense(tag_1=tag, learning_rule=learning_rule(connection.plasticity.program), **options)
    if connection.delays is None:
        return Dense(**options)
    return DelayDense(delays=connection.delays.astype(int), **options)
