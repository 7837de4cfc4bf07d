"""A network, what enters it, and all of its states in the order in which a step computes them."""

from __future__ import annotations

from dataclasses import dataclass

from neuroalign.chip import ChipConnection, ChipNetwork
from neuroalign.recording import Probe, Stimulus

NEURON_STATES = ("a", "u", "v", "s")
PLASTIC_STATES = ("x1", "x2", "y1", "y2", "y3", "t", "d", "w")


@dataclass(frozen=True, eq=False)
class Case:
    """One comparison of :mod:`neuroalign.verify`.

    Parameters
    ----------
    seed, number
        What it was drawn from; -1 where it was not.
    """

    network: ChipNetwork
    stimulus: Stimulus
    seed: int = -1
    number: int = -1

    @property
    def steps(self) -> int:
        """Chip steps of each sample."""
        return self.stimulus.steps + self.network.latency_steps

    @property
    def plastic(self) -> list[ChipConnection]:
        """The connections that learn."""
        return [c for c in self.network.connections if c.plasticity is not None]

    @property
    def probes(self) -> tuple[Probe, ...]:
        """Every state; within a step an earlier one is computed before a later one."""
        of_neurons = [(p.name, state) for state in NEURON_STATES for p in self.network.populations]
        return (*of_neurons, *((c.name, state) for state in PLASTIC_STATES for c in self.plastic))

    @property
    def read_steps(self) -> tuple[int, ...]:
        """Every step."""
        return tuple(range(1, self.steps + 1))
