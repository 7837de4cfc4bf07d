"""Populations: neurons of one kind, one parameter value per neuron, in SI units under NIR's names."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from neuroalign.errors import NetworkError
from neuroalign.network.tensors import take_tensors

FloatArray = NDArray[np.float64]
NeuronKind = Literal["LIF", "CubaLIF", "LI", "CubaLI", "IF", "I", "Threshold", "Linear"]

ARRAYS = ("tau_mem", "tau_syn", "r", "w_in", "v_leak", "v_threshold", "v_reset", "bias", "v0", "i0")
SPIKING: frozenset[str] = frozenset({"LIF", "CubaLIF", "IF", "Threshold"})


@dataclass(frozen=True, eq=False)
class Escape:
    """Spikes by chance: a neuron that is not refractory spikes in a step with probability P.

    ::

        logistic:     P = 1 / (1 + exp(-(v - v_threshold) / width))
        exponential:  P = 1 - exp(-exp((v - v_threshold) / width))

    Parameters
    ----------
    kind
        Shape of the escape function.
    width : (N,) V
        Positive.
    seed : int
        Draw number ``t N + i`` of ``numpy.random.default_rng(seed).random()`` is for neuron i in step t (from 0).
    """

    kind: Literal["logistic", "exponential"]
    width: FloatArray
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Population:
    """Neurons of one kind, one parameter value per neuron, as float64 arrays or tensors of torch.

    Parameters
    ----------
    name, kind, shape
        ``kind`` is NIR's primitive; "Linear" is a readout without memory (``v = r x``).
    tau_mem : (N,) s
        Membrane time constant; ``inf`` integrates without leak (IF, I), ``0`` has no memory (Threshold, Linear).
    tau_syn : (N,) s
        Synaptic time constant; ``0`` means the input is the current.
    r : (N,)
        Membrane resistance; in 1/s where ``tau_mem`` is ``inf`` (``v' = r i``).
    w_in : (N,)
        Input gain of the synaptic filter (``tau_syn i' = -i + w_in x``).
    v_leak, v_threshold, v_reset : (N,) V
        ``v_threshold`` is ``inf`` for neurons that never spike.
    bias : (N,)
        Constant added to the input of every step (NIR's Affine bias), in units of the input.
    v0, i0 : (N,)
        State before the first step.
    window : s
        Every input spike counts in this step and on, for this time, instead of once; 0: once. Takes ``tau_syn`` 0.
    refractory : s
        After a spike the membrane stays where the reset left it, and the neuron cannot spike.
    escape : Escape or None
        Spikes by chance instead of by comparison.

    Raises
    ------
    NetworkError
        If a parameter has the wrong shape, is not finite where it must be, or is out of range.

    Examples
    --------
    >>> import neuroalign
    >>> import numpy as np
    >>> one, none = np.ones(3), np.zeros(3)
    >>> neuroalign.Population("out", "LIF", (3,), 0.02 * one, none, one, one, none, one, none, none, none, none).spiking
    True
    """

    name: str
    kind: NeuronKind
    shape: tuple[int, ...]
    tau_mem: FloatArray
    tau_syn: FloatArray
    r: FloatArray
    w_in: FloatArray
    v_leak: FloatArray
    v_threshold: FloatArray
    v_reset: FloatArray
    bias: FloatArray
    v0: FloatArray
    i0: FloatArray
    window: float = 0.0
    refractory: float = 0.0
    escape: Escape | None = None

    def __post_init__(self) -> None:
        if self.kind not in get_args(NeuronKind):
            raise NetworkError(
                f"population {self.name!r}: unknown neuron kind {self.kind!r}; one of {', '.join(get_args(NeuronKind))}"
            )
        take_tensors(self, ARRAYS)
        self._check_arrays()
        if (self.tau_mem < 0).any() or (self.tau_syn < 0).any():
            raise NetworkError(f"population {self.name!r}: negative time constant; tau must be >= 0 s")
        self._check_chance()
        if self.spiking and self.escape is None and not (self.v_threshold > self.v_reset).all():
            index = int(np.flatnonzero(~(self.v_threshold > self.v_reset))[0])
            raise NetworkError(
                f"population {self.name!r}: v_threshold[{index}] = {self.v_threshold[index]:g} is not above v_reset[{index}] = "
                f"{self.v_reset[index]:g}; the neuron would never leave its threshold; correct the file"
            )

    def _check_arrays(self) -> None:
        infinite_allowed = {"tau_mem", "v_threshold"}
        for field in fields(self):
            if field.name in ("name", "kind", "shape", "window", "refractory", "escape"):
                continue
            value = getattr(self, field.name)
            if not isinstance(value, np.ndarray) or value.dtype != np.float64 or value.shape != (self.size,):
                raise NetworkError(
                    f"population {self.name!r}: {field.name} must be a float64 array of {self.size} values, got {described(value)}"
                )
            bad = np.isnan(value) if field.name in infinite_allowed else ~np.isfinite(value)
            if bad.any():
                index = int(np.flatnonzero(bad)[0])
                raise NetworkError(
                    f"population {self.name!r}: {field.name}[{index}] is {value[index]}; a finite number is needed; repair the file"
                )

    def _check_chance(self) -> None:
        for label, value in (("window", self.window), ("refractory", self.refractory)):
            if not (np.isfinite(value) and value >= 0):
                raise NetworkError(f"population {self.name!r}: {label} is {value} s; it must be 0 or more")
        if self.window and (self.tau_syn > 0).any():
            raise NetworkError(
                f"population {self.name!r}: a window and tau_syn > 0; the window takes the filter's place"
            )
        if (self.refractory or self.escape is not None) and not self.spiking:
            raise NetworkError(
                f"population {self.name!r}: {self.kind} neurons never spike; escape and refractory are not for them"
            )
        if self.escape is not None and not (
            self.escape.width.shape == (self.size,) and (self.escape.width > 0).all() and self.escape.seed >= 0
        ):
            raise NetworkError(
                f"population {self.name!r}: escape needs {self.size} widths above 0 and a seed of 0 or more"
            )

    @property
    def size(self) -> int:
        """Number of neurons."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def spiking(self) -> bool:
        """Whether the neurons spike at all."""
        return self.kind in SPIKING


def described(value: object) -> str:
    """Type and shape of what was given, for messages."""
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {value.shape}"
    return type(value).__name__
