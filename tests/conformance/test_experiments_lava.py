"""Every Program of the experiments, as the compiler chooses it, in Lava and on the emulator: equal at every read.

Networks are those of the experiments at a smaller size, sampling neurons included, over 2000 steps and more.
"""

from __future__ import annotations

import numpy as np
import pytest

from neuroalign.chip import ChipNetwork
from neuroalign.compile import compile_network
from neuroalign.errors import ConversionRefused
from neuroalign.experiments.sal_dale import dale_network
from neuroalign.experiments.sal_layers import layer_network, pair_network, silence
from neuroalign.experiments.stdwi import inference_network, inference_stimulus
from neuroalign.experiments.stdwi_activity import Protocol, binned, record_activity
from neuroalign.experiments.stdwi_neurons import neurons_network, neurons_stimulus
from neuroalign.network import Network
from neuroalign.profile import load_profile
from neuroalign.quantise.carry import AskedForm
from neuroalign.quantise.graded import chip_stimulus
from neuroalign.quantise.rule_choices import RuleChoices
from neuroalign.recording import Probe, Stimulus
from neuroalign.rules import stdwi
from neuroalign.rules.sal import sal
from neuroalign.sim.emulator import Emulator
from neuroalign.sim.lava_processes.backend import LavaBackend

pytestmark = [
    pytest.mark.lava,
    pytest.mark.slow,
    pytest.mark.skipif(LavaBackend().missing() is not None, reason=LavaBackend().missing() or ""),
]
STEPS = 2000
FORMS: dict[str, tuple[AskedForm, ...]] = {
    "STDWI": ("auto", "stochastic", "sgn"),
    "SAL, pair": ("auto", "direct", "stochastic", "sgn"),
}
"""What is tried beside "auto", which takes the exact form for all of them."""


Case = tuple[ChipNetwork, Stimulus, list[Probe], tuple[int, ...]]


def experiments() -> list[tuple[str, Network, Stimulus]]:
    """Networks that learn, with what enters them."""
    activity, _ = binned(record_activity(Protocol(inputs=12, outputs=4), STEPS * 1e-3, 1), 4)
    protocol = Protocol(inputs=20, outputs=4)
    inhibition = ((4.0, -1.0, -2.0), (3.8, -1.1, -2.1))
    return [
        ("STDWI", inference_network(activity, 1, stdwi()), inference_stimulus(activity)),
        ("STDWI, neurons", neurons_network(protocol, 1, stdwi()), neurons_stimulus(protocol, STEPS * 1e-3, 1)),
        ("SAL, pair", pair_network(1), silence(STEPS)),
        ("SAL, layer", layer_network(1, sal(eta=0.4), 8), silence(STEPS)),
        ("SAL, Dale", dale_network(1, 1.0, inhibition), silence(STEPS)),
    ]


def cases() -> dict[str, Case]:
    """Experiment and form to what is run; forms that a rule cannot have on the chip are left out."""
    found = {}
    for name, network, stimulus in experiments():
        names = [c.name for c in network.connections if c.rule is not None]
        for form in FORMS.get(name, ("auto",)):
            choices = dict.fromkeys(names, RuleChoices(form, weight_limit=1.0 if name.startswith("SAL") else None))
            try:
                chip, _ = compile_network(network, load_profile("loihi2"), learning=choices)
            except ConversionRefused:
                continue
            probes: list[Probe] = [(n, state) for n in names for state in ("w", "t", "x1", "y1")]
            probes += [(p.name, "s") for p in chip.populations]
            found[f"{name}: {form}"] = (chip, chip_stimulus(stimulus, chip), probes, tuple(range(100, STEPS + 1, 100)))
    return found


def test_every_program_of_the_experiments_is_bit_equal() -> None:
    made = cases()
    assert {name.split(":")[0] for name in made} == {name for name, _, _ in experiments()}
    assert all(f"{name}: auto" in made for name, _, _ in experiments())
    in_lava = LavaBackend().run_cases(list(made.values()))
    compared = 0
    for (name, (network, stimulus, probes, reads)), lava in zip(made.items(), in_lava, strict=True):
        ours = Emulator().run(network, stimulus, probes, read_steps=reads)
        for probe, states in lava.states.items():
            np.testing.assert_array_equal(ours.states[probe], states, err_msg=f"{name}: {probe}")
            compared += states.size
        learnt = [probe for probe in probes if probe[1] == "w"]
        changed = any((lava.states[p][0] != lava.states[p][0][0]).any() for p in learnt)
        tags = any(lava.states[p[0], "t"].any() for p in learnt)
        assert changed or tags, f"{name}: nothing was learnt"
    assert compared > 200_000
