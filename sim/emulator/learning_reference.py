"""The learning engine in readable numpy: what a plastic connection *is*, in both number formats.

What happens in step t, with T = t_epoch (the caller's part in brackets)::

    [sum the weights of the source spikes of t; they arrive at the target in step t + 1]
    record_source(t, spikes)    the source spikes of t
    record_target(t, spikes)    the target's spikes of the same step t
    receive(third factors)      with modulators: y1, y2, y3 of the same step t, in the place of post traces
    learn(t)                    acts when t mod T == 0:
        1  traces through the epoch (:mod:`traces`), each dependency reading them at its last spike
        2  w, d and the tag t from the values before this update, all three at once (:mod:`products`)
        3  traces := their values at the end of the epoch (but third factors stay); spike times := 0

So a weight changed in step t acts first on source spikes of step t + 1. A spike that is not the first of its neuron in
an epoch adds its impulse at once, to the values of the epoch's start, so that it decays over the whole epoch.

A sparse connection is the dense one of which only some synapses exist: its w, d and t are lists of these synapses.

Source: Lava 0.10, ``magma/core/model/py/connection.py``; bit-equal to it but for what :mod:`traces` says of tau 0, and
for what Lava does not have: a draw for each synapse (:mod:`streams`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from neuroalign.chip import GradedMode, Numbers, SignMode, SparsePattern
from neuroalign.errors import InputError
from neuroalign.fixed_point import clip_weights, truncate_weights
from neuroalign.microcode import POST_TRACES, PRE_TRACES, Dependency, Product, Program, check_integers
from neuroalign.sim.emulator.graded import graded_x1
from neuroalign.sim.emulator.products import Values, accumulate, float_sum, rounded
from neuroalign.sim.emulator.streams import LAVA_ROUNDING_SEED, ROUNDING_BITS, LearningStreams, synapse_draws
from neuroalign.sim.emulator.traces import TraceArithmetic, connection_traces, history

LARGEST_INITIAL = 2**15 - 1
DELAY_MIN, DELAY_MAX = 0, 255
TAG_MIN, TAG_MAX = -257, 255  # the lower end as Lava has it
VARIABLES = ("weight", "delay", "tag")
"""The synaptic variables w, d, t by name, in the order of their numbers."""


@dataclass
class PlasticState:
    """All that changes in a plastic connection. :func:`plastic_state` makes one.

    Parameters
    ----------
    rounding_seed : int or None
        Seed of a draw for each synapse; None: one draw an epoch for all, from ``streams``.
    pattern : SparsePattern or None
        Which synapses exist, where it is not all of them.
    weight, delay, tag : (N_target, N_source), or (synapses,) with a pattern
        The synaptic variables w, d, t. Learned delays delay nothing (as in Lava).
    x : (2, N_source), y : (3, N_target)
        Traces x1, x2 and y1, y2, y3; within an epoch the values of its start, plus repeated impulses.
    tx : (N_source,), ty : (N_target,)
        Step within the epoch of the last spike, 0 for none.
    counts
        How many updates of a synapse were limited: ``weight_limited``, ``delay_limited``, ``tag_limited`` (Fixed), each
        where the program changes that variable.
    """

    program: Program
    fixed: bool
    sign_mode: SignMode
    graded: GradedMode
    modulated: bool
    rounding_seed: int | None
    pattern: SparsePattern | None
    streams: LearningStreams
    x_arithmetic: TraceArithmetic
    y_arithmetic: TraceArithmetic
    weight: Numbers
    delay: Numbers
    tag: Numbers
    x: Numbers
    y: Numbers
    tx: NDArray[np.int64]
    ty: NDArray[np.int64]
    counts: dict[str, int] = field(default_factory=dict)

    def record_source(self, t: int, spikes: Numbers) -> None:
        """Take in the source spikes of step t (from 1): 0 and 1, or payloads where ``graded`` is not "impulse"."""
        x1, spiked = graded_x1(self.graded, self.fixed, self.x[0], spikes)
        repeated = spiked & (self.tx > 0)
        if repeated.any():
            # Lava puts 0 in the place of a draw here: a fraction of the impulse always rounds up
            self.x = np.where(repeated, self.x_arithmetic.raised(self.x, 0), self.x)
        if self.graded != "impulse":
            self.x = np.stack([x1, self.x[1]])
        self.tx = np.where(spiked, self._step_in_epoch(t), self.tx)

    def record_target(self, t: int, spikes: Numbers) -> None:
        """Take in the target's spikes of the same step t."""
        spiked = spikes != 0
        repeated = spiked & (self.ty > 0)
        if repeated.any():
            draw = self.streams.impulse_y[2 * t - 1]
            self.y = np.where(repeated, self.y_arithmetic.raised(self.y, draw), self.y)
        self.ty = np.where(spiked, self._step_in_epoch(t), self.ty)

    def receive(self, factors: Numbers) -> None:
        """Take in the third factors (3, N_target) of a step, after the target's spikes."""
        self.y = factors.astype(self.y.dtype)

    def reprogram(self, program: Program) -> None:
        """Go on with another program: synapses, traces, spike times and random streams stay as they are."""
        self.program = program
        self.x_arithmetic, self.y_arithmetic = connection_traces(
            program, self.fixed, graded=self.graded != "impulse", modulated=self.modulated
        )
        self.counts = dict.fromkeys(limit_counters(program) if self.fixed else (), 0) | self.counts

    def learn(self, t: int, *, learns: bool = True) -> None:
        """If step t is the last of an epoch, update w, d, t and the traces; otherwise do nothing.

        Where ``learns`` is false w, d and t keep their values; traces, spike times and random streams run on.
        """
        epoch, rest = divmod(t, self.program.t_epoch)
        if rest:
            return
        x_history, y_history = self._histories(t)
        if learns:
            self._update_synapses(epoch, x_history, y_history)
        self.x = x_history[-1]
        if not self.modulated:
            self.y = y_history[-1]
        self.tx, self.ty = np.zeros_like(self.tx), np.zeros_like(self.ty)

    def _update_synapses(self, epoch: int, x_history: Numbers, y_history: Numbers) -> None:
        values = self._values(epoch, x_history, y_history)
        # all three from the old values, assigned together
        self.weight, self.delay, self.tag = (
            self._updated("weight", self.weight, self.program.dw, values, epoch),
            self._updated("delay", self.delay, self.program.dd, values, epoch),
            self._updated("tag", self.tag, self.program.tag_update, values, epoch),
        )

    def _step_in_epoch(self, t: int) -> int:
        return (t - 1) % self.program.t_epoch + 1

    def _histories(self, t: int) -> tuple[Numbers, Numbers]:
        steps, draws = self.program.t_epoch, self.streams
        return (
            history(self.x_arithmetic, self.x, self.tx, steps, draws.decay_x[2 * t], draws.impulse_x[2 * t]),
            history(self.y_arithmetic, self.y, self.ty, steps, draws.decay_y[2 * t], draws.impulse_y[2 * t]),
        )

    def _values(self, epoch: int, x_history: Numbers, y_history: Numbers) -> Values:
        """Everything that products read, for each dependency: traces are those at the dependency's last spike."""
        k = self.program.k
        flags = {
            "x0": (self.tx > 0).astype(np.int64)[None, :],
            "y0": (self.ty > 0).astype(np.int64)[:, None],
            "u": np.full((1, 1), int(k is not None and epoch % 2**k == 0)),
        }
        synaptic = {"w": self.weight, "d": self.delay, "t": self.tag}
        values: dict[Dependency, dict[str, Numbers]] = {}
        for dependency in {p.dependency for p in self.program.products}:
            x, y = self._traces_at(dependency, x_history, y_history)
            of_neurons = flags | dict(zip(PRE_TRACES + POST_TRACES, (*x, *y), strict=True))
            values[dependency] = {name: self._of_synapses(value) for name, value in of_neurons.items()} | synaptic
        return values

    def _of_synapses(self, values: Numbers) -> Numbers:
        """Values of a matrix, given by what broadcasts to (N_target, N_source), at the synapses that exist."""
        if self.pattern is None:
            return values
        return np.asarray(np.broadcast_to(values, self.pattern.shape)[self.pattern.target, self.pattern.source])

    def _traces_at(self, dependency: Dependency, x_history: Numbers, y_history: Numbers) -> tuple[Numbers, Numbers]:
        """Traces x (2, N_target or 1, N_source) and y (3, N_target, N_source or 1) at the time of the dependency."""
        if dependency == "x0":
            own = x_history[self.tx, :, np.arange(self.tx.size)].T
            return own[:, None, :], y_history[self.tx].transpose(1, 2, 0)
        if dependency == "y0":
            own = y_history[self.ty, :, np.arange(self.ty.size)].T
            return x_history[self.ty].transpose(1, 0, 2), own[:, :, None]
        return x_history[-1][:, None, :], y_history[-1][:, :, None]

    def _updated(self, name: str, z: Numbers, products: tuple[Product, ...], values: Values, epoch: int) -> Numbers:
        if not products:
            return z
        if not self.fixed:
            return self._with_sign(name, z + float_sum(products, values))
        total, limited = accumulate(z, products, values)
        signed = self._with_sign(name, total)
        exact = rounded(signed, self._rounding(name, epoch))
        new = self._in_range(name, exact)
        limited |= (signed != total) | (new != exact)
        self.counts[f"{name}_limited"] += int(np.count_nonzero(limited))
        return new

    def _rounding(self, name: str, epoch: int) -> Numbers:
        """The draws that round a variable up or down, in [0, 1): one for all synapses, or one for each."""
        if self.rounding_seed is None:
            return np.asarray(self.streams.rounding[epoch])
        source = self._of_synapses(np.arange(self.tx.size)[None, :])
        target = self._of_synapses(np.arange(self.ty.size)[:, None])
        draws = synapse_draws(self.rounding_seed, VARIABLES.index(name), epoch, source, target)
        return np.asarray(draws / 2**ROUNDING_BITS)

    def _with_sign(self, name: str, z: Numbers) -> Numbers:
        """Weights keep the sign of their mode, delays are not negative."""
        if name == "delay" or (name == "weight" and self.sign_mode == "excitatory"):
            return np.maximum(z, 0)
        if name == "weight" and self.sign_mode == "inhibitory":
            return np.minimum(z, 0)
        return z

    def _in_range(self, name: str, z: Numbers) -> Numbers:
        if name == "weight":
            return clip_weights(z, self.sign_mode)
        low, high = (DELAY_MIN, DELAY_MAX) if name == "delay" else (TAG_MIN, TAG_MAX)
        return np.clip(z, low, high)


def plastic_state(
    program: Program,
    weight: Numbers,
    *,
    fixed: bool,
    sign_mode: SignMode = "mixed",
    weight_bits: int = 8,
    delay: Numbers | None = None,
    tag: Numbers | None = None,
    graded: GradedMode = "impulse",
    modulated: bool = False,
    pattern: SparsePattern | None = None,
    rounding_seed: int = LAVA_ROUNDING_SEED,
    rounding_draws: Literal["shared", "synapse"] = "shared",
) -> PlasticState:
    """The state of a plastic connection before step 1.

    Parameters
    ----------
    weight, delay, tag : (N_target, N_source), or (synapses,) with a pattern
        Initial values; delay and tag are 0 unless given. Fixed takes whole numbers and clears the weight bits that
        ``weight_bits`` do not hold, but limits weights only at their first update, as Lava's LearningDense does.
    fixed
        Integers (True) or float64.
    graded
        What payloads do to x1 (:mod:`graded`); x1 then has no impulse.
    modulated
        Whether y1, y2, y3 are third factors, given by :meth:`PlasticState.receive` in every step.
    pattern
        Which synapses exist; None: all.
    rounding_seed
        Seed of the draws that round w, d and t; Lava gives every connection the same.
    rounding_draws
        One draw an epoch ("shared", as Lava has it), or one for each synapse and variable.

    Raises
    ------
    InputError
        If an array has the wrong shape, is not finite or, under Fixed, not whole; RuleError if the program is not one
        that integers can hold.
    """
    if fixed:
        check_integers(program)
    shape = np.shape(weight)
    if len(shape) != (2 if pattern is None else 1):
        raise InputError(
            f"plastic weights have shape {shape}; (targets, sources) is needed, or (synapses,) with a pattern"
        )
    targets, sources = shape if pattern is None else pattern.shape
    w = _initial("weight", weight, shape, fixed)
    x_arithmetic, y_arithmetic = connection_traces(program, fixed, graded=graded != "impulse", modulated=modulated)
    dtype = np.int64 if fixed else np.float64
    return PlasticState(
        program=program,
        fixed=fixed,
        sign_mode=sign_mode,
        graded=graded,
        modulated=modulated,
        rounding_seed=rounding_seed if rounding_draws == "synapse" else None,
        pattern=pattern,
        streams=LearningStreams(program.rng_seed, rounding_seed),
        x_arithmetic=x_arithmetic,
        y_arithmetic=y_arithmetic,
        weight=truncate_weights(w, sign_mode, weight_bits) if fixed else w,
        delay=_initial("delay", np.zeros(shape) if delay is None else delay, shape, fixed),
        tag=_initial("tag", np.zeros(shape) if tag is None else tag, shape, fixed),
        x=np.zeros((len(PRE_TRACES), sources), dtype=dtype),
        y=np.zeros((len(POST_TRACES), targets), dtype=dtype),
        tx=np.zeros(sources, dtype=np.int64),
        ty=np.zeros(targets, dtype=np.int64),
        counts=dict.fromkeys(limit_counters(program) if fixed else (), 0),
    )


def limit_counters(program: Program) -> tuple[str, ...]:
    """Names of the counters of a program's updates, in the order weight, delay, tag."""
    updated = zip(VARIABLES, (program.dw, program.dd, program.tag_update), strict=True)
    return tuple(f"{name}_limited" for name, products in updated if products)


def _initial(name: str, given: Numbers, shape: tuple[int, ...], fixed: bool) -> Numbers:
    values = np.array(given, dtype=np.float64)
    if values.shape != shape:
        raise InputError(f"initial {name} has shape {values.shape} but the weights have {shape}; they must agree")
    if not np.isfinite(values).all():
        raise InputError(f"initial {name} is not finite everywhere; give finite numbers")
    if not fixed:
        return values
    if (values != np.round(values)).any() or (abs(values) > LARGEST_INITIAL).any():
        raise InputError(
            f"initial {name} must be whole numbers of at most {LARGEST_INITIAL} on chip; quantise it first"
        )
    return values.astype(np.int64)
