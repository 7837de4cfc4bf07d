"""The whole network as a chip holds it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from neuroalign.chip.connection import ChipConnection
from neuroalign.chip.formats import Fixed
from neuroalign.chip.population import ChipInput, ChipPopulation
from neuroalign.notebook import html_table, span


@dataclass(frozen=True, eq=False)
class ChipNetwork:
    """Everything a backend needs; no backend sees a Profile.

    Parameters
    ----------
    connection_delay_steps : int
        Steps that every connection takes before its own delays: 1 on chips; 0 only in the float model, where
        populations are updated in topological order within the step.

    Examples
    --------
    >>> import neuroalign
    >>> network = neuroalign.read_nir("network.nir").network
    >>> chip, _ = neuroalign.compile_network(network, neuroalign.load_profile("loihi2"))
    >>> chip.connections[0].weight.shape, chip.latency_steps
    ((100, 64), 2)
    """

    name: str
    dt: float
    profile_id: str
    inputs: tuple[ChipInput, ...]
    populations: tuple[ChipPopulation, ...]
    connections: tuple[ChipConnection, ...]
    outputs: tuple[tuple[str, str], ...]
    connection_delay_steps: int = 1

    @property
    def is_fixed(self) -> bool:
        """Whether the network is held in integers."""
        return all(isinstance(p.v_format, Fixed) for p in self.populations)

    @property
    def latency_steps(self) -> int:
        """The largest declared latency: run this many steps longer than the stimulus."""
        lags = [*(p.latency_steps for p in self.populations), *(i.latency_steps for i in self.inputs)]
        return max(lags, default=0)

    def population(self, name: str) -> ChipPopulation:
        """The population called ``name`` (KeyError if there is none)."""
        return {p.name: p for p in self.populations}[name]

    def _repr_html_(self) -> str:
        nodes: list[tuple[object, ...]] = [(i.name, "input", i.size, "", "", "", i.latency_steps) for i in self.inputs]
        nodes += [
            (
                p.name,
                "spiking" if p.spiking else "not spiking",
                p.size,
                *map(span, (p.du, p.dv, p.threshold)),
                p.latency_steps,
            )
            for p in self.populations
        ]
        wires = [
            (c.name, f"{c.source} → {c.target}", " × ".join(map(str, c.shape)), span(c.weight), c.weight_exp,
             "learns" if c.plasticity else "")
            for c in self.connections
        ]  # fmt: skip
        title = f"ChipNetwork {self.name} on {self.profile_id}: {'integers' if self.is_fixed else 'double precision'}"
        columns = ("population", "kind", "neurons", "du", "dv", "threshold", "latency (steps)")
        return html_table(title, columns, nodes) + html_table(
            "Connections", ("name", "from → to", "shape", "weights", "exponent", ""), wires
        )


def first_difference(left: Any, right: Any, path: str = "network") -> str | None:
    """Path of the first field in which two chip objects differ (arrays by dtype, shape and value), or None."""
    if type(left) is not type(right):
        return f"{path}: {type(left).__name__} against {type(right).__name__}"
    if isinstance(left, np.ndarray):
        same = left.dtype == right.dtype and left.shape == right.shape and np.array_equal(left, right)
        return None if same else path
    if hasattr(left, "__dataclass_fields__"):
        pairs = [(f.name, getattr(left, f.name), getattr(right, f.name)) for f in fields(left)]
    elif isinstance(left, tuple):
        if len(left) != len(right):
            return f"{path}: {len(left)} against {len(right)} entries"
        pairs = [(str(k), a, b) for k, (a, b) in enumerate(zip(left, right, strict=True))]
    else:
        return None if left == right else f"{path}: {left!r} against {right!r}"
    for name, a, b in pairs:
        difference = first_difference(a, b, f"{path}.{name}")
        if difference:
            return difference
    return None
