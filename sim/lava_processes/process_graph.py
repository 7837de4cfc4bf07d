"""The Lava processes that hang together, and who sends to whom in which order; read from the objects, Lava not imported."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroalign.errors import ConversionRefused

Order = NDArray[np.int64]

WATCHERS = frozenset({"lava.proc.monitor.process.Monitor", "lava.proc.io.sink.RingBuffer", "lava.proc.io.sink.Read"})
"""Processes that read others and send nothing back; a network runs the same without them."""


@dataclass(frozen=True, eq=False)
class Wire:
    """A port that sends to another; entry j of what arrives, flattened, is entry ``order[j]`` of what was sent."""

    sender: Any
    sends: str
    receiver: Any
    receives: str
    order: Order


def kind(process: Any) -> str:
    """Full name of a process's class."""
    return f"{type(process).__module__}.{type(process).__qualname__}"


def title(process: Any) -> str:
    """How messages call a process: its class and its name in Lava; its shape where the name was not given by the user."""
    called = f"{type(process).__name__} {process.name!r}"
    if process.name != f"Process_{process.id}":
        return called
    sized = next((p for p in (*process.out_ports.members, *process.in_ports.members)), None)
    weights = getattr(getattr(process, "weights", None), "shape", None)
    shape = weights or (sized.shape if sized is not None else None)
    return called if shape is None else f"{called} of shape {tuple(int(n) for n in shape)}"


def is_process(candidate: Any) -> bool:
    """Whether an object is a Lava process, as far as is needed here."""
    return all(hasattr(candidate, name) for name in ("in_ports", "out_ports", "vars", "proc_params", "id"))


def connected(process: Any) -> list[Any]:
    """Every process that a wire leads to from ``process``, in either direction, in the order of construction.

    Processes that only read (:data:`WATCHERS`) are left out.
    """
    found, waiting = {}, [process]
    while waiting:
        here = waiting.pop()
        if here.id in found or kind(here) in WATCHERS:
            continue
        found[here.id] = here
        for port in (*here.in_ports.members, *here.out_ports.members):
            waiting += [end.process for end in (*port.get_src_ports(), *port.get_dst_ports())]
    return [found[k] for k in sorted(found)]


def wires(processes: list[Any]) -> list[Wire]:
    """All wires between ``processes``.

    Raises
    ------
    ConversionRefused
        If ports are concatenated, which Lava 0.10 cannot run either.
    """
    inside = {p.id for p in processes}
    found = [wire for process in processes for port in process.out_ports.members for wire in _from_port(port)]
    return [wire for wire in found if wire.receiver.id in inside]


def _from_port(port: Any) -> Iterator[Wire]:
    start = np.arange(int(np.prod(port.shape, dtype=np.int64))).reshape(port.shape)
    waiting = [(following, start) for following in port.out_connections]
    while waiting:
        here, order = waiting.pop(0)
        if not hasattr(here, "get_transform_func_fwd"):  # a port of a process, not one of Lava's virtual ports
            yield Wire(port.process, port.name, here.process, here.name, order.ravel())
            continue
        if type(here).__name__ == "ConcatPort":
            raise ConversionRefused(
                f"{title(port.process)}: {port.name} is concatenated with other ports, which Lava 0.10 does not run; "
                "connect each by itself"
            )
        changed = here.get_transform_func_fwd()(order)
        waiting += [(following, changed) for following in here.out_connections]
