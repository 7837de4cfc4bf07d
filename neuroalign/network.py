"""The float model: populations and connections in SI units, with dt, reset mode and delays explicit.

One step of a population, for input ``x[t] = sum of W s`` and constant input ``bias``
(forward Euler, the new current enters the membrane, as in Norse 1.1 and Lava 0.10)::

    i[t] = (1 - decay_i) i[t-1] + gain_i (x[t] + bias)
    v[t] = (1 - decay_v) v[t-1] + decay_v v_leak + gain_v i[t]
    s[t] = v[t] > v_threshold;   v[t] := v_reset where s[t]   (or v[t] - v_threshold, reset "subtract")

:func:`euler` gives the four coefficients. Parameter names are NIR's. A population may also have a rectangular synaptic
window, ``x`` being summed over the last steps, an absolute refractory time, and spike by chance (:class:`Escape`).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from neuroalign.errors import NetworkError
from neuroalign.notebook import html_table, span
from neuroalign.pattern import Convolution, SparsePattern, expanded, pattern_problem, weight_shape
from neuroalign.rule import LearningRule

FloatArray = NDArray[np.float64]
NeuronKind = Literal["LIF", "CubaLIF", "LI", "CubaLI", "IF", "I", "Threshold", "Linear"]
ResetMode = Literal["zero", "subtract"]

SPIKING: frozenset[str] = frozenset({"LIF", "CubaLIF", "IF", "Threshold"})


@dataclass(frozen=True, eq=False)
class InputPort:
    """Where a stimulus enters: ``name`` and ``shape`` without batch and time."""

    name: str
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Number of channels."""
        return int(np.prod(self.shape, dtype=np.int64))


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
    """Neurons of one kind, one parameter value per neuron.

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
        infinite_allowed = {"tau_mem", "v_threshold"}
        for field in fields(self):
            if field.name in ("name", "kind", "shape", "window", "refractory", "escape"):
                continue
            value = getattr(self, field.name)
            if not isinstance(value, np.ndarray) or value.dtype != np.float64 or value.shape != (self.size,):
                raise NetworkError(
                    f"population {self.name!r}: {field.name} must be a float64 array of {self.size} values, got {_describe(value)}"
                )
            bad = np.isnan(value) if field.name in infinite_allowed else ~np.isfinite(value)
            if bad.any():
                index = int(np.flatnonzero(bad)[0])
                raise NetworkError(
                    f"population {self.name!r}: {field.name}[{index}] is {value[index]}; a finite number is needed; repair the file"
                )
        if (self.tau_mem < 0).any() or (self.tau_syn < 0).any():
            raise NetworkError(f"population {self.name!r}: negative time constant; tau must be >= 0 s")
        self._check_chance()
        if self.spiking and self.escape is None and not (self.v_threshold > self.v_reset).all():
            index = int(np.flatnonzero(~(self.v_threshold > self.v_reset))[0])
            raise NetworkError(
                f"population {self.name!r}: v_threshold[{index}] = {self.v_threshold[index]:g} is not above v_reset[{index}] = "
                f"{self.v_reset[index]:g}; the neuron would never leave its threshold; correct the file"
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
                f"connection {self.name!r}: weight must be a two-dimensional float64 array, got {_describe(self.weight)}"
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


@dataclass(frozen=True, eq=False)
class Network:
    """A spiking network in floats and SI units.

    Parameters
    ----------
    dt : s
        Time step of the model.
    outputs
        Pairs (output name, population name).
    reset
        What a spike does to the membrane, in every population.
    """

    name: str
    dt: float
    inputs: tuple[InputPort, ...]
    populations: tuple[Population, ...]
    connections: tuple[Connection, ...]
    outputs: tuple[tuple[str, str], ...]
    reset: ResetMode = "zero"

    def __post_init__(self) -> None:
        if not (np.isfinite(self.dt) and self.dt > 0):
            raise NetworkError(f"network {self.name!r}: dt is {self.dt}; it must be a positive number of seconds")
        sizes = {p.name: p.size for p in self.inputs} | {p.name: p.size for p in self.populations}
        if len(sizes) != len(self.inputs) + len(self.populations):
            raise NetworkError(f"network {self.name!r}: two nodes share a name; names must be unique")
        targets = {p.name for p in self.populations}
        for c in self.connections:
            if c.source not in sizes or c.target not in targets:
                raise NetworkError(
                    f"connection {c.name!r}: {c.source!r} -> {c.target!r} names a node that does not exist"
                )
            expected = (sizes[c.target], sizes[c.source])
            if c.shape != expected:
                raise NetworkError(
                    f"connection {c.name!r}: weight has shape {c.shape}, but {c.target!r} x {c.source!r} needs {expected}"
                )
            sender = c.third_factor
            if sender and sizes.get(sender) not in (1, sizes[c.target]):
                found = f"sends {sizes[sender]} values" if sender in sizes else "is no input and no population"
                raise NetworkError(
                    f"connection {c.name!r}: its third factor comes from {sender!r}, which {found}; 1 or {sizes[c.target]} values, "
                    f"one for each neuron of {c.target!r}, are needed"
                )
        for name, source in self.outputs:
            if source not in targets:
                raise NetworkError(f"output {name!r} reads {source!r}, which is not a population")
        for population in self.populations:
            _check_decays(population, self.dt)

    def population(self, name: str) -> Population:
        """The population called ``name``."""
        for population in self.populations:
            if population.name == name:
                return population
        raise NetworkError(
            f"network {self.name!r} has no population {name!r}; it has {', '.join(p.name for p in self.populations)}"
        )

    def _repr_html_(self) -> str:
        nodes: list[tuple[object, ...]] = [(p.name, "input", p.size) for p in self.inputs]
        nodes += [(p.name, p.kind, p.size, *map(span, (p.tau_syn, p.tau_mem, p.v_threshold))) for p in self.populations]
        wires = [
            (
                c.name,
                f"{c.source} → {c.target}",
                " × ".join(map(str, c.shape)),
                c.delay_steps,
                c.rule.name if c.rule else "",
            )
            for c in self.connections
        ]
        title = f"Network {self.name}: dt {self.dt:g} s, reset {self.reset}"
        columns = ("population", "kind", "neurons", "tau_syn (s)", "tau_mem (s)", "threshold")
        return html_table(title, columns, nodes) + html_table(
            "Connections", ("name", "from → to", "shape", "delay (steps)", "rule"), wires
        )


@dataclass(frozen=True, eq=False)
class EulerCoefficients:
    """Per-step coefficients of one population, each (N,); see the module's equations."""

    decay_i: FloatArray
    gain_i: FloatArray
    decay_v: FloatArray
    gain_v: FloatArray


def euler(population: Population, dt: float) -> EulerCoefficients:
    """Forward-Euler coefficients of a population.

    ``decay_i = dt/tau_syn``, ``gain_i = w_in dt/tau_syn`` (1 and w_in without a filter);
    ``decay_v = dt/tau_mem``, ``gain_v = r dt/tau_mem`` (0 and ``r dt`` without leak, 1 and ``r`` without memory).
    """
    filtered = population.tau_syn > 0
    rate_i = np.divide(dt, population.tau_syn, out=np.ones_like(population.tau_syn), where=filtered)
    leaky = np.isfinite(population.tau_mem) & (population.tau_mem > 0)
    decay_v = np.divide(dt, population.tau_mem, out=np.ones_like(population.tau_mem), where=leaky)
    gain_v = population.r * np.where(np.isinf(population.tau_mem), dt, decay_v)
    decay_v = np.where(np.isinf(population.tau_mem), 0.0, decay_v)
    return EulerCoefficients(rate_i, population.w_in * rate_i, decay_v, gain_v)


def _check_decays(population: Population, dt: float) -> None:
    """Refuse time constants below dt: the Euler step would change sign."""
    for label, tau in (("tau_mem", population.tau_mem), ("tau_syn", population.tau_syn)):
        bad = (tau > 0) & (tau < dt * (1 - 1e-9))
        if bad.any():
            index = int(np.flatnonzero(bad)[0])
            raise NetworkError(
                f"population {population.name!r}: {label}[{index}] = {tau[index]:g} s is below dt = {dt:g} s; "
                "a smaller --dt is needed, or the file's time constants are in other units"
            )


def whole_steps(population: Population, label: Literal["window", "refractory"], dt: float) -> int:
    """``window`` or ``refractory`` in steps of ``dt``.

    Raises
    ------
    NetworkError
        If it is no whole number of steps.
    """
    steps = float(getattr(population, label)) / dt
    if abs(steps - round(steps)) > 1e-6:
        raise NetworkError(
            f"population {population.name!r}: {label} {getattr(population, label):g} s is {steps:g} steps of {dt:g} s; "
            "give a whole number of steps"
        )
    return round(steps)


def _describe(value: object) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {value.shape}"
    return type(value).__name__
