"""The order in which populations are updated within a step."""

from __future__ import annotations

from neuroalign.errors import NetworkError
from neuroalign.network import Network, Population


def update_order(network: Network) -> tuple[Population, ...]:
    """Populations in topological order of the connections without delay.

    Among populations that may come next the network's own order decides.

    Raises
    ------
    NetworkError
        If connections without delay form a cycle: a spike would act on itself within its step.
    """
    names = {p.name for p in network.populations}
    waits_for: dict[str, set[str]] = {name: set() for name in names}
    for c in network.connections:
        if c.delay_steps == 0 and c.source in names:
            waits_for[c.target].add(c.source)
    order: list[Population] = []
    waiting = list(network.populations)
    done: set[str] = set()
    while waiting:
        ready = next((p for p in waiting if waits_for[p.name] <= done), None)
        if ready is None:
            raise NetworkError(
                f"network {network.name!r}: the cycle {' -> '.join(_cycle(waits_for, done))} has no delay; "
                "give one of its connections delay_steps 1"
            )
        order.append(ready)
        done.add(ready.name)
        waiting.remove(ready)
    return tuple(order)


def _cycle(waits_for: dict[str, set[str]], done: set[str]) -> list[str]:
    """The names along one cycle, first and last the same, in the direction of the connections."""
    path = [min(name for name in waits_for if name not in done)]
    while True:
        source = min(waits_for[path[-1]] - done)
        if source in path:
            return [source, *reversed(path[path.index(source) :])]
        path.append(source)
