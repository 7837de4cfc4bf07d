"""What a run takes of the memory, stated before it starts."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np

from neuroalign.chip import ChipConnection, ChipNetwork, Fixed, Plasticity
from neuroalign.errors import InputError
from neuroalign.microcode import SYNAPTIC
from neuroalign.recording import Probe
from neuroalign.sim.emulator.plastic_connection import PLASTIC_STATES, read_shape
from neuroalign.sim.emulator.streams import CHUNK

NEURON_BYTES = {True: 80, False: 96}
"""Of a neuron's parameters and states, under Fixed and in Float64."""


@dataclass(frozen=True)
class MemoryNeed:
    """Bytes by what they are for."""

    parts: Mapping[str, int]

    def __post_init__(self) -> None:
        object.__setattr__(self, "parts", MappingProxyType(dict(self.parts)))

    @property
    def total(self) -> int:
        """Of all parts, in bytes."""
        return sum(self.parts.values())

    @property
    def largest(self) -> str:
        """The part that takes most."""
        return max(self.parts, key=lambda part: self.parts[part])


def memory_needed(
    network: ChipNetwork, samples: int, steps: int, probes: Sequence[Probe], *, reads: int = 1, at_once: int = 1
) -> MemoryNeed:
    """Memory of a run beside the network and stimulus themselves.

    Parameters
    ----------
    samples
        Entries of axis 0 of the recording: samples times members of a batch.
    reads
        How often plastic connections are read.
    at_once
        Entries that run at the same time: threads.
    """
    parts = {"the recording": recording_bytes(network, samples, steps, probes, reads)}
    for c in network.connections:
        parts[f"the synapses of {c.name!r}"] = at_once * synapse_bytes(network, c)
    neurons = sum(p.size for p in network.populations)
    parts["neurons and what is under way"] = at_once * (
        neurons * NEURON_BYTES[network.is_fixed]
        + sum(_ring_bytes(network, p.name, p.size) for p in network.populations)
        + sum(p.window_steps * p.size for p in network.populations) * _item_bytes(network)
    )
    learning = sum(c.plasticity is not None for c in network.connections)
    parts["random numbers"] = at_once * learning * min(CHUNK, steps) * (4 * 2 * 8 + 8 + 1)
    return MemoryNeed(parts)


def recording_bytes(network: ChipNetwork, samples: int, steps: int, probes: Sequence[Probe], reads: int = 1) -> int:
    """Memory that the recording of a run takes, in bytes; plastic connections are read ``reads`` times."""
    sizes = (
        int(np.prod(recorded_shape(network, probe, steps, reads))) * recorded_dtype(network, probe).itemsize
        for probe in dict.fromkeys(probes)
    )
    return samples * sum(sizes)


def recorded_shape(network: ChipNetwork, probe: Probe, steps: int, reads: int) -> tuple[int, ...]:
    """Shape of one sample of a state."""
    name, state = probe
    if state in PLASTIC_STATES:
        connection = next(c for c in network.connections if c.name == name)
        return reads, *read_shape(connection, state)
    return steps, network.population(name).size


def recorded_dtype(network: ChipNetwork, probe: Probe) -> np.dtype[np.generic]:
    """Type in which a state is recorded."""
    name, state = probe
    if state == "s":
        return np.dtype(np.bool_ if network.population(name).threshold_low is None else np.int8)
    if state == "r":
        return np.dtype(np.int64)
    if state in PLASTIC_STATES and network.is_fixed:
        return np.dtype(np.int32)
    return np.dtype(np.int64 if network.is_fixed else np.float64)


def synapse_bytes(network: ChipNetwork, c: ChipConnection) -> int:
    """Memory of a connection's weights, and of its delays, tags, traces and places where it has them.

    Static synapses lie there twice for the moment in which they are laid out.
    """
    targets, sources = c.shape
    synapses = int(np.prod(c.weight.shape))
    delays = synapses * (1 if c.max_delay <= np.iinfo(np.uint8).max else 4) if c.delays is not None else 0
    if c.plasticity is None:
        places = 4 * synapses if c.pattern is not None else 0
        return 2 * (synapses * _static_bytes(network) + delays + places)
    held = _held(c.plasticity)
    item = 2 if network.is_fixed else 8
    padding = 64 * sources * held if c.pattern is None else 0
    epochs = c.plasticity.program.t_epoch + 1
    traces = epochs * (2 * sources + 3 * targets) * _item_bytes(network)
    lists = 12 * synapses if c.pattern is not None else 0
    return held * synapses * item + padding + traces + delays + lists


def _static_bytes(network: ChipNetwork) -> int:
    """Of a static weight: two where these hold all weights of the network."""
    static = [c.weight_format for c in network.connections if c.plasticity is None]
    widest = max((f.bits for f in static if isinstance(f, Fixed)), default=0)
    return (2 if widest < 16 else 4) if network.is_fixed else 8


def _item_bytes(network: ChipNetwork) -> int:
    """Of a state."""
    return 4 if network.is_fixed else 8


def _held(plasticity: Plasticity) -> int:
    """How many of w, d and t the synapses hold."""
    program = plasticity.program
    changing = (True, bool(program.dd), bool(program.tag_update))
    return sum(changes or name in program.variables for name, changes in zip(SYNAPTIC, changing, strict=True))


def _ring_bytes(network: ChipNetwork, name: str, size: int) -> int:
    longest = max((c.max_delay for c in network.connections if c.target == name), default=0)
    return (network.connection_delay_steps + longest + 1) * size * _item_bytes(network)


def available_bytes() -> int | None:
    """Memory that can still be used without swapping, in bytes; None where the system does not say.

    Containers and batch systems give a process less than the machine has.
    """
    known = [free for free in (_free_in_machine(), _free_in_group()) if free is not None]
    return min(known, default=None)


def _free_in_group(root: Path = Path("/sys/fs/cgroup"), own: Path = Path("/proc/self/cgroup")) -> int | None:
    """What the limits of the process's control groups (Linux, version 2 or 1) leave; None without a limit."""
    try:
        lines = [line.split(":", 2) for line in own.read_text(encoding="ascii").splitlines()]
        below = {kind: path.lstrip("/") for _, kind, path in lines}
    except (OSError, ValueError):
        return None
    found = []
    for folder, path, names in (
        (root, below.get(""), ("memory.max", "memory.current", "inactive_file")),
        (
            root / "memory",
            below.get("memory"),
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        ),
    ):
        if path is not None:
            within = folder / path
            # in a container the path may be that of the machine, and the limit lies at the root
            groups = {folder, within, *(g for g in within.parents if g.is_relative_to(folder))}
            found += [free for group in groups for free in [_left_in(group, *names)] if free is not None]
    return min(found, default=None)


def _left_in(group: Path, limit: str, used: str, reclaimable: str) -> int | None:
    """The limit of a group less what it uses; pages of files that it can give back count as free."""
    try:
        left = int((group / limit).read_text(encoding="ascii")) - int((group / used).read_text(encoding="ascii"))
        kept = dict(line.split() for line in (group / "memory.stat").read_text(encoding="ascii").splitlines())
        return max(0, left + int(kept.get(reclaimable, 0)))
    except (OSError, ValueError):  # no such group, or no limit ("max")
        return None


def _free_in_machine() -> int | None:
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            for line in file:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None


def check_memory(need: MemoryNeed, available: int | None, at_once: int = 1) -> None:
    """Refuse a run that would not fit (InputError), naming what takes most."""
    if available is None or need.total <= available:
        return
    largest = need.largest
    if largest == "the recording":
        remedy = "record fewer populations or states, or run fewer samples"
    elif at_once > 1:
        remedy = f"use fewer than {at_once} threads"
    else:
        remedy = "use a machine with more memory, or a smaller network"
    raise InputError(
        f"the run needs {need.total / 1e9:.2f} GB, most of it {need.parts[largest] / 1e9:.2f} GB for {largest}, but "
        f"{available / 1e9:.2f} GB of memory are available; {remedy}"
    )
