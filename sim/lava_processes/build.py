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

from neuroalign.chip import ChipConnection, ChipNetwork
from neuroalign.sim.lava_processes import lava_compat
from neuroalign.sim.lava_processes.holdable import check_network, check_sample

lava_compat.install()

from lava.proc.io.source import RingBuffer  # noqa: E402

from neuroalign.sim.lava_processes.neurons import neuron_process  # noqa: E402
from neuroalign.sim.lava_processes.plastic_processes import connect_learning, plastic_process  # noqa: E402
from neuroalign.sim.lava_processes.synapses import connect, static_process  # noqa: E402


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
        Name of each input (RingBuffer), population (LIF, TernaryLIF, LIFReset or our ExtendedLIF) and connection
        (Dense, Sparse, with delays or learning, Conv) to its process.

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
    nodes |= {p.name: neuron_process(p, recorders.get(p.name)) for p in network.populations}
    synapses = {c.name: _synapse(c, recorders.get(c.name)) for c in network.connections}
    for connection in network.connections:
        synapse, target = synapses[connection.name], nodes[connection.target]
        connect(connection, nodes[connection.source], synapse, target)
        if connection.plasticity is not None:
            connect_learning(connection, connection.plasticity, nodes, synapse)
    return nodes | synapses


def _source(values: NDArray[Any]) -> Any:
    return RingBuffer(data=np.ascontiguousarray(np.asarray(values, dtype=np.int32).T))


def _synapse(connection: ChipConnection, recorder: Any) -> Any:
    if connection.plasticity is None:
        return static_process(connection, recorder)
    return plastic_process(connection, connection.plasticity, recorder)
