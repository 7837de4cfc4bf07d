"""Lava's bit-accurate models with a recorder attached: same arithmetic, states appended to files at every step.

``Var.get`` sends one message a number and reads between runs only, so states are written where they are: each model
below runs Lava's own ``run_spk`` and afterwards copies its states into memory-mapped files. Several samples run back to
back in one Lava run, since starting Lava costs more than simulating a small network: every ``steps`` steps each model
puts its states back to what they were before the first step. Without a :class:`~recorded.Recorder` the models are
Lava's. They are in :mod:`neuron_models`, :mod:`synapse_models`,
:mod:`convolution_models` and :mod:`plastic_models`.

A plastic connection is read at the end of a step, which is after its learning phase where it has one. Outside the
connection's own learning phases (:class:`~neuroalign.chip.Plasticity`) Lava's learning runs all the same and weights,
delays and tags are put back, so that traces and random numbers go on as if it learned.

Chosen with ``exception_proc_model_map``, see :func:`run_config`.
"""

from __future__ import annotations

import sys
from typing import Any

from neuroalign.sim.lava_processes import lava_compat
from neuroalign.sim.lava_processes.recorded import Recorder, errors_reported

lava_compat.install()

from lava.magma.core.run_configs import Loihi2SimCfg  # noqa: E402

from neuroalign.sim.lava_processes.neuron_models import NEURON_MODELS  # noqa: E402
from neuroalign.sim.lava_processes.plastic_models import PLASTIC_MODELS  # noqa: E402
from neuroalign.sim.lava_processes.synapse_models import SYNAPSE_MODELS  # noqa: E402

__all__ = ["Recorder", "errors_reported", "run_config"]


def run_config(recorded: bool = True) -> Any:
    """Lava's run configuration for bit-accurate models, with the models above or (``recorded=False``) Lava's own."""
    ours = {**NEURON_MODELS, **SYNAPSE_MODELS, **PLASTIC_MODELS}
    if "lava.proc.conv.process" in sys.modules:  # otherwise there is no Conv to be run
        from neuroalign.sim.lava_processes.convolution_models import CONVOLUTION_MODELS

        ours |= CONVOLUTION_MODELS
    return Loihi2SimCfg(select_tag="fixed_pt", exception_proc_model_map=ours if recorded else None)
