"""Random Float64 ChipNetworks; those in integers come from ``neuroalign.verify``."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.random import Generator

from neuroalign.chip import ChipConnection, ChipInput, ChipNetwork, ChipPopulation, Float64
from neuroalign.verify.static import (
    Options,
    draw_delays,
    draw_edges,
    draw_fixed,
    draw_population,
    draw_stimulus,
)

__all__ = ["Options", "draw_fixed", "draw_float", "draw_stimulus"]


def draw_float(rng: Generator, options: Options, connection_delay_steps: int = 1) -> ChipNetwork:
    """A network in Float64; with ``connection_delay_steps`` 0 the edges that lead back have delays of 1 or more."""
    names = [f"p{k}" for k in range(len(options.sizes))]
    sizes = dict(zip(names, options.sizes, strict=True)) | {"in": options.channels}
    connections = tuple(
        _float_connection(rng, options, source, target, (sizes[target], sizes[source]), connection_delay_steps)
        for source, target in draw_edges(rng, options, names)
    )
    populations = tuple(_float_population(rng, options, n, s) for n, s in zip(names, options.sizes, strict=True))
    # the update order must come from the edges, not from the order in which the populations are listed
    shuffled = tuple(populations[k] for k in rng.permutation(len(populations)))
    return ChipNetwork(
        "random",
        1e-3,
        "ideal",
        (ChipInput("in", options.channels),),
        shuffled,
        connections,
        ((names[-1], names[-1]),),
        connection_delay_steps,
    )


def _float_connection(
    rng: Generator, options: Options, source: str, target: str, shape: tuple[int, int], delay_steps: int
) -> ChipConnection:
    leads_back = source != "in" and int(source[1:]) >= int(target[1:])
    return ChipConnection(
        name=f"{source}->{target}.{rng.integers(1 << 40):x}",
        source=source,
        target=target,
        weight=rng.normal(0.2 if source == "in" else 0.0, 1.0, shape),
        weight_format=Float64(),
        weight_exp=0,
        sign_mode="mixed",
        delays=draw_delays(rng, options.max_delay, shape, lowest=int(leads_back and delay_steps == 0)),
    )


def _float_population(rng: Generator, options: Options, name: str, size: int) -> ChipPopulation:
    template = draw_population(rng, options, name, size, [])
    return replace(
        template,
        du=rng.uniform(0.05, 1.0, size),
        dv=rng.uniform(0.0, 0.5, size),
        threshold=rng.uniform(0.3, 2.0, size),
        bias_mant=rng.normal(0.05, 0.2, size) * int(rng.random() < 0.8),
        bias_exp=np.zeros(size, dtype=np.int64),
        u0=rng.normal(0, 0.3, size),
        v0=rng.normal(0, 0.3, size),
        u_format=Float64(),
        v_format=Float64(),
        decay_bits=0,
        u_offset=0,
        threshold_shift=0,
        weight_shift=0,
    )
