"""Pair STDP in brian2 (C++ standalone), run by ``neuroalign bench``; see :mod:`rivals` for the method."""

from __future__ import annotations

import os
from typing import Any

import brian2
import numpy as np
from rival_turns import arguments, take_turns

NEURON = """
dv/dt = (v_inf - v) / tau_mem + current / ms : 1
dcurrent/dt = -current / tau_syn : 1
v_inf : 1
count : integer
"""
SYNAPSE = """
w : 1
dapre/dt = -apre / tau_trace : 1 (event-driven)
dapost/dt = -apost / tau_trace : 1 (event-driven)
"""
PRE = """
current_post += w * scale
apre += 1.0
w = clip(w - amplitude * apost, 0, 1)
"""
POST = """
apost += 1.0
w = clip(w + amplitude * apre, 0, 1)
"""


def main() -> None:
    """Build once; the binary then runs a warm-up and a timed part as often as it is asked to."""
    folder, n = arguments()
    project = os.path.join(folder, "standalone")
    brian2.prefs.devices.cpp_standalone.openmp_threads = 0
    brian2.set_device("cpp_standalone", directory=project, build_on_run=False)
    brian2.defaultclock.dt = 1 * brian2.ms
    ms = brian2.ms
    names = {
        "tau_mem": n["tau_mem"] * ms,
        "tau_syn": n["tau_syn"] * ms,
        "tau_trace": n["tau_trace"] * ms,
        "scale": n["weight"],
        "amplitude": 2.0**-8,
        "ms": ms,
    }
    sources, targets = (_neurons(n, p, names) for p in n["populations"])
    synapses = brian2.Synapses(sources, targets, SYNAPSE, on_pre=PRE, on_post=POST, namespace=names)
    synapses.connect()
    synapses.w = 0.5
    network = brian2.Network(sources, targets, synapses)
    network.run(n["warm"] * ms, namespace=names)
    network.run(n["chunk"] * ms, namespace=names)
    device = brian2.get_device()
    device.build(directory=project, compile=True, run=False, with_output=False)

    def run(steps: int) -> dict[str, Any]:
        device.run(directory=project, with_output=False)
        spikes = int(np.sum(sources.count[:])) + int(np.sum(targets.count[:]))
        return {"seconds": float(device._last_run_time), "spikes": spikes, "steps_of_spikes": n["warm"] + n["chunk"]}

    take_turns(folder, lambda: {"version": f"brian2 {brian2.__version__}", "numpy": np.__version__}, run)


def _neurons(n: dict[str, Any], p: dict[str, Any], names: dict[str, Any]) -> Any:
    group = brian2.NeuronGroup(
        n["N"], NEURON, threshold="v > 1", reset="v = 0; count += 1", method="exact", namespace=names
    )
    group.v_inf = np.array(p["v_inf"])
    group.v = np.array(p["v0"])
    return group


if __name__ == "__main__":
    main()
