"""sinabs: what ``to_nir`` writes, and what ``from_nir`` makes of a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nir
import numpy as np
import sinabs.layers as sl
import torch
from side import HIDDEN, INPUTS, OUTPUTS, Export, events, frames, main, spread, weights
from sinabs.activation import MembraneReset, MembraneSubtract, MultiSpike, SingleSpike
from sinabs.nir import from_nir, to_nir

torch.set_num_threads(1)
NORMED = 8.0
"""Weights for layers with norm_input are larger, since their input is multiplied by 1 - exp(-1/tau)."""


def _linear(rows: int, columns: int, seed: int, scale: float) -> torch.nn.Linear:
    layer = torch.nn.Linear(columns, rows, bias=False)
    layer.weight.data = torch.tensor(weights(rows, columns, seed, scale))
    return layer


def _lif(size: int, **options: Any) -> torch.nn.Module:
    return sl.LIFSqueeze(
        tau_mem=torch.tensor(spread(8, 20, size)), spike_threshold=torch.ones(size), batch_size=1, **options
    )


def _iaf(size: int, **options: Any) -> torch.nn.Module:
    return sl.IAFSqueeze(spike_threshold=torch.tensor(spread(2, 3, size)), batch_size=1, **options)


def _simulate(model: torch.nn.Module, given: Any) -> Any:
    with torch.no_grad():
        return model(torch.tensor(given)).numpy()


def _case(cell: Any, scale: float, **options: Any) -> Export:
    def export(path: Path) -> tuple[Any, Any]:
        model = torch.nn.Sequential(
            _linear(HIDDEN, INPUTS, 1, scale),
            cell(HIDDEN, **options),
            _linear(OUTPUTS, HIDDEN, 2, scale),
            cell(OUTPUTS, **options),
        )
        spikes = _simulate(model, events())
        nir.write(path, to_nir(model, torch.zeros(1, INPUTS)))
        return events(), spikes

    return export


def _scalar(path: Path) -> tuple[Any, Any]:
    model = torch.nn.Sequential(_linear(OUTPUTS, INPUTS, 1, NORMED), sl.LIFSqueeze(tau_mem=20.0, batch_size=1))
    spikes = _simulate(model, events())
    nir.write(path, to_nir(model, torch.zeros(1, INPUTS)))
    return events(), spikes


def _images(path: Path, flatten: bool) -> tuple[Any, Any]:
    convolution = torch.nn.Conv2d(2, 3, (3, 2), padding=(1, 0))
    convolution.weight.data = torch.tensor(weights(3, 12, 3).reshape(3, 2, 3, 2))
    convolution.bias.data = torch.tensor(spread(-0.05, 0.05, 3))
    layers: list[torch.nn.Module] = [
        convolution,
        sl.IAFSqueeze(spike_threshold=torch.tensor(3.0), batch_size=1, spike_fn=SingleSpike, min_v_mem=None),
        sl.SumPool2d((2, 1)),
    ]
    if flatten:
        layers += [torch.nn.Flatten(), _linear(OUTPUTS, 45, 4, 0.2), _iaf(OUTPUTS, spike_fn=SingleSpike)]
    else:
        layers += [sl.IAFSqueeze(spike_threshold=torch.tensor(2.5), batch_size=1, spike_fn=SingleSpike)]
    model = torch.nn.Sequential(*layers)
    given = events(channels=72)
    spikes = _simulate(model, given.reshape(-1, 2, 6, 6))
    nir.write(path, to_nir(model, torch.zeros(1, 2, 6, 6)))
    return given, spikes.reshape(len(spikes), -1)


def _recurrent(path: Path) -> tuple[Any, Any]:
    layer = sl.LIFRecurrent(tau_mem=torch.full((4,), 9.0), rec_connect=torch.nn.Linear(4, 4))
    nir.write(path, to_nir(torch.nn.Sequential(_linear(OUTPUTS, INPUTS, 1, 1.0), layer), torch.zeros(1, INPUTS)))
    return events(), events()


def run(path: Path, given: Any, dt: float) -> Any:
    """Spikes of sinabs' own module of a file; it takes time constants as steps."""
    graph = nir.read(path)
    model = from_nir(graph, batch_size=1, num_timesteps=len(given))
    with torch.no_grad():
        out = model(torch.tensor(frames(given, graph)))
    return np.asarray(out[0] if isinstance(out, tuple) else out).reshape(len(given), -1)


SINGLE = {"spike_fn": SingleSpike}
EXPORTS: dict[str, Export] = {
    "sinabs_lif": _case(_lif, NORMED, reset_fn=MembraneSubtract(), **SINGLE),
    "sinabs_lif_zero": _case(_lif, NORMED, reset_fn=MembraneReset(), **SINGLE),
    "sinabs_lif_sum": _case(_lif, 0.5, norm_input=False, reset_fn=MembraneReset(), **SINGLE),
    "sinabs_lif_multi": _case(_lif, NORMED, spike_fn=MultiSpike),
    "sinabs_lif_tau_syn": _case(_lif, NORMED, tau_syn=torch.tensor(5.0), reset_fn=MembraneReset(), **SINGLE),
    "sinabs_iaf": _case(_iaf, 1.0, min_v_mem=None, **SINGLE),
    "sinabs_iaf_floor": _case(_iaf, 1.0, min_v_mem=-1.0, **SINGLE),
    "sinabs_iaf_multi": _case(_iaf, 1.0, min_v_mem=None),
    "sinabs_scalar": _scalar,
    "sinabs_conv": lambda path: _images(path, False),
    "sinabs_flatten": lambda path: _images(path, True),
    "sinabs_recurrent": _recurrent,
}

if __name__ == "__main__":
    main(("sinabs", "nir", "nirtorch", "torch"), EXPORTS, run)
