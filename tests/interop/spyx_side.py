"""Spyx: what ``to_nir`` writes, and what ``from_nir`` makes of a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax.numpy as jnp
import nir
import numpy as np
from flax import nnx
from side import HIDDEN, INPUTS, OUTPUTS, Export, events, frames, main, spread, weights
from spyx import nn
from spyx.nir import from_nir, to_nir


def _linear(rows: int, columns: int, seed: int) -> nnx.Linear:
    layer = nnx.Linear(columns, rows, use_bias=False, rngs=nnx.Rngs(0))
    layer.kernel[...] = jnp.array(weights(rows, columns, seed, 0.5).T)
    return layer


def _lif(size: int) -> nnx.Module:
    cell = nn.LIF((size,), rngs=nnx.Rngs(0))
    cell.beta[...] = jnp.array(spread(0.85, 0.95, size))
    return cell


def _cuba(size: int) -> nnx.Module:
    cell = nn.CuBaLIF((size,), threshold=2.0, rngs=nnx.Rngs(0))
    cell.alpha[...] = jnp.array(spread(0.3, 0.6, size))
    cell.beta[...] = jnp.array(spread(0.85, 0.95, size))
    return cell


def _integrating(size: int) -> nnx.Module:
    return nn.IF((size,), threshold=1.7)


def _recurrent(size: int) -> nnx.Module:
    cell = nn.RLIF((size,), rngs=nnx.Rngs(0))
    cell.beta[...] = jnp.array(spread(0.85, 0.95, size))
    cell.recurrent_w[...] = jnp.array(weights(size, size, 5, 0.1))
    return cell


def _parallel(size: int) -> nnx.Module:
    cell = nn.PSU_LIF((size,), beta=0.3, rngs=nnx.Rngs(0))
    cell.beta[...] = jnp.full(cell.beta.shape, 0.3)
    return cell


def _case(cell: Any) -> Export:
    def export(path: Path) -> tuple[Any, Any]:
        model = nn.Sequential(_linear(HIDDEN, INPUTS, 1), cell(HIDDEN), _linear(OUTPUTS, HIDDEN, 2), cell(OUTPUTS))
        graph = to_nir(model, {"input": np.array([INPUTS])}, {"output": np.array([OUTPUTS])})
        nir.write(path, graph)
        out, _ = nn.run(model, jnp.array(events()[:, None]))
        return events(), np.asarray(out)[:, 0]

    return export


def run(path: Path, given: Any, dt: float) -> Any:
    """Spikes of Spyx's own model of a file. It walks the edges from a node called "input"."""
    graph = nir.read(path)
    shaped = frames(given, graph)
    channels_last = np.moveaxis(shaped, 1, -1) if shaped.ndim == 4 else shaped
    _, out = from_nir(graph, jnp.array(channels_last[:, None]), dt=dt)
    return np.asarray(out)[:, 0]


EXPORTS: dict[str, Export] = {
    "spyx_lif": _case(_lif),
    "spyx_cuba": _case(_cuba),
    "spyx_if": _case(_integrating),
    "spyx_rlif": _case(_recurrent),
    "spyx_psu": _case(_parallel),
}

if __name__ == "__main__":
    main(("spyx", "nir", "jax", "flax"), EXPORTS, run)
