"""A network of Lava processes, as it lies in memory, as a ChipNetwork; Lava is not imported.

What a connection process is between is found from its ports: ``s_in`` has one sender, ``a_out`` leads to neurons. What
has no place in a ChipNetwork is refused by the process's name, with the reason and what to do; nothing is left out that
would change a spike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroalign.chip import ChipConnection, ChipInput, ChipNetwork, ChipPopulation
from neuroalign.errors import ConversionRefused, InputError
from neuroalign.recording import Stimulus
from neuroalign.sim.lava_processes.holdable import check_network
from neuroalign.sim.lava_processes.process_graph import Order, Wire, connected, is_process, kind, title, wires
from neuroalign.sim.lava_processes.taken_neurons import NEURONS, SOURCE, take_neurons, take_source
from neuroalign.sim.lava_processes.taken_rules import takes_third_factors
from neuroalign.sim.lava_processes.taken_synapses import (
    CONV,
    SYNAPSES,
    Ends,
    convolution_of,
    learns,
    take_convolution,
    take_synapses,
)

KNOWN = NEURONS | SYNAPSES | {SOURCE}
POST_PORTS = {"s_in_y1": "y1", "s_in_y2": "y2", "s_in_y3": "y3"}


@dataclass(frozen=True, eq=False)
class TakenNetwork:
    """A ChipNetwork and where its parts come from.

    Parameters
    ----------
    network
        Populations, connections and inputs are named as their processes are; those without a name of their own are
        numbered by kind in the order of construction: ``lif1``, ``dense1``.
    processes
        The Lava process of each name.
    orders
        Input or population to the numbering of its neurons: neuron k is entry ``orders[name][k]`` of Lava's array,
        flattened. A plastic connection has ``orders[name, "rows"]`` and ``orders[name, "columns"]``.
    data
        Input to what its RingBuffer holds, (steps, channels).
    notes
        What Lava holds differently than written, and what was left out because it changes nothing.
    """

    network: ChipNetwork
    processes: Mapping[str, Any]
    orders: Mapping[Any, Order]
    data: Mapping[str, NDArray[np.int64]]
    notes: tuple[str, ...]

    def stimulus(self, steps: int) -> Stimulus:
        """What the RingBuffers send in ``steps`` steps; each starts over at its end, as in Lava."""
        if not self.data:
            return Stimulus({"nothing": np.zeros((1, steps, 0), dtype=np.int64)}, description="no input")
        rows = np.arange(steps)
        return Stimulus(
            {name: data[rows % len(data)][None] for name, data in self.data.items()}, description="Lava's RingBuffers"
        )

    def name_of(self, process: Any) -> str:
        """What the ChipNetwork calls a Lava process (InputError if it is not in it)."""
        for name, held in self.processes.items():
            if held is process:
                return name
        raise InputError(f"{title(process)} is no part of this network; it has {', '.join(self.processes)}")


def take_network(process: Any, *, name: str = "lava", dt: float = 1e-3) -> TakenNetwork:
    """The network that ``process`` is part of, as Lava's fixed-point models (``select_tag="fixed_pt"``) run it.

    Raises
    ------
    InputError
        If the object is no Lava process, or dt no time.
    ConversionRefused, RuleError
        If some part computes what a ChipNetwork cannot; the message names the process.
    """
    if not is_process(process):
        raise InputError(f"{type(process).__name__} is no Lava process; give any process of the connected network")
    if not 0 < dt < float("inf"):
        raise InputError(f"dt is {dt}; a positive number of seconds is needed")
    processes = connected(process)
    _require_known(processes)
    taken = _Taking(processes).network(name, dt)
    if not getattr(process, "is_compiled", False):
        return taken
    note = "it was run already: taken is what it was built with, not the states it has reached or values that were set since"
    return replace(taken, notes=(*taken.notes, note))


def _require_known(processes: list[Any]) -> None:
    if not processes:
        raise ConversionRefused("this process only reads others; give a neuron or connection process of the network")
    for process in processes:
        if kind(process) in KNOWN:
            continue
        parts = ", ".join(sorted(k.rpartition(".")[2] for k in KNOWN))
        known = [c.__name__ for c in type(process).__mro__[1:] if f"{c.__module__}.{c.__qualname__}" in KNOWN]
        reason = (
            f"derived from {known[0]}, may compute anything" if known else "is not Lava's or has no counterpart here"
        )
        raise ConversionRefused(
            f"{title(process)} ({kind(process)}) {reason}; the emulator takes these of Lava's own classes: {parts}"
        )
    if not any(kind(p) in NEURONS for p in processes):
        raise ConversionRefused(f"{title(processes[0])} is connected to no neurons; connect it first")


class _Taking:
    """The parts on their way into a ChipNetwork."""

    def __init__(self, processes: list[Any]) -> None:
        self.processes, self.notes = processes, list[str]()
        self.names = _names(processes)
        self.wires = wires(processes)
        self.synapses = [p for p in processes if kind(p) in SYNAPSES]
        self.nodes = [p for p in processes if kind(p) not in SYNAPSES]
        self._require_ports()
        self.images = self._images()
        self.orders: dict[Any, Order] = {self.names[p.id]: self._order(p) for p in self.nodes}

    def network(self, name: str, dt: float) -> TakenNetwork:
        inputs, populations, data = list[ChipInput](), list[ChipPopulation](), dict[str, NDArray[np.int64]]()
        for process in self.nodes:
            called = self.names[process.id]
            if kind(process) == SOURCE:
                port, data[called] = take_source(process, called, self.orders[called], self.notes)
                inputs.append(port)
            else:
                populations.append(take_neurons(process, called, self.orders[called], self.notes))
        connections = [c for process in self.synapses for c in self._connections(process)]
        driving = {c.source for c in connections}
        ends = [p.name for p in populations if p.name not in driving] or [p.name for p in populations]
        network = ChipNetwork(
            name=name,
            dt=dt,
            profile_id="lava",
            inputs=tuple(inputs),
            populations=tuple(populations),
            connections=tuple(connections),
            outputs=tuple((end, end) for end in ends),
        )
        check_network(network)
        processes = {self.names[p.id]: p for p in self.processes}
        return TakenNetwork(network, processes, self.orders, data, tuple(self.notes))

    def _require_ports(self) -> None:
        """Every wire is of a kind that a ChipNetwork has."""
        nodes, synapses = {p.id for p in self.nodes}, {p.id for p in self.synapses}
        for wire in self.wires:
            between = f"{title(wire.sender)} sends {wire.sends} to {wire.receives} of {title(wire.receiver)}"
            if wire.sender.id in nodes and wire.receiver.id in nodes:
                raise ConversionRefused(
                    f"{between} without a connection process, so it arrives in the same step; a synapse takes one step, so put "
                    "a Dense between them (weights np.eye) if one step more is all right"
                )
            if wire.sender.id in synapses and wire.receiver.id in synapses:
                raise ConversionRefused(
                    f"{between}; a connection leads from neurons to neurons, so put a LIF between them"
                )
            if wire.sender.id in nodes and wire.sends != "s_out":
                raise ConversionRefused(f"{between}; Lava's own models never send on {wire.sends}, so connect s_out")

    def _into(self, process: Any, port: str) -> list[Wire]:
        return [w for w in self.wires if w.receiver is process and w.receives == port]

    def _one_into(self, process: Any, port: str) -> Wire | None:
        found = self._into(process, port)
        if len(found) > 1:
            raise ConversionRefused(
                f"{title(process)}: {port} has {len(found)} senders, whose spikes Lava adds up first; give each its own connection"
            )
        return found[0] if found else None

    def _order(self, process: Any) -> Order:
        """Numbering of a node's neurons: (channel, row, column) where it is an image of a convolution, else Lava's."""
        return self.images.get(process.id, np.arange(int(np.prod(process.s_out.shape, dtype=np.int64))))

    def _images(self) -> dict[int, Order]:
        found: dict[int, Order] = {}
        for process in self.synapses:
            if kind(process) != CONV:
                continue
            for wire in self.wires:
                if wire.receiver is process and wire.receives == "s_in":
                    node, place = wire.sender, wire.order.reshape(process.s_in.shape)
                elif wire.sender is process:
                    place = np.argsort(wire.order).reshape(process.a_out.shape)
                    node = wire.receiver
                else:
                    continue
                order = place.transpose(2, 1, 0).ravel()
                if not np.array_equal(found.setdefault(node.id, order), order):
                    raise ConversionRefused(
                        f"{title(node)} is an image of {title(process)} in one numbering and of another Conv in another; give "
                        "them the same shape"
                    )
        return found

    def _connections(self, process: Any) -> list[ChipConnection]:
        sender = self._one_into(process, "s_in")
        if sender is None:
            self.notes.append(f"{title(process)} is left out: nothing is connected to its s_in")
            return []
        targets = [w for w in self.wires if w.sender is process]
        if learns(process):
            return [self._plastic(process, sender, targets)]
        if not targets:
            self.notes.append(
                f"{title(process)} is left out: it drives no neurons (what only reads it gets nothing here)"
            )
        name = self.names[process.id]
        found = []
        for k, wire in enumerate(targets):
            ends = self._ends(name if len(targets) == 1 else f"{name}[{k}]", sender, wire.receiver, wire.order)
            if kind(process) == CONV:
                found.append(take_convolution(process, ends, convolution_of(process), self.notes))
            else:
                found.append(take_synapses(process, ends, self.notes if k == 0 else []))
        return found

    def _ends(self, name: str, sender: Wire, target: Any, arrives: Order, drives: bool = True) -> Ends:
        """``arrives[j]``: the row of the process that the target's entry j gets."""
        source, sink = self.names[sender.sender.id], self.names[target.id]
        columns = np.argsort(sender.order)[self.orders[source]]
        return Ends(name, source, sink, columns, arrives[self.orders[sink]], drives)

    def _plastic(self, process: Any, sender: Wire, targets: list[Wire]) -> ChipConnection:
        if len(targets) > 1:
            raise ConversionRefused(
                f"{title(process)} learns and drives {len(targets)} processes; one is possible, so give each its own"
            )
        post = self._one_into(process, "s_in_bap")
        rule = process.proc_params["learning_rule"]
        if post is None and not targets:
            raise ConversionRefused(
                f"{title(process)} drives nothing and its s_in_bap is open, so it has no target; connect s_in_bap"
            )
        if post is not None and kind(post.sender) == SOURCE:
            raise ConversionRefused(
                f"{title(process)}: s_in_bap takes spikes from {title(post.sender)}; a connection learns from the neurons it leads "
                "to, so put a Dense and a LIF behind that source, and the same before s_in to keep the times"
            )
        target = targets[0].receiver if targets else post.sender if post is not None else None
        arrives = targets[0].order if targets else np.argsort(post.order) if post is not None else sender.order
        ends = self._ends(self.names[process.id], sender, target, arrives, bool(targets))
        self.orders |= {(ends.name, "rows"): ends.rows, (ends.name, "columns"): ends.columns}
        if post is not None:
            self._require_same_rows(process, post, ends)
        ends = replace(ends, modulators=self._modulators(process, ends))
        connection = take_synapses(process, ends, self.notes)
        if post is None:
            self._require_no_post(process, connection, takes_third_factors(rule))
        return connection

    def _require_no_post(self, process: Any, connection: ChipConnection, third: bool) -> None:
        program = connection.plasticity.program if connection.plasticity else None
        if program is None:
            return
        used = program.variables & ({"y0"} if third else {"y0", "y1", "y2", "y3"})
        if used or any(p.dependency == "y0" for p in program.products):
            raise ConversionRefused(
                f"{title(process)}: s_in_bap is open, so that in Lava the rule never sees a spike of its target; connect "
                f"{self.names[self._target(process).id]}.s_out to it"
            )

    def _target(self, process: Any) -> Any:
        return next(w.receiver for w in self.wires if w.sender is process)

    def _require_same_rows(self, process: Any, post: Wire, ends: Ends) -> None:
        """The neurons that s_in_bap shows are those that the rows lead to."""
        shown = self.names[post.sender.id]
        if shown != ends.target:
            raise ConversionRefused(
                f"{title(process)} drives {ends.target}, but s_in_bap takes the spikes of {shown}; both have to be the same neurons"
            )
        if not np.array_equal(post.order[ends.rows], self.orders[ends.target]):
            raise ConversionRefused(
                f"{title(process)}: s_in_bap numbers the neurons differently than a_out; use the same order"
            )

    def _modulators(self, process: Any, ends: Ends) -> tuple[tuple[str, str], ...]:
        found = []
        for port, trace in POST_PORTS.items():
            wire = self._one_into(process, port)
            if wire is None:
                continue
            name = self.names[wire.sender.id]
            if not np.array_equal(wire.order[ends.rows], self.orders[name]):
                raise ConversionRefused(
                    f"{title(process)}: {port} numbers its values differently than the target its neurons; use the same order"
                )
            found.append((trace, name))
        return tuple(found)


def _names(processes: list[Any]) -> dict[int, str]:
    """A name for each process: its own, or its kind and number."""
    own = {p.id: p.name for p in processes if p.name != f"Process_{p.id}"}
    repeated = {name for name in own.values() if list(own.values()).count(name) > 1}
    names, counts = {}, dict[str, int]()
    for process in processes:
        if process.id in own and own[process.id] not in repeated:
            names[process.id] = own[process.id]
            continue
        stem = own.get(process.id, "input" if kind(process) == SOURCE else type(process).__name__.lower())
        while True:
            counts[stem] = counts.get(stem, 0) + 1
            names[process.id] = f"{stem}{counts[stem]}"
            if names[process.id] not in own.values():
                break
    return names
