"""Norse: what ``to_nir`` writes, and what ``from_nir`` makes of a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nir
import norse.torch as nt
import numpy as np
import torch
from norse.torch.module.iaf import IAFCell, IAFParameters
from norse.torch.module.lif_box import LIFBoxCell, LIFBoxParameters
from side import HIDDEN, INPUTS, OUTPUTS, Export, events, frames, main, spread, weights

torch.set_num_threads(1)
DT = 1e-3


def _linear(rows: int, columns: int, seed: int, scale: float) -> torch.nn.Linear:
    layer = torch.nn.Linear(columns, rows, bias=False)
    layer.weight.data = torch.tensor(weights(rows, columns, seed, scale))
    return layer


def _box(size: int) -> LIFBoxCell:
    one = torch.ones(size)
    tau = torch.tensor(spread(0.01, 0.03, size))
    return LIFBoxCell(LIFBoxParameters(tau_mem_inv=1 / tau, v_leak=0 * one, v_th=one, v_reset=0 * one), dt=DT)


def _filtered(size: int) -> nt.LIFCell:
    one = torch.ones(size)
    tau_mem, tau_syn = torch.tensor(spread(0.01, 0.03, size)), torch.tensor(spread(0.004, 0.009, size))
    p = nt.LIFParameters(
        tau_mem_inv=1 / tau_mem, tau_syn_inv=1 / tau_syn, v_leak=0 * one, v_th=one, v_reset=0 * one, alpha=100 * one
    )
    return nt.LIFCell(p, dt=DT)


def _integrating(size: int) -> IAFCell:
    one = torch.ones(size)
    return IAFCell(IAFParameters(v_th=4 * one, v_reset=0 * one), dt=DT)


def _two(cell: Any, scale: float) -> nt.SequentialState:
    return nt.SequentialState(
        _linear(HIDDEN, INPUTS, 1, scale), cell(HIDDEN), _linear(OUTPUTS, HIDDEN, 2, scale), cell(OUTPUTS)
    )


def _simulate(model: Any, given: Any) -> Any:
    state, spikes = None, []
    with torch.no_grad():
        for x in torch.tensor(given):
            out, state = model(x, state)
            spikes.append(out.detach().numpy().copy())
    return np.array(spikes)


def _case(cell: Any, scale: float, *, sample: tuple[int, ...] = (INPUTS,), dt: float = DT) -> Export:
    def export(path: Path) -> tuple[Any, Any]:
        model = _two(cell, scale)
        nir.write(path, nt.to_nir(model, torch.zeros(sample), dt=dt))
        return events(), _simulate(model, events())

    return export


def _scalar(path: Path) -> tuple[Any, Any]:
    model = nt.SequentialState(_linear(OUTPUTS, INPUTS, 1, 1.0), nt.LIFCell())
    nir.write(path, nt.to_nir(model, torch.zeros(INPUTS)))
    return events(), _simulate(model, events())


def _recurrent(path: Path) -> tuple[Any, Any]:
    model = nt.SequentialState(_linear(HIDDEN, INPUTS, 1, 1.0), nt.LIFRecurrentCell(HIDDEN, HIDDEN))
    nir.write(path, nt.to_nir(model, torch.zeros(INPUTS)))
    return events(), _simulate(model, events())


def _flattened(path: Path) -> tuple[Any, Any]:
    convolution = torch.nn.Conv2d(1, 2, 3)
    model = nt.SequentialState(convolution, torch.nn.Flatten(0), _linear(OUTPUTS, 32, 2, 1.0), _box(OUTPUTS))
    nir.write(path, nt.to_nir(model, torch.zeros(1, 6, 6)))
    return events(), events()


def run(path: Path, given: Any, dt: float) -> Any:
    """Spikes of Norse's own module of a file."""
    graph = nir.read(path)
    return _simulate(nt.from_nir(graph, dt=dt), frames(given, graph))


EXPORTS: dict[str, Export] = {
    "norse_lif_box": _case(_box, 6.0),
    "norse_lif_box_dt1": _case(_box, 6.0, dt=1.0),
    "norse_lif": _case(_filtered, 1.5),
    "norse_lif_dt1": _case(_filtered, 1.5, dt=1.0),
    "norse_iaf": _case(_integrating, 1.0),
    "norse_batched": _case(_box, 6.0, sample=(1, INPUTS)),
    "norse_scalar": _scalar,
    "norse_recurrent": _recurrent,
    "norse_flatten": _flattened,
}

if __name__ == "__main__":
    main(("norse", "nir", "nirtorch", "torch"), EXPORTS, run)
