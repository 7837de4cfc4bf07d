"""Single runs of Banerjee's spike-train rule: exact on witness networks, and local on frozen patterns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from neuroalign.errors import InputError
from neuroalign.experiments.spike_train_chip import Form, LocalRule
from neuroalign.experiments.spike_train_hidden import FEEDBACK_NAME, Feedback, run_hidden
from neuroalign.experiments.spike_train_local import LocalProtocol, LocalResult, Start, Teacher, run_local
from neuroalign.experiments.spike_train_witness import Protocol, run_witness
from neuroalign.reproduce.learners import weights_for
from neuroalign.reproduce.task import Result
from neuroalign.sim.emulator import Emulator

HIDDEN_SPIKE_GAIN = 8.0
"""Several outputs teach each hidden neuron."""


def witness(seed: int, *, backend: str = "emulator", **protocol: Any) -> Result:
    """The exact rule; it has one form, so ``backend`` is not used."""
    given: dict[str, Any] = {name: _tuples(value) for name, value in protocol.items()}
    result = run_witness(seed, Protocol(**given))
    figures = {
        "spike-train error falls, times": result.train_fall,
        "weight error, start": float(result.weight_error[0].mean()),
        "weight error, end": float(result.weight_error[-1].mean()),
    }
    layers = result.weight_error.shape[1]
    for k in range(layers):
        figures["weight error falls, times" + (f", layer {k + 1}" if layers > 1 else "")] = result.fall(k)
    if layers > 1:
        for k, name in enumerate(("excitatory", "inhibitory")):
            start, end = result.onto_hidden[[0, -1], k]
            if start == start:  # nan where there are none
                figures[f"weight error falls, times, onto {name} hidden neurons"] = float(start / end)
    curves = {"spike-train error": [result.windows.tolist(), result.train_error.tolist()]}
    curves |= {
        f"weight error, layer {k + 1}": [result.windows.tolist(), result.weight_error[:, k].tolist()]
        for k in range(layers)
    }
    return {"figures": figures, "curves": curves}


def local(
    seed: int, form: Form, shows: int, *, teacher: Teacher = "target", rule: Mapping[str, float] | None = None,
    backend: str = "emulator",
) -> Result:  # fmt: skip
    """One layer learning five spikes."""
    made = LocalRule(**dict(rule or {}))  # type: ignore[arg-type]
    result = run_local(
        start_for(backend, form, made), seed, form, rule=made, protocol=LocalProtocol(shows=shows), teacher=teacher
    )
    return {"figures": _figures(result), "curves": _curve(result)}


def hidden(seed: int, form: Form, shows: int, feedback: Feedback, *, backend: str = "emulator") -> Result:
    """Hidden neurons under one kind of feedback; SAL's phase runs in the same form."""
    made = LocalRule(spike_gain=HIDDEN_SPIKE_GAIN)
    choices = {} if form == "float" else {"weight_limit": 1.0, "rng_seed": seed}
    weights = weights_for("float" if form == "float" else "exact", "emulator", [FEEDBACK_NAME], **choices)
    result = run_hidden(
        start_for(backend, form, made), weights, seed, form, feedback, rule=made, protocol=LocalProtocol(shows=shows)
    )
    return {
        "figures": {**_figures(result.learnt), "angle of the feedback": result.angle},
        "curves": _curve(result.learnt),
    }


def _tuples(value: Any) -> Any:
    """Lists, as JSON has them, as the tuples that they stand for."""
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def start_for(backend: str, form: Form, rule: LocalRule) -> Start:
    """What steps the network: the emulator, or Norse's neurons for float rows.

    Raises
    ------
    InputError
        If the backend cannot be stepped.
    """
    if backend == "norse" and form == "float":
        from neuroalign.reproduce.spike_train_norse import NorseStepper

        return lambda network, probes: NorseStepper(network, probes, rule)
    if backend not in ("emulator", "norse"):
        raise InputError(f"backend {backend!r} cannot be stepped; one of emulator, norse")
    return lambda network, probes: Emulator().start(network, probes)


def _figures(result: LocalResult) -> dict[str, float]:
    return {"distance, first shows": result.before, "distance, last shows": result.after, "fall": result.fall}


def _curve(result: LocalResult) -> dict[str, Any]:
    shows = len(result.distance)
    return {"van Rossum distance": [list(range(1, shows + 1)), result.distance.mean(axis=1).tolist()]}
