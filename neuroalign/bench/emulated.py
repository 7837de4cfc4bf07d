"""The emulator as the benchmarks run it: closed loop without probes, as ``Emulator.run`` does it, in stretches."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroalign.chip import ChipNetwork
from neuroalign.sim.emulator.checks import check_network
from neuroalign.sim.emulator.prepared import ENDLESS, Plastic, Prepared
from neuroalign.sim.emulator.samples import Stretches


class EmulatedRun:
    """A run of a network without inputs."""

    def __init__(self, network: ChipNetwork, implementation: Plastic = "kernels") -> None:
        check_network(network)
        self.network, self.done = network, 0
        prepared = Prepared(network, (), implementation=implementation)
        self.layout = prepared.layout
        self.run = prepared.start(prepared.draws(ENDLESS))
        self._none = np.zeros((0, self.layout.channels), dtype=self.layout.dtype)
        self._stretches = Stretches(self.layout, ENDLESS, ())

    def advance(self, steps: int) -> None:
        """Run ``steps`` steps."""
        end = self.done + steps
        self._stretches.reads = (end,)
        while self.done < end:
            start = time.perf_counter()
            stop = self._stretches.end(self.done)
            record = np.zeros((stop - self.done, self.layout.columns), dtype=self.layout.dtype)
            self.run.advance(self.done, self._none, record)
            self._stretches.took(stop - self.done, time.perf_counter() - start)
            self.done = stop

    def state(self, population: str, state: str) -> NDArray[Any]:
        """U or v of a population."""
        row = self.layout.populations[self._place(population)]
        values = {"u": self.run.u, "v": self.run.v}[state]
        return np.array(values[int(row["first"]) : int(row["first"]) + int(row["size"])])

    def spikes(self, population: str) -> int:
        """Spikes so far."""
        return int(self.run.counts[self._place(population), 2])

    def _place(self, population: str) -> int:
        return [p.name for p in self.layout.order].index(population)
