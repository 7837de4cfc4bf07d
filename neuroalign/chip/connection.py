"""Synapses as a chip holds them, and how they learn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from neuroalign.chip.formats import NumberFormat, Numbers
from neuroalign.microcode import Program
from neuroalign.pattern import Convolution, SparsePattern

SignMode = Literal["mixed", "excitatory", "inhibitory"]
GradedMode = Literal["impulse", "overwrite", "add-saturate", "add-carry"]


@dataclass(frozen=True, eq=False)
class Plasticity:
    """What makes a connection learn.

    Parameters
    ----------
    program
        The microcode; its traces see the source's spikes as they enter the connection, and the target's spikes of the
        same chip step.
    tag : like the weight
        Initial tags; learned delays (``d``) start from 0.
    weight_unit : float
        What one unit of the held weight means in the model's unit.
    phases : pairs of chip steps
        Weight, delay and tag change in steps start <= t < stop only; empty: in all. Traces and random streams run on.
    rounding_seed : int
        Seed of the draws that round the synaptic variables; Lava gives every connection 2.
    rounding_draws : "shared" or "synapse"
        One draw an epoch for all synapses and all three variables, as Lava has it; or one for each.
    graded : GradedMode
        What the payload of a graded source spike does to the trace x1, which then has no impulse.
    modulators : pairs of a trace y1, y2 or y3 and the input or population that sets it
        Third factors: in every step such a trace *is* what its sender sends in that step (one value a target neuron, or
        one for all); post traces without a sender are 0. Empty: post traces follow the target's spikes.
    """

    program: Program
    tag: Numbers
    weight_unit: float
    phases: tuple[tuple[int, int], ...] = ()
    rounding_seed: int = 2
    rounding_draws: Literal["shared", "synapse"] = "shared"
    graded: GradedMode = "impulse"
    modulators: tuple[tuple[str, str], ...] = ()

    def learns_at(self, step: int) -> bool:
        """Whether synapses may change in chip step ``step`` (from 1)."""
        return not self.phases or any(start <= step < stop for start, stop in self.phases)


@dataclass(frozen=True, eq=False)
class ChipConnection:
    """Synapses as the chip holds them.

    Parameters
    ----------
    weight : (N_target, N_source), or (synapses,) or a kernel as ``pattern`` says
        Fixed: the integers as held (8-bit mixed weights are even, -256..254). Float64: the weights.
    weight_exp : int
        The accumulated sum is shifted left by it (right, rounding down, where it is negative).
    delays : like weight, or None
        Extra steps per synapse beyond ``ChipNetwork.connection_delay_steps``; None stands for 0 everywhere.
    message_bits : int
        0: a source's spike counts 1; otherwise its integer payload multiplies the weight.
    plasticity : Plasticity or None
        How the weights learn. Plastic weights use every unit (mixed: -256..255) once they have changed.
    drives : bool
        Whether the sums reach the target; an estimating connection only learns.
    pattern : SparsePattern, Convolution or None
        None: every source reaches every target.
    """

    name: str
    source: str
    target: str
    weight: Numbers
    weight_format: NumberFormat
    weight_exp: int
    sign_mode: SignMode
    delays: Numbers | None = None
    message_bits: int = 0
    plasticity: Plasticity | None = None
    drives: bool = True
    pattern: SparsePattern | Convolution | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """(N_target, N_source), whatever the pattern."""
        if self.pattern is not None:
            return self.pattern.shape
        targets, sources = self.weight.shape
        return int(targets), int(sources)

    @property
    def max_delay(self) -> int:
        """The largest extra delay, in steps."""
        return 0 if self.delays is None or self.delays.size == 0 else int(self.delays.max())
