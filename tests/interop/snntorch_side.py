"""snnTorch: what ``export_to_nir`` writes, and what ``import_from_nir`` makes of a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nir
import numpy as np
import snntorch as snn
import torch
from side import HIDDEN, INPUTS, OUTPUTS, Export, events, frames, main, spread, weights
from snntorch.export_nir import export_to_nir
from snntorch.import_nir import import_from_nir

torch.set_num_threads(1)


def _linear(rows: int, columns: int, seed: int, bias: bool = False, scale: float = 0.6) -> torch.nn.Linear:
    layer = torch.nn.Linear(columns, rows, bias=bias)
    layer.weight.data = torch.tensor(weights(rows, columns, seed, scale))
    if bias:
        layer.bias.data = torch.tensor(spread(-0.02, 0.05, rows))
    return layer


def _beta(size: int, beta: float | None) -> torch.Tensor:
    return torch.tensor(spread(0.85, 0.95, size)) if beta is None else torch.full((size,), beta)


def _leaky(size: int, reset: str, delay: bool, beta: float | None = None) -> torch.nn.Module:
    return snn.Leaky(
        beta=_beta(size, beta), threshold=torch.ones(size), reset_mechanism=reset, reset_delay=delay, init_hidden=True
    )


def _synaptic(size: int, reset: str, delay: bool, beta: float | None = None) -> torch.nn.Module:
    return snn.Synaptic(
        alpha=torch.tensor(spread(0.3, 0.6, size)),
        beta=_beta(size, beta),
        threshold=torch.full((size,), 2.0),
        reset_mechanism=reset,
        reset_delay=delay,
        init_hidden=True,
    )


def _rleaky(size: int, reset: str, delay: bool, beta: float | None = None) -> torch.nn.Module:
    cell = snn.RLeaky(
        beta=_beta(size, beta),
        threshold=torch.ones(size),
        linear_features=size,
        reset_mechanism=reset,
        reset_delay=delay,
        init_hidden=True,
    )
    cell.recurrent.weight.data = torch.tensor(weights(size, size, 5, 0.1))
    cell.recurrent.bias.data = torch.tensor(spread(-0.01, 0.01, size))
    return cell


def _rsynaptic(size: int, reset: str, delay: bool, beta: float | None = None) -> torch.nn.Module:
    return snn.RSynaptic(
        alpha=torch.full((size,), 0.5),
        beta=_beta(size, beta),
        linear_features=size,
        reset_mechanism=reset,
        reset_delay=delay,
        init_hidden=True,
    )


def _simulate(model: torch.nn.Module, given: Any) -> Any:
    with torch.no_grad():
        return np.array([model(x[None])[0].numpy().copy() for x in torch.tensor(given)])


def _case(
    cell: Any,
    reset: str = "zero",
    *,
    delay: bool = False,
    beta: float | None = None,
    ignore: tuple[int, ...] = (0,),
    bias: bool = True,
    scale: float = 0.6,
) -> Export:
    def export(path: Path) -> tuple[Any, Any]:
        model = torch.nn.Sequential(
            _linear(HIDDEN, INPUTS, 1, bias, scale),
            cell(HIDDEN, reset, delay, beta),
            _linear(OUTPUTS, HIDDEN, 2, scale=scale),
            _leaky(OUTPUTS, reset, delay, beta),
        )
        graph = export_to_nir(model, torch.zeros(1, INPUTS), ignore_dims=list(ignore))
        nir.write(path, graph)
        snn.Leaky.reset_hidden() if cell is _leaky else None
        return events(), _simulate(_fresh(model), events())

    return export


def _fresh(model: torch.nn.Sequential) -> torch.nn.Sequential:
    """The model with its states back at 0, after the sample that exporting ran through it."""
    for layer in model:
        for name in ("mem", "syn", "spk"):
            if hasattr(layer, name):
                setattr(layer, name, torch.zeros(()))
    return model


def _scalar(path: Path) -> tuple[Any, Any]:
    model = torch.nn.Sequential(_linear(OUTPUTS, INPUTS, 1), snn.Leaky(beta=0.9, init_hidden=True))
    nir.write(path, export_to_nir(model, torch.zeros(1, INPUTS), ignore_dims=[0]))
    return events(), _simulate(_fresh(model), events())


def run(path: Path, given: Any, dt: float) -> Any:
    """Spikes of snnTorch's own module of a file; it takes dt = 1e-4 s whatever the file means."""
    graph = nir.read(path)
    shaped = frames(given, graph)
    model = import_from_nir(graph)
    state: Any = None
    spikes = []
    with torch.no_grad():
        for x in torch.tensor(shaped):
            out, state = model(x[None], state)
            spikes.append((out[0] if isinstance(out, tuple) else out)[0].numpy().copy())
    return np.array(spikes)


EXPORTS: dict[str, Export] = {
    "snntorch_leaky": _case(_leaky),
    "snntorch_leaky_subtract": _case(_leaky, "subtract", scale=0.3),
    "snntorch_leaky_subtract_late": _case(_leaky, "subtract", delay=True),
    "snntorch_leaky_batched": _case(_leaky, ignore=()),
    "snntorch_leaky_beta1": _case(_leaky, "subtract", beta=1.0, scale=0.3),
    "snntorch_synaptic": _case(_synaptic),
    "snntorch_synaptic_subtract_late": _case(_synaptic, "subtract", delay=True),
    "snntorch_rleaky": _case(_rleaky),
    "snntorch_rsynaptic": _case(_rsynaptic),
    "snntorch_scalar": _scalar,
}

if __name__ == "__main__":
    main(("snntorch", "nir", "nirtorch", "torch"), EXPORTS, run)
