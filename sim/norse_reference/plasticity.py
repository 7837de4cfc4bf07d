"""A plastic connection on Norse's neurons: what a LearningRule does, step by step, in float64.

At the end of step t, with ``s_pre``, ``s_post`` the spikes of source and target in this step::

    sent[t] = W s_pre                                     the weights before learning; arrives delay_steps later
    z      := exp(-dt / tau) z + impulse s                each trace z, with the spikes s of its own neuron
    w      := w   + sum of the weight terms               both sums from the values before,
    tag    := tag + sum of the tag terms                  in the steps of a learning phase only

A term is ``coefficient gate factor factor ...``; a gate is ``s_pre`` or ``s_post``, or dt in every step. A third factor
is what its sender gave in this step.

Symbols are those of :mod:`neuroalign.rule`. Shapes: weights and tags (samples, N_target, N_source), traces of pre
(samples, 1, N_source) and of post (samples, N_target, 1), so that a product of factors broadcasts to the weights.
Every sample learns by itself from the same initial weights; tags start from 0.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuroalign.network import Connection
from neuroalign.quantise.rule_scales import trace_slots
from neuroalign.rule import TAG, WEIGHT, Gate, LearningRule, RuleTrace, Side, Term

if TYPE_CHECKING:
    from torch import Tensor


class PlasticConnection:
    """Weights, tags and traces of one plastic connection, and what is under way in it."""

    def __init__(self, connection: Connection, rule: LearningRule, dt: float, samples: int) -> None:
        import torch

        targets, sources = connection.weight.shape
        self.connection, self.rule, self.dt = connection, rule, dt
        self.weight = torch.from_numpy(connection.weight.copy()).expand(samples, -1, -1)
        self.tag = torch.zeros(samples, targets, sources, dtype=torch.float64)
        shapes = {"pre": (samples, 1, sources), "post": (samples, targets, 1)}
        self.traces = {name: torch.zeros(shapes[t.of], dtype=torch.float64) for name, t in rule.traces.items()}
        nothing = torch.zeros(samples, targets, dtype=torch.float64)
        self.under_way = deque([nothing] * connection.delay_steps, maxlen=connection.delay_steps)

    def arriving(self) -> Tensor:
        """What reaches the target in this step, (samples, N_target)."""
        return self.under_way[0]

    def end_step(
        self, step: int, given: Tensor, source_spikes: Tensor, target_spikes: Tensor, third: Tensor | None = None
    ) -> None:
        """Send what the source gave in ``step`` (from 1), then let traces, weights and tags take in the spikes.

        ``third`` (samples, N_target or 1) is the third factor of this step, where the rule has one.
        """
        import torch

        if self.connection.drives:
            self.under_way.append(torch.einsum("bij,bj->bi", self.weight, given))
        spikes: dict[Side, Tensor] = {"pre": source_spikes[:, None, :], "post": target_spikes[:, :, None]}
        step_gate = torch.full((1, 1, 1), self.dt, dtype=torch.float64)
        gates: dict[Gate, Tensor] = {"pre": spikes["pre"], "post": spikes["post"], "step": step_gate}
        seen = {} if third is None or self.rule.modulator is None else {self.rule.modulator.name: third[:, :, None]}
        for name, trace in self.rule.traces.items():
            self.traces[name] = self._after(self.traces[name], trace, spikes[trace.of])
        if learns_at(self.connection, step):
            # both from the old values, assigned together
            self.weight, self.tag = (
                self._changed(self.weight, self.rule.weight, gates, seen),
                self._changed(self.tag, self.rule.tag, gates, seen),
            )

    def read(self, state: str) -> NDArray[Any]:
        """A probed state: "w", "t", or a trace by its slot; without the axis that only broadcasts."""
        if state in ("w", "t"):
            return np.asarray((self.weight if state == "w" else self.tag).numpy())
        name = {slot: name for name, slot in trace_slots(self.rule).items()}[state]
        return np.asarray(self.traces[name].flatten(start_dim=1).numpy())

    def _after(self, value: Tensor, trace: RuleTrace, spikes: Tensor) -> Tensor:
        return math.exp(-self.dt / trace.tau) * value + trace.impulse * spikes

    def _changed(
        self, value: Tensor, terms: Sequence[Term], gates: Mapping[Gate, Tensor], third: Mapping[str, Tensor]
    ) -> Tensor:
        seen = {**self.traces, **third, WEIGHT: self.weight, TAG: self.tag}
        for term in terms:
            change = term.coefficient * gates[term.gate]
            for factor in term.factors:
                change = change * seen[factor]
            value = value + change
        return value


def learns_at(connection: Connection, step: int) -> bool:
    """Whether weights and tags may change in model step ``step`` (from 1)."""
    return connection.learning is None or any(start <= step < stop for start, stop in connection.learning)
