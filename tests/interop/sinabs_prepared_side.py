"""sinabs once more, with what its importer leaves to its user: steps, gains, single spikes, reset to zero."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nir
import numpy as np
import torch
from side import frames, main
from sinabs.activation import MembraneReset, SingleSpike
from sinabs.layers import IAFSqueeze, LIFSqueeze
from sinabs.nir import from_nir

torch.set_num_threads(1)


def _in_steps(graph: Any, dt: float) -> None:
    """Time constants of LIF in steps of sinabs' exponential decay, ``r dt/tau`` in the weights before."""
    for name, node in graph.nodes.items():
        if not isinstance(node, nir.LIF):
            continue
        gain = node.r * dt / node.tau
        node.tau = -1 / np.log1p(-dt / node.tau)
        for source in (a for a, b in graph.edges if b == name):
            before = graph.nodes[source]
            before.weight, before.bias = before.weight * gain[:, None], before.bias * gain


def run(path: Path, given: Any, dt: float) -> Any:
    """Spikes of sinabs' own module, spiking as the chip does: once in a step, above the threshold, then reset to 0."""
    graph = nir.read(path)
    _in_steps(graph, dt)
    model = from_nir(graph, batch_size=1, num_timesteps=len(given))
    for layer in model.modules():
        if isinstance(layer, LIFSqueeze | IAFSqueeze):
            layer.spike_fn, layer.reset_fn, layer.min_v_mem = SingleSpike, MembraneReset(), None
            above = np.nextafter(np.asarray(layer.spike_threshold.detach(), np.float32), np.float32(np.inf))
            layer.spike_threshold.data = torch.tensor(above)
    with torch.no_grad():
        out = model(torch.tensor(frames(given, graph)))
    return np.asarray(out[0] if isinstance(out, tuple) else out).reshape(len(given), -1)


if __name__ == "__main__":
    main(("sinabs", "nir", "nirtorch", "torch"), {}, run)
