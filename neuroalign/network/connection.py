"""Connections: all synapses from one input or population to another, and the rule that changes them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neuroalign.errors import NetworkError
from neuroalign.network.population import FloatArray, described
from neuroalign.network.tensors import take_tensors
from neuroalign.pattern import Convolution, SparsePattern, expanded, pattern_problem, weight_shape
from neuroalign.rule import LearningRule


@dataclass(frozen=True, eq=False)
class Connection:
    """All synapses from ``source`` (an input or population) to ``target``.

    Parameters
    ----------
    weight : (N_target, N_source), or (synapses,) or a kernel as ``pattern`` says
        What one spike adds to the target's input.
    delay_steps : int
        Steps between a spike and its effect in the *model*: 0 within the same step (feed-forward), 1 on the edge that
        closes a cycle and on plastic connections, whose chip form has no delay slots.
    rule : LearningRule or None
        What changes the weights; None: nothing does.
    drives : bool
        Whether the spikes reach the target. A connection that only estimates (weight inference before its weights are
        used) does not drive.
    learning : pairs of steps, or None
        The rule acts in steps start <= t < stop (t from 1) of each pair; None: in all. Traces run on outside.
    modulator : str
        Input or population that sends the rule's third factor; "": the one that the rule names.
    pattern : SparsePattern, Convolution or None
        Which synapses exist; None: every source reaches every target.
    weight_bits : int or None
        How many bits a weight is to have on chip; None: as many as there are.

    Examples
    --------
    >>> import neuroalign
    >>> import numpy as np
    >>> neuroalign.Connection("in to out", "in", "out", np.zeros((3, 2)), delay_steps=1).shape
    (3, 2)
    """

    name: str
    source: str
    target: str
    weight: FloatArray
    delay_steps: int = 0
    rule: LearningRule | None = None
    drives: bool = True
    learning: tuple[tuple[int, int], ...] | None = None
    modulator: str = ""
    pattern: SparsePattern | Convolution | None = None
    weight_bits: int | None = None

    def __post_init__(self) -> None:
        take_tensors(self, ("weight",))
        if self.modulator and (self.rule is None or self.rule.modulator is None):
            raise NetworkError(
                f"connection {self.name!r}: modulator {self.modulator!r} is given, but its rule has no third factor"
            )
        self._check_weight()
        if self.delay_steps < 0:
            raise NetworkError(f"connection {self.name!r}: delay_steps is {self.delay_steps}; it must be >= 0")
        if self.rule is None and (self.learning is not None or not self.drives):
            raise NetworkError(
                f"connection {self.name!r} neither learns nor drives its target; give it a rule, or let it drive"
            )
        if self.rule is not None and self.delay_steps < 1:
            raise NetworkError(
                f"connection {self.name!r} is plastic with delay_steps 0; a plastic connection takes at least 1 step"
            )
        if self.learning == ():
            raise NetworkError(
                f"connection {self.name!r}: learning has no phase, so the rule would never act; None learns in all steps"
            )
        if self.rule is not None and isinstance(self.pattern, Convolution):
            raise NetworkError(
                f"connection {self.name!r}: a convolution shares its weights among places and cannot learn; use a SparsePattern"
            )
        for start, stop in self.learning or ():
            if not 1 <= start < stop:
                raise NetworkError(
                    f"connection {self.name!r}: learning phase ({start}, {stop}); steps 1 <= start < stop are needed"
                )

    @property
    def third_factor(self) -> str:
        """Name of the sender of the rule's third factor; "" without one."""
        if self.rule is None or self.rule.modulator is None:
            return ""
        return self.modulator or self.rule.modulator.sender

    def _check_weight(self) -> None:
        problem = pattern_problem(self.pattern) if self.pattern is not None else None
        if problem is not None:
            raise NetworkError(f"connection {self.name!r}: {problem}")
        if self.weight.dtype != np.float64 or (self.pattern is None and self.weight.ndim != 2):
            raise NetworkError(
                f"connection {self.name!r}: weight must be a two-dimensional float64 array, got {described(self.weight)}"
            )
        if self.pattern is not None and self.weight.shape != weight_shape(self.pattern, self.pattern.shape):
            raise NetworkError(
                f"connection {self.name!r}: weight has shape {self.weight.shape}; its pattern needs "
                f"{weight_shape(self.pattern, self.pattern.shape)}"
            )
        for index in np.argwhere(~np.isfinite(self.weight))[:1]:
            at = ", ".join(str(int(k)) for k in index)
            raise NetworkError(
                f"connection {self.name!r}: weight[{at}] is {self.weight[tuple(index)]}; weights must be finite; repair the file"
            )

    @property
    def shape(self) -> tuple[int, int]:
        """(N_target, N_source), whatever the pattern."""
        if self.pattern is not None:
            return self.pattern.shape
        targets, sources = self.weight.shape
        return int(targets), int(sources)

    def matrix(self) -> FloatArray:
        """The weights as (N_target, N_source), 0 where there is no synapse."""
        return self.weight if self.pattern is None else np.asarray(expanded(self.pattern, self.weight))
