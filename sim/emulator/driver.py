"""The emulator as a backend: checks, samples, stretches of steps, and what is recorded."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from typing import Literal

import numpy as np

from neuroalign.chip import ChipNetwork, Fixed, Numbers
from neuroalign.errors import BackendMissing, InputError
from neuroalign.recording import Probe, Recording, Stimulus
from neuroalign.sim.emulator import reference
from neuroalign.sim.emulator.checks import check_network, check_probes, check_read_steps, check_stimulus
from neuroalign.sim.emulator.layout import Layout, lay_out, probe_columns
from neuroalign.sim.emulator.plastic_connection import PLASTIC_STATES, read_shape
from neuroalign.sim.emulator.streams import CHUNK

Implementation = Literal["kernels", "reference"]
Progress = Callable[[int, int], None]
STRETCH_BYTES = 8 << 20
"""Size of the input and record of one kernel call: large against a call's cost, small against memory and patience."""


class Emulator:
    """Runs a ChipNetwork on the CPU: under Fixed bit-equal to Lava's processes, under Float64 the ideal control."""

    name = "emulator"

    def missing(self) -> str | None:
        """None: the emulator needs nothing but what neuroalign itself needs; else what to install."""
        return None if find_spec("numba") else "the emulator needs numba: pip install numba"

    def run(
        self,
        network: ChipNetwork,
        stimulus: Stimulus,
        probes: Sequence[Probe],
        *,
        read_steps: Sequence[int] | None = None,
        implementation: Implementation = "kernels",
        progress: Progress | None = None,
    ) -> Recording:
        """Run ``stimulus.steps + network.latency_steps`` steps of each sample, input 0 after its end.

        Parameters
        ----------
        probes
            (population, state) is recorded in every step, (plastic connection, state) after each of ``read_steps``.
        read_steps
            Chip steps, from 1, at whose end plastic connections are read; None: the last one.
        implementation
            "kernels" (compiled) or "reference" (readable numpy); they agree, bit for bit under Fixed.
        progress
            Called now and then with (steps done, steps in all), samples counted together.

        Returns
        -------
        Recording
            "s" as bool (int8 of ternary neurons), "r" as int64; "u", "v", "a" as int64 (Fixed) or float64; states of plastic connections as int32 or float64.
            Counts, under Fixed: ``<population>.u_wrapped``, ``.v_saturated`` and, for populations that should not
            spike, ``.nonspiking_spikes``; ``<connection>.weight_limited``, ``.delay_limited`` and ``.tag_limited``
            where a Program changes them: updates of a synapse that ran out of a range.

        Raises
        ------
        NetworkError, InputError
            If the network, stimulus or probes cannot be used, or the recording does not fit the memory.
        BackendMissing
            If numba is not installed and the reference was not asked for.
        """
        check_network(network)
        check_stimulus(network, stimulus)
        check_probes(network, probes)
        probes = tuple(dict.fromkeys(probes))
        steps = stimulus.steps + network.latency_steps
        reads = check_read_steps(read_steps, steps) if any(state in PLASTIC_STATES for _, state in probes) else ()
        _check_memory(recording_bytes(network, stimulus.samples, steps, probes, len(reads)))
        states = {
            probe: np.zeros((stimulus.samples, *_shape(network, probe, steps, len(reads))), _dtype(network, probe))
            for probe in probes
        }
        report = _Steps(progress, stimulus.samples * steps)
        run = _run_kernels if implementation == "kernels" else _run_reference
        counts = run(network, stimulus, steps, states, reads, report)
        latency = {p.name: p.latency_steps for p in network.populations}
        return Recording(self.name, states, latency, counts, reads)


def recording_bytes(network: ChipNetwork, samples: int, steps: int, probes: Sequence[Probe], reads: int = 1) -> int:
    """Memory that the recording of a run takes, in bytes; plastic connections are read ``reads`` times."""
    sizes = (
        int(np.prod(_shape(network, probe, steps, reads))) * _dtype(network, probe).itemsize
        for probe in dict.fromkeys(probes)
    )
    return samples * sum(sizes)


def _shape(network: ChipNetwork, probe: Probe, steps: int, reads: int) -> tuple[int, ...]:
    """Shape of one sample of a state."""
    name, state = probe
    if state in PLASTIC_STATES:
        connection = next(c for c in network.connections if c.name == name)
        return reads, *read_shape(connection, state)
    return steps, network.population(name).size


def available_bytes() -> int | None:
    """Memory that can still be used without swapping, in bytes; None where the system does not say."""
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


def _check_memory(needed: int) -> None:
    available = available_bytes()
    if available is not None and needed > available:
        raise InputError(
            f"the recording needs {needed / 1e9:.2f} GB, but {available / 1e9:.2f} GB of memory are available; "
            "record fewer populations or states, or run fewer samples"
        )


def _dtype(network: ChipNetwork, probe: Probe) -> np.dtype[np.generic]:
    name, state = probe
    if state == "s":
        return np.dtype(np.bool_ if network.population(name).threshold_low is None else np.int8)
    if state == "r":
        return np.dtype(np.int64)
    if state in PLASTIC_STATES and network.is_fixed:
        return np.dtype(np.int32)
    return np.dtype(np.int64 if network.is_fixed else np.float64)


class _Steps:
    """Counts steps over all samples for the progress callback."""

    def __init__(self, callback: Progress | None, total: int) -> None:
        self.callback, self.total, self.done = callback, total, 0

    def add(self, steps: int) -> None:
        self.done += steps
        if self.callback is not None:
            self.callback(self.done, self.total)


def _run_reference(
    network: ChipNetwork,
    stimulus: Stimulus,
    steps: int,
    states: Mapping[Probe, Numbers],
    reads: Sequence[int],
    report: _Steps,
) -> dict[str, int]:
    dtype = np.int64 if network.is_fixed else np.float64
    counts: dict[str, int] = {}
    for sample in range(stimulus.samples):
        inputs = {port.name: stimulus.inputs[port.name][sample].astype(dtype) for port in network.inputs}
        record = {probe: array[sample] for probe, array in states.items()}
        counted = reference.run_sample(network, inputs, steps, record, reads, lambda _: report.add(1))
        for name, count in counted.items():
            counts[name] = counts.get(name, 0) + count
    return counts


def _run_kernels(
    network: ChipNetwork,
    stimulus: Stimulus,
    steps: int,
    states: Mapping[Probe, Numbers],
    reads: Sequence[int],
    report: _Steps,
) -> dict[str, int]:
    try:
        from neuroalign.sim.emulator.kernels import KernelRun
        from neuroalign.sim.emulator.learning_kernels import ChunkedDraws, LearningRun
    except ImportError as error:
        raise BackendMissing(f"the emulator's kernels need numba ({error}): pip install numba") from error
    neural = {probe: array for probe, array in states.items() if probe[1] not in PLASTIC_STATES}
    plastic = {probe: array for probe, array in states.items() if probe[1] in PLASTIC_STATES}
    layout = lay_out(network, tuple(neural))
    columns = probe_columns(network, tuple(neural))
    draws = ChunkedDraws(network, steps) if layout.plastic.names else None
    at = {step: k for k, step in enumerate(reads)}
    counts: Counter[str] = Counter()
    for sample in range(stimulus.samples):
        run = KernelRun(layout) if draws is None else LearningRun(network, layout, draws)
        for start, stop in _stretches(layout, steps, reads):
            record = np.zeros((stop - start, layout.columns), dtype=layout.dtype)
            run.advance(start, _given(network, stimulus, sample, start, stop, layout), record)
            for probe, array in neural.items():
                array[sample, start:stop] = record[:, columns[probe] : columns[probe] + array.shape[2]]
            if stop in at and isinstance(run, LearningRun):
                for (name, state), array in plastic.items():
                    array[sample, at[stop]] = run.read(name, state)
            report.add(stop - start)
        counts.update(_named_counts(layout, run.counts))
        if isinstance(run, LearningRun):
            counts.update(run.limited())
    return dict(counts)


def _stretches(layout: Layout, steps: int, reads: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Divide the steps so that input and record of each part stay small, and a part ends at each step to be read.

    Parts of networks that learn lie within one chunk of random draws.
    """
    length = max(16, STRETCH_BYTES // (layout.dtype.itemsize * (layout.columns + layout.channels + layout.noisy + 1)))
    chunk = CHUNK if layout.plastic.names else max(steps, 1)
    start = 0
    while start < steps:
        following = bisect_right(reads, start)
        read = reads[following] if following < len(reads) else steps
        stop = min(start + length, start - start % chunk + chunk, read, steps)
        yield start, stop
        start = stop


def _given(network: ChipNetwork, stimulus: Stimulus, sample: int, start: int, stop: int, layout: Layout) -> Numbers:
    """The inputs of some steps side by side; fewer rows where the stimulus has ended."""
    parts = [stimulus.inputs[port.name][sample, start:stop].astype(layout.dtype) for port in network.inputs]
    return np.concatenate(parts, axis=1) if parts else np.zeros((0, 0), dtype=layout.dtype)


def _named_counts(layout: Layout, totals: Numbers) -> dict[str, int]:
    counts: dict[str, int] = {}
    for p, row in zip(layout.order, totals, strict=True):
        if isinstance(p.u_format, Fixed) and isinstance(p.v_format, Fixed):
            counts[f"{p.name}.{reference.excess_counter('u', p.u_format)}"] = int(row[0])
            counts[f"{p.name}.{reference.excess_counter('v', p.v_format)}"] = int(row[1])
            if not p.spiking:
                counts[f"{p.name}.nonspiking_spikes"] = int(row[2])
    return counts
