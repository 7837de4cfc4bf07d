"""What each kind of rounding costs by itself: nothing where the chip holds it exactly, and all where there is no other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from random_models import Choices, random_network, random_stimulus

from neuroalign.calibration.causes import rounding_causes
from neuroalign.calibration.layers import float_given, network_error
from neuroalign.network import Network
from neuroalign.profile import load_profile

LOIHI2 = load_profile("loihi2")


def _plain(seed: int) -> Network:
    return random_network(seed, Choices(size=(8, 10), readouts=()))


def _with(network: Network, **changes: object) -> Network:
    populations = tuple(
        replace(p, **{n: np.full(p.size, v) for n, v in changes.items()})  # type: ignore[arg-type]
        for p in network.populations
    )
    return replace(network, populations=populations)


def test_what_is_held_exactly_costs_nothing() -> None:
    network = _with(_plain(1), tau_mem=8e-3, bias=0.0, v_leak=0.0, v_reset=0.0, v0=0.0, i0=0.0)
    exact = replace(
        network,
        populations=tuple(
            replace(p, tau_syn=np.full(p.size, 4e-3 if p.kind == "CubaLIF" else 0.0)) for p in network.populations
        ),
    )
    stimulus = random_stimulus(network, 1, samples=6, steps=60)
    cost = {c.what: c.error for c in rounding_causes(exact, LOIHI2, stimulus)}
    assert cost["decays"] == cost["bias and leak"] == 0  # 1/8 and 1/4 a step, and nothing constant
    assert cost["all three, states exact"] == cost["weights"] > 0
    assert cost["on chip"] == network_error(exact, LOIHI2, {}, stimulus, float_given(exact, stimulus))


def test_a_slow_leak_is_the_decays_fault() -> None:
    network = _with(_plain(2), tau_mem=0.55, r=1.5)  # 7.45 units of the decay field
    stimulus = random_stimulus(network, 1, samples=6, steps=800)
    wide = replace(LOIHI2, synapse=replace(LOIHI2.synapse, weight_bits=(8,)))
    cost = {c.what: c.error for c in rounding_causes(network, wide, stimulus)}
    finer = replace(wide, neuron=replace(wide.neuron, decay=replace(wide.neuron.decay, bits=20)))  # type: ignore[type-var]
    better = {c.what: c.error for c in rounding_causes(network, finer, stimulus)}
    assert better["decays"] < 0.1 * cost["decays"]
    assert cost["decays"] > cost["bias and leak"]
    assert better["weights"] == cost["weights"]
