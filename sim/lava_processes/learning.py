"""Standard Lava learning from a Program, for networks that Lava users wire themselves. See ``docs/lava-users.md``."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroalign.errors import BackendMissing, ConversionRefused, InputError
from neuroalign.fixed_point import lava_weights
from neuroalign.microcode import PRE_TRACES, TRACES, Program, check_integers
from neuroalign.microcode.text import to_text
from neuroalign.sim.lava_processes import lava_compat
from neuroalign.sim.lava_processes.backend import LavaBackend

NO_DECAY = 1e17
"""A time constant in steps that Lava's integer Vars hold and of which exp(-1/tau) is 1 in double precision."""


def learning_rule(program: Program, *, third_factors: bool = False) -> Any:
    """Lava's own ``Loihi2FLearningRule`` for a Program, or ``Loihi3FLearningRule``.

    Parameters
    ----------
    program
        Integer microcode. Lava's names: ``d`` is tag_2, ``t`` is tag_1, and the tag's update is ``dt``. An infinite
        tau becomes 1e17 steps, of which Lava's ``exp(-1/tau)`` is 1.
    third_factors
        Whether y1, y2 and y3 come in through ``s_in_y1`` to ``s_in_y3``, which then takes the place of post traces.

    Raises
    ------
    RuleError
        If a coefficient is real or an impulse too large: integers cannot hold the Program.
    BackendMissing
        If Lava is not installed; the message says what to install.
    """
    check_integers(program)
    missing = LavaBackend().missing()
    if missing:
        raise BackendMissing(missing)
    lava_compat.install()
    from lava.magma.core.learning.learning_rule import Loihi2FLearningRule, Loihi3FLearningRule

    rules = {"dw": program.dw, "dd": program.dd, "dt": program.tag_update}
    texts = {name: to_text(products) for name, products in rules.items() if products}
    traces: dict[str, float] = {}
    for name in PRE_TRACES if third_factors else TRACES:
        trace = program.trace(name)
        traces |= {f"{name}_impulse": trace.impulse, f"{name}_tau": min(trace.tau, NO_DECAY)}
    rule = Loihi3FLearningRule if third_factors else Loihi2FLearningRule
    return rule(**texts, **traces, t_epoch=program.t_epoch, rng_seed=program.rng_seed)


def learning_dense(program: Program, weights: NDArray[Any], *, weight_exp: int = 0, name: str | None = None) -> Any:
    """Lava's own ``LearningDense`` with a Program as its rule, to be connected by the caller.

    ``s_in`` takes the source's spikes, ``s_in_bap`` the target's, ``a_out`` drives the target (or is left open).

    Parameters
    ----------
    weights : (N_target, N_source)
        Initial weights as Lava holds them: even whole numbers in -256..254. Learnt ones use every unit.
    weight_exp
        The summed weights are shifted left by it (right where it is negative).
    name
        Lava's name of the process.

    Raises
    ------
    InputError
        If the weights are not a matrix of numbers.
    ConversionRefused
        If Lava would hold other weights than these.
    RuleError, BackendMissing
        As :func:`learning_rule`.
    """
    check_integers(program)
    held = _held(np.asarray(weights))
    rule = learning_rule(program)
    from lava.proc.dense.process import LearningDense

    return LearningDense(weights=held.astype(np.int32), learning_rule=rule, weight_exp=weight_exp, name=name)


def _held(weights: NDArray[Any]) -> NDArray[np.int64]:
    """``weights`` as Lava holds them, which must be what they are."""
    if weights.ndim != 2 or not np.isfinite(weights).all():
        raise InputError(
            f"lava: plastic weights have shape {weights.shape}; a matrix (targets, sources) of finite numbers is needed"
        )
    held = lava_weights(weights, "mixed")
    for post, pre in np.argwhere(held != weights)[:1]:
        raise ConversionRefused(
            f"lava: weight[{post}, {pre}] is {weights[post, pre]}, but Lava holds {held[post, pre]}: even whole numbers "
            "in -256..254; round the weights first"
        )
    return held
