"""Learners by name, for tasks that may run in any process."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from neuroalign.errors import BackendMissing, InputError
from neuroalign.experiments.alignment import Learner
from neuroalign.learners import chip_learner, chip_weights, norse_learner
from neuroalign.network import Network
from neuroalign.profile import load_profile
from neuroalign.quantise.rule_choices import RuleChoices
from neuroalign.recording import Stimulus
from neuroalign.sim.backend import Backend
from neuroalign.sim.emulator import Emulator

Form = Literal["float", "auto", "direct", "exact", "sgn", "stochastic"]
"""How a rule runs: in float, or on chip with a carry form."""
WeightsOf = Callable[[Network, Stimulus, Sequence[int]], Mapping[str, NDArray[np.float64]]]
CHIP, CONTROL = "loihi2", "ideal"


def backend_named(name: str) -> Backend:
    """The backend called "emulator" or "lava" (InputError for others, BackendMissing where it cannot run here)."""
    if name == "emulator":
        return Emulator()
    if name != "lava":
        raise InputError(f"backend {name!r} cannot run this; one of emulator, lava")
    from neuroalign.sim.lava_processes.backend import LavaBackend

    lava = LavaBackend()
    missing = lava.missing()
    if missing is not None:
        raise BackendMissing(missing)
    return lava


def learner_for(form: Form, backend: str, **choices: object) -> Learner:
    """A learner for one plastic connection; ``choices`` are fields of RuleChoices."""
    if form == "float":
        return norse_learner() if backend == "norse" else chip_learner(Emulator(), load_profile(CONTROL))
    made = RuleChoices(form, **choices)  # type: ignore[arg-type]
    return chip_learner(backend_named(_chip_backend(backend)), load_profile(CHIP), made)


def weights_for(form: Form, backend: str, connections: Sequence[str], **choices: object) -> WeightsOf:
    """As :func:`learner_for`, for all plastic connections; ``connections`` names those that the choices are for."""
    if form == "float":
        if backend == "norse":
            return _norse_weights
        return chip_weights(Emulator(), load_profile(CONTROL))
    made = RuleChoices(form, **choices)  # type: ignore[arg-type]
    return chip_weights(backend_named(_chip_backend(backend)), load_profile(CHIP), dict.fromkeys(connections, made))


def _chip_backend(backend: str) -> str:
    """Norse has no chip rows: the emulator runs them."""
    return "emulator" if backend == "norse" else backend


def _norse_weights(
    network: Network, stimulus: Stimulus, read_steps: Sequence[int]
) -> Mapping[str, NDArray[np.float64]]:
    from neuroalign.sim.norse_reference.backend import NorseReference

    names = [c.name for c in network.connections if c.rule is not None]
    run = NorseReference().run_model(network, stimulus, [(name, "w") for name in names], read_steps=read_steps)
    return {name: np.asarray(run.states[name, "w"][0]) for name in names}
