"""In which order the populations of a network are updated within one step."""

from __future__ import annotations

import numpy as np

from neuroalign.chip import ChipConnection, ChipNetwork
from neuroalign.errors import NetworkError


def update_order(network: ChipNetwork) -> tuple[int, ...]:
    """Indices of the populations, sources of a connection without delay before its targets.

    Where every connection takes a step, as on chips, any order is the same and the populations' own is kept.

    Raises
    ------
    NetworkError
        If connections without any delay close a cycle: no order can serve it.
    """
    index = {p.name: k for k, p in enumerate(network.populations)}
    waits_for: dict[int, set[int]] = {k: set() for k in index.values()}
    for connection in network.connections:
        if connection.source in index and acts_at_once(network, connection):
            waits_for[index[connection.target]].add(index[connection.source])
    order: list[int] = []
    while waits_for:
        free = next((k for k, sources in waits_for.items() if sources <= set(order)), None)
        if free is None:
            cycle = " -> ".join(network.populations[k].name for k in _cycle(waits_for, set(order)))
            raise NetworkError(
                f"network {network.name!r}: the cycle {cycle} has a total delay of 0 steps, so no population in it can "
                "be updated first; one of its connections needs a delay of 1"
            )
        order.append(free)
        del waits_for[free]
    return tuple(order)


def acts_at_once(network: ChipNetwork, connection: ChipConnection) -> bool:
    """Whether some synapse of the connection acts, or may come to act, within the step of the spike."""
    if network.connection_delay_steps > 0 or not connection.drives:
        return False
    at_once = np.zeros(connection.weight.shape) if connection.delays is None else connection.delays
    acts = (connection.weight != 0) | (connection.plasticity is not None)
    return bool(np.any((at_once == 0) & acts))


def _cycle(waits_for: dict[int, set[int]], done: set[int]) -> list[int]:
    """One cycle among the populations left, its first member again at the end."""
    path = [min(waits_for)]
    while True:
        source = min(waits_for[path[-1]] - done)
        if source in path:
            return [source, *reversed(path[path.index(source) :])]
        path.append(source)
