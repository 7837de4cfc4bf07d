"""Where backward weights come from: one interface for backpropagation, the baselines, and the learnt ones.

| name  | backward weights |
|-------|------------------|
| bp    | ``W^T`` |
| fa    | random, fixed (Lillicrap et al. 2016) |
| dfa   | random, fixed, from the output to every layer (Noekland 2016) |
| sign  | ``sign(W^T)`` times random, fixed magnitudes (Liao, Leibo, Poggio 2016) |
| kp    | the same changes and the same decay as W^T (Kolen, Pollack 1994; Akrout et al. 2019) |
| wm    | correlations of noise with what the layer makes of it (weight mirror, Akrout et al. 2019) |
| stdwi, rdd, sal | what a spiking phase before every epoch has learnt |
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from neuroalign.errors import InputError
from neuroalign.feedback.network import Array, Layers, draw_layers, transposed
from neuroalign.feedback.phases import Phase, RddPhase, SalPhase, StdwiPhase

MIRROR_IMAGES, MIRROR_RATE, MIRROR_FIRST = 128, 0.02, 100
"""Noise vectors after every batch, the share of them in the moving average, and batches of noise before the start."""


@dataclass(frozen=True, eq=False)
class Back:
    """Backward weights as the errors use them (see ``errors_by_layer``), and the estimates behind them, if any."""

    weights: tuple[Array, ...]
    estimates: tuple[Any, ...] = ()


@dataclass(frozen=True, eq=False)
class Update:
    """What one batch did to the forward weights of layers 2..L: ``moves`` added to them, the share ``decay`` lost before."""

    moves: tuple[Array, ...]
    decay: float


Start = Callable[[Layers, np.random.Generator], Back]
Follow = Callable[[Back, Layers, Update, np.random.Generator], Back]
Align = Callable[[Back, Layers, int, np.random.Generator], Back]


def _stay(back: Back, layers: Layers, update: Update, rng: np.random.Generator) -> Back:
    return back


def _no_phase(back: Back, layers: Layers, number: int, rng: np.random.Generator) -> Back:
    return back


@dataclass(frozen=True, eq=False)
class Method:
    """A source of backward weights.

    Parameters
    ----------
    start
        Draws them.
    follow
        Called after every batch with the new forward weights.
    align
        Called before every epoch and, if there is more than one phase in it, again on the way, with a number from 0.
    direct
        Whether errors go from the output to every layer at once.
    aligned
        Whether the method claims to align backward with forward weights.
    spiking
        Whether it does so in a spiking phase.
    phases
        How many there are in an epoch, evenly spread.
    """

    name: str
    title: str
    start: Start
    follow: Follow = _stay
    align: Align = _no_phase
    direct: bool = False
    aligned: bool = False
    spiking: bool = False
    phases: int = 1


def random_back(layers: Layers, rng: np.random.Generator) -> Back:
    """As large as the forward weights at the start."""
    again = draw_layers(layers.sizes, rng, layers.weights[0].dtype.type)
    return Back(tuple(np.ascontiguousarray(w.T) for w in again.weights[1:]))


def random_direct(layers: Layers, rng: np.random.Generator) -> Back:
    """``N(0, 1 / N_L)`` from the output to every hidden layer."""
    sizes, dtype = layers.sizes, layers.weights[0].dtype
    return Back(tuple((rng.standard_normal((n, sizes[-1])) / np.sqrt(sizes[-1])).astype(dtype) for n in sizes[1:-1]))


def copied(back: Back, layers: Layers, update: Update | None, rng: np.random.Generator) -> Back:
    """Backpropagation: ``B = W^T``."""
    return Back(transposed(layers))


def sign_copied(back: Back, layers: Layers, update: Update | None, rng: np.random.Generator) -> Back:
    """Sign symmetry: ``B = sign(W^T) |B|``."""
    return Back(tuple(np.copysign(b, w) for b, w in zip(back.weights, transposed(layers), strict=True)))


def moved_alike(back: Back, layers: Layers, update: Update, rng: np.random.Generator) -> Back:
    """Kolen-Pollack: ``B := (1 - decay) B + (change of W)^T``, which shrinks ``B - W^T`` by ``1 - decay``."""
    keep = 1 - update.decay
    moved = zip(back.weights, update.moves, strict=True)
    return Back(tuple((b * b.dtype.type(keep) + move.T).astype(b.dtype) for b, move in moved))


def mirrored(back: Back, layers: Layers, rng: np.random.Generator, batches: int = 1) -> Back:
    """Weight mirror: B follows the mean of ``x y^T`` for noise x of variance 1 and ``y = W x``.

    ``E[x y^T] = W^T``, without the nonlinearity as the linear range of tanh has it.
    """
    found = list(back.weights)
    for _ in range(batches):
        for k, weight in enumerate(layers.weights[1:]):
            noise = rng.standard_normal((MIRROR_IMAGES, weight.shape[1])).astype(weight.dtype)
            seen = noise.T @ (noise @ weight.T) / weight.dtype.type(MIRROR_IMAGES)
            found[k] = found[k] + weight.dtype.type(MIRROR_RATE) * (seen - found[k])
    return Back(tuple(found))


def _mirror_follow(back: Back, layers: Layers, update: Update, rng: np.random.Generator) -> Back:
    return mirrored(back, layers, rng)


def _mirror_first(back: Back, layers: Layers, number: int, rng: np.random.Generator) -> Back:
    return mirrored(back, layers, rng, MIRROR_FIRST) if number == 0 else back


def with_phase(name: str, title: str, phase: Phase, phases: int = 1) -> Method:
    """Backward weights from spiking phases, one layer after the other.

    They are as long as the forward weights, one number a layer: a phase divides the weights by it, so it is known there.
    """

    def start(layers: Layers, rng: np.random.Generator) -> Back:
        drawn = random_back(layers, rng)
        return replace(drawn, estimates=tuple(phase.start(w.T.shape, rng) for w in layers.weights[1:]))

    def align(back: Back, layers: Layers, number: int, rng: np.random.Generator) -> Back:
        estimates, weights = [], []
        for old, estimate, forward in zip(back.weights, back.estimates, layers.weights[1:], strict=True):
            found = phase(estimate, np.asarray(forward, dtype=np.float64), number, rng)
            estimates.append(found)
            weights.append(_as_long(phase.used(found), forward, old))
        return Back(tuple(weights), tuple(estimates))

    return Method(name, title, start, align=align, aligned=True, spiking=True, phases=phases)


def _as_long(direction: Array, like: Array, otherwise: Array) -> Array:
    """``direction`` with the length of ``like``; ``otherwise`` where there is no direction."""
    length = float(np.linalg.norm(direction))
    if length == 0:
        return otherwise
    return (direction * (float(np.linalg.norm(like)) / length)).astype(otherwise.dtype)


def method_named(name: str) -> Method:
    """One of :func:`methods` (InputError for others)."""
    known = methods()
    if name not in known:
        raise InputError(f"method {name!r} is unknown; one of {', '.join(known)}")
    return known[name]


def methods() -> dict[str, Method]:
    """Every method in float, by name."""
    found: Sequence[Method] = (
        Method("bp", "backpropagation", lambda layers, rng: Back(transposed(layers)), copied),
        Method("fa", "feedback alignment", random_back),
        Method("dfa", "direct feedback alignment", random_direct, direct=True),
        Method(
            "sign",
            "sign symmetry",
            lambda layers, rng: sign_copied(random_back(layers, rng), layers, None, rng),
            sign_copied,
        ),
        Method("kp", "Kolen-Pollack", random_back, moved_alike, aligned=True),
        Method("wm", "weight mirror", random_back, _mirror_follow, _mirror_first, aligned=True),
        with_phase("stdwi", "STDWI", StdwiPhase()),
        with_phase("rdd", "RDD", RddPhase()),
        with_phase("sal", "SAL", SalPhase()),
    )
    return {method.name: method for method in found}
