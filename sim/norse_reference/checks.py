"""What the Norse reference is given, checked before anything runs."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroalign.errors import InputError
from neuroalign.network import Network
from neuroalign.quantise.rule_scales import trace_slots
from neuroalign.recording import Probe, Stimulus

STATES = ("v", "s", "i", "a")


def checked_input(name: str, size: int, stimulus: Stimulus) -> NDArray[Any]:
    """The stimulus array of an input, or an InputError."""
    if name not in stimulus.inputs:
        given = ", ".join(map(repr, stimulus.inputs)) or "none"
        raise InputError(f"the stimulus has no array for input {name!r} (it has {given}); name it after the input")
    array = stimulus.inputs[name]
    if array.shape[2] != size:
        raise InputError(f"stimulus {name!r} has {array.shape[2]} channels; the network's input has {size}")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        sample, step, channel = (int(k) for k in np.argwhere(~np.isfinite(array))[0])
        raise InputError(
            f"stimulus {name!r}: value [{sample}, {step}, {channel}] is {array[sample, step, channel]}; "
            "finite numbers are needed"
        )
    return array


def check_probe(network: Network, probe: Probe) -> None:
    """Refuse a probe of a population or state that does not exist."""
    name, state = probe
    if name in {c.name for c in network.connections} - {p.name for p in network.populations}:
        _check_plastic_probe(network, probe)
        return
    population = network.population(name)
    if state not in STATES:
        raise InputError(f"probe {name!r}: the Norse reference has no state {state!r}; one of {', '.join(STATES)}")
    if state == "i" and (population.r == 0).any():
        index = int(np.flatnonzero(population.r == 0)[0])
        raise InputError(
            f"probe {name!r}: r[{index}] is 0, so Norse's current, which is r i, does not tell i; probe 'a' instead"
        )


def _check_plastic_probe(network: Network, probe: Probe) -> None:
    """Refuse a probe of a plastic connection that has no such state (InputError)."""
    name, state = probe
    rule = next(c.rule for c in network.connections if c.name == name)
    if rule is None:
        raise InputError(f"probe {name!r}: the connection has no rule, so its weights never change; remove the probe")
    known = ("w", "t", *trace_slots(rule).values())
    if state not in known:
        raise InputError(f"probe {name!r}: rule {rule.name!r} has no state {state!r} here; one of {', '.join(known)}")
