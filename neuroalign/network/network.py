"""A whole network: its inputs, populations and connections, the time step, and what a spike resets."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from neuroalign.errors import NetworkError
from neuroalign.network.connection import Connection
from neuroalign.network.euler_step import check_decays
from neuroalign.network.population import Population
from neuroalign.notebook import html_table, span

ResetMode = Literal["zero", "subtract"]


@dataclass(frozen=True, eq=False)
class InputPort:
    """Where a stimulus enters: ``name`` and ``shape`` without batch and time.

    Examples
    --------
    >>> import neuroalign
    >>> neuroalign.InputPort("image", (8, 8)).size
    64
    """

    name: str
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Number of channels."""
        return int(np.prod(self.shape, dtype=np.int64))


@dataclass(frozen=True, eq=False)
class Network:
    """A spiking network in floats and SI units.

    Parameters
    ----------
    dt : s
        Time step of the model.
    outputs
        Pairs (output name, population name).
    reset
        What a spike does to the membrane, in every population.

    Examples
    --------
    >>> import neuroalign
    >>> network = neuroalign.read_nir("network.nir").network
    >>> [(p.name, p.size) for p in network.populations], network.dt
    ([('hidden', 100), ('readout', 10)], 0.001)
    """

    name: str
    dt: float
    inputs: tuple[InputPort, ...]
    populations: tuple[Population, ...]
    connections: tuple[Connection, ...]
    outputs: tuple[tuple[str, str], ...]
    reset: ResetMode = "zero"

    def __post_init__(self) -> None:
        if not (np.isfinite(self.dt) and self.dt > 0):
            raise NetworkError(f"network {self.name!r}: dt is {self.dt}; it must be a positive number of seconds")
        sizes = {p.name: p.size for p in self.inputs} | {p.name: p.size for p in self.populations}
        if len(sizes) != len(self.inputs) + len(self.populations):
            raise NetworkError(f"network {self.name!r}: two nodes share a name; names must be unique")
        targets = {p.name for p in self.populations}
        for connection in self.connections:
            _check_ends(connection, sizes, targets)
        for name, source in self.outputs:
            if source not in targets:
                raise NetworkError(f"output {name!r} reads {source!r}, which is not a population")
        for population in self.populations:
            check_decays(population, self.dt)

    def population(self, name: str) -> Population:
        """The population called ``name``."""
        for population in self.populations:
            if population.name == name:
                return population
        raise NetworkError(
            f"network {self.name!r} has no population {name!r}; it has {', '.join(p.name for p in self.populations)}"
        )

    def _repr_html_(self) -> str:
        nodes: list[tuple[object, ...]] = [(p.name, "input", p.size) for p in self.inputs]
        nodes += [(p.name, p.kind, p.size, *map(span, (p.tau_syn, p.tau_mem, p.v_threshold))) for p in self.populations]
        wires = [
            (
                c.name,
                f"{c.source} → {c.target}",
                " × ".join(map(str, c.shape)),
                c.delay_steps,
                c.rule.name if c.rule else "",
            )
            for c in self.connections
        ]
        title = f"Network {self.name}: dt {self.dt:g} s, reset {self.reset}"
        columns = ("population", "kind", "neurons", "tau_syn (s)", "tau_mem (s)", "threshold")
        return html_table(title, columns, nodes) + html_table(
            "Connections", ("name", "from → to", "shape", "delay (steps)", "rule"), wires
        )


def _check_ends(connection: Connection, sizes: Mapping[str, int], targets: Collection[str]) -> None:
    """Refuse a connection between nodes that do not exist, or of another size than its weight."""
    source, target = connection.source, connection.target
    if source not in sizes or target not in targets:
        raise NetworkError(f"connection {connection.name!r}: {source!r} -> {target!r} names a node that does not exist")
    expected = (sizes[target], sizes[source])
    if connection.shape != expected:
        raise NetworkError(
            f"connection {connection.name!r}: weight has shape {connection.shape}, but {target!r} x {source!r} needs {expected}"
        )
    sender = connection.third_factor
    if sender and sizes.get(sender) not in (1, sizes[target]):
        found = f"sends {sizes[sender]} values" if sender in sizes else "is no input and no population"
        raise NetworkError(
            f"connection {connection.name!r}: its third factor comes from {sender!r}, which {found}; 1 or {sizes[target]} "
            f"values, one for each neuron of {target!r}, are needed"
        )
