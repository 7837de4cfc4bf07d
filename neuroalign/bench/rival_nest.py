"""Pair STDP in NEST, run by ``neuroalign bench`` in an interpreter that has NEST; see :mod:`rivals` for the method."""

from __future__ import annotations

import time
from typing import Any

import nest
import numpy as np
from rival_turns import arguments, take_turns


def main() -> None:
    """Build the network and run chunk after chunk."""
    folder, n = arguments()
    nest.set_verbosity("M_ERROR")
    nest.ResetKernel()
    nest.SetKernelStatus({"resolution": 1.0, "local_num_threads": 1, "rng_seed": n["seed"] + 1})
    sources, targets = (_neurons(n, p) for p in n["populations"])
    weights = {"w": n["weight"] / 2, "Wmax": n["weight"]}
    synapse = {
        "synapse_model": "stdp_synapse",
        "delay": 1.0,
        "weight": weights["w"],
        "Wmax": weights["Wmax"],
        "lambda": 2.0**-8,
        "alpha": 1.0,
        "mu_plus": 0.0,
        "mu_minus": 0.0,
        "tau_plus": n["tau_trace"],
    }
    nest.Connect(sources, targets, "all_to_all", synapse)
    nest.Prepare()

    def run(steps: int) -> dict[str, Any]:
        start = time.perf_counter()
        nest.Run(float(steps))
        seconds = time.perf_counter() - start
        return {"seconds": seconds, "spikes": nest.GetKernelStatus("local_spike_counter")}

    take_turns(folder, lambda: {"version": f"NEST {nest.__version__}", "numpy": np.__version__}, run)


def _neurons(n: dict[str, Any], p: dict[str, Any]) -> Any:
    capacitance = 1.0
    neurons = nest.Create("iaf_psc_exp", n["N"])
    neurons.set(
        {
            "tau_m": n["tau_mem"],
            "tau_syn_ex": n["tau_syn"],
            "tau_syn_in": n["tau_syn"],
            "C_m": capacitance,
            "E_L": 0.0,
            "V_reset": 0.0,
            "V_th": 1.0,
            "t_ref": 0.0,
            "tau_minus": n["tau_trace"],
        }
    )
    neurons.set(I_e=[v * capacitance / n["tau_mem"] for v in p["v_inf"]])
    neurons.set(V_m=p["v0"])
    return neurons


if __name__ == "__main__":
    main()
