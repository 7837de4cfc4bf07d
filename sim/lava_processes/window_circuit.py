"""A driven layer, the next one, and the feedback synapses that learn from third factors, all in Lava at once.

The emulator runs the same in three stages, since spikes and third factors go one way only. In a Lava script of your own::

    from neuroalign.sim.lava_processes.window_circuit import WindowCircuit, build_circuit

    nodes = build_circuit(WindowCircuit(...), sources)           # sources: (steps, channels)
    nodes["feedback"].run(RunSteps(num_steps=steps), Loihi2SimCfg(select_tag="fixed_pt"))
"""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroalign.chip import ChipConnection, ChipNetwork, Fixed
from neuroalign.chip.window_neurons import WindowNeurons
from neuroalign.errors import BackendMissing
from neuroalign.sim.lava_processes.backend import LavaBackend, Watch, run_worker

Integers = NDArray[np.int64]
JOB, RESULT = "job.pickle", "result.npz"
WORKER = ("-m", "neuroalign.sim.lava_processes.window_worker")
SENT = ("driven", "inside", "outcome", "clear", "next")
"""What is recorded in every step: spikes of both layers and third factors."""
READ = {"w": "weights", "t": "tag_1", "x1": "x1", "x2": "x2"}
"""States of the feedback synapses that are read, and what Lava calls them."""


@dataclass(frozen=True, eq=False)
class WindowCircuit:
    """What is connected.

    Parameters
    ----------
    driven, above
        Neurons of the driven and of the next layer.
    source, forward
        Weights as held, and the exponent: from each source to its neuron, and (next, driven).
    network
        The learning network: its one plastic connection is the feedback, its modulators are named in ``factors``.
    factors
        Trace y1, y2 or y3 to "inside", "outcome" or "clear".
    """

    driven: WindowNeurons
    above: WindowNeurons
    source: tuple[int, int]
    forward: tuple[Integers, int]
    network: ChipNetwork
    factors: dict[str, str]


def build_circuit(circuit: WindowCircuit, sources: NDArray[Any]) -> dict[str, Any]:
    """Lava processes, connected: "sources", "driven", "next", "feedback", and the synapses between.

    Raises
    ------
    BackendMissing
        If Lava is not installed.
    """
    missing = LavaBackend().missing()
    if missing:
        raise BackendMissing(missing)
    from neuroalign.sim.lava_processes import lava_compat

    lava_compat.install()
    from lava.proc.io.source import RingBuffer

    from neuroalign.sim.lava_processes.plastic_processes import plastic_process
    from neuroalign.sim.lava_processes.synapses import static_process
    from neuroalign.sim.lava_processes.window_lif.process import WindowLIF

    nodes: dict[str, Any] = {"sources": RingBuffer(data=np.ascontiguousarray(sources.astype(np.int32).T))}
    for role, neurons in (("driven", circuit.driven), ("next", circuit.above)):
        nodes[role] = WindowLIF(shape=(neurons.size,), parameters=_parameters(neurons), name=role)
    weight, exponent = circuit.source
    nodes["drive"] = static_process(
        _static("drive", weight * np.eye(circuit.driven.size, dtype=np.int64), exponent), None
    )
    nodes["forward"] = static_process(_static("forward", *circuit.forward), None)
    (feedback,) = (c for c in circuit.network.connections if c.plasticity is not None)
    nodes["feedback"] = plastic_process(feedback, feedback.plasticity, None)  # type: ignore[arg-type]
    for source, synapse, target in (("sources", "drive", "driven"), ("driven", "forward", "next")):
        nodes[source].s_out.connect(nodes[synapse].s_in)
        nodes[synapse].a_out.connect(nodes[target].a_in)
    nodes["next"].s_out.connect(nodes["feedback"].s_in)
    for trace, factor in circuit.factors.items():
        getattr(nodes["driven"], f"{factor}_out").connect(getattr(nodes["feedback"], f"s_in_{trace}"))
    return nodes


def run_circuit(
    circuit: WindowCircuit, sources: NDArray[Any], read_steps: Sequence[int], time_limit_s: float = 600.0
) -> dict[str, NDArray[Any]]:
    """Run all steps of ``sources`` (steps, channels) in a worker.

    Returns
    -------
    dict
        What was sent in every step, by the names in ``SENT`` (steps, N), and the states in ``READ`` at the ends of
        ``read_steps`` (reads, ...).

    Raises
    ------
    BackendMissing
        If Lava is not installed.
    BackendFailed
        If the worker failed or took too long.
    """
    missing = LavaBackend().missing()
    if missing:
        raise BackendMissing(missing)
    with tempfile.TemporaryDirectory(prefix="neuroalign-") as name:
        folder = Path(name)
        (folder / JOB).write_bytes(pickle.dumps((circuit, np.asarray(sources), tuple(read_steps))))
        run_worker(WORKER, folder, time_limit_s, Watch(folder, 1, None))
        with np.load(folder / RESULT) as found:
            return dict(found)


def _parameters(neurons: WindowNeurons) -> dict[str, int]:
    return {key: value for key, value in asdict(neurons).items() if key not in ("name", "size")}


def _static(name: str, weight: Integers, exponent: int) -> ChipConnection:
    return ChipConnection(name, "", "", weight, Fixed(8), exponent, "mixed")
