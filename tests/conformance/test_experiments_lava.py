"""Every Program of the experiments, as the compiler chooses it, in Lava and on the emulator: equal at every read.

Networks are those of the experiments at a smaller size, sampling neurons included, over 2000 steps and more.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from neuroalign.chip import ChipNetwork, first_difference
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
    """Experiment to what is run; forms that a rule cannot have on the chip are left out.

    All forms of an experiment learn side by side in one network, from the same spikes: Lava's time goes by neurons, too.
    """
    found = {}
    for name, network, stimulus in experiments():
        chips = {form: chip for form in FORMS.get(name, ("auto",)) if (chip := _held(name, network, form))}
        chip = _side_by_side(chips)
        probes: list[Probe] = [(n, state) for n in _plastic(chip) for state in ("w", "t", "x1", "y1")]
        probes += [(p.name, "s") for p in chip.populations]
        found[name] = (chip, chip_stimulus(stimulus, chip), probes, tuple(range(10, STEPS + 1, 10)))
    return found


def _held(name: str, network: Network, form: AskedForm) -> ChipNetwork | None:
    """The network with its rules in a form; None where the chip has none such."""
    limit = 1.0 if name.startswith("SAL") else None
    choices = {c.name: RuleChoices(form, weight_limit=limit) for c in network.connections if c.rule is not None}
    try:
        return compile_network(network, load_profile("loihi2"), learning=choices)[0]
    except ConversionRefused:
        if form == "auto":
            raise
        return None


def _side_by_side(chips: dict[AskedForm, ChipNetwork]) -> ChipNetwork:
    """The first network, with the plastic connections of the others beside its own; in all else they are the same.

    Those of the others drive nothing: they learn from the spikes that the first network makes.
    """
    first, *others = chips.values()
    extra = []
    for form, chip in list(chips.items())[1:]:
        learning = [c for c in chip.connections if c.plasticity is not None]
        extra += [replace(c, name=f"{c.name}: {form}", drives=False) for c in learning]
    for other in others:
        assert first_difference(_static(first), _static(other)) is None
    return replace(first, connections=(*first.connections, *extra))


def _static(chip: ChipNetwork) -> ChipNetwork:
    return replace(chip, connections=tuple(c for c in chip.connections if c.plasticity is None))


def _plastic(chip: ChipNetwork) -> list[str]:
    return [c.name for c in chip.connections if c.plasticity is not None]


def test_every_program_of_the_experiments_is_bit_equal() -> None:
    made = cases()
    assert set(made) == {name for name, _, _ in experiments()}
    programs = {name: _plastic(network) for name, (network, *_) in made.items()}
    assert all(len(programs[name]) > 1 for name in FORMS), "forms are missing"
    in_lava = LavaBackend().run_cases(list(made.values()))
    compared = 0
    for (name, (network, stimulus, probes, reads)), lava in zip(made.items(), in_lava, strict=True):
        ours = Emulator().run(network, stimulus, probes, read_steps=reads)
        for probe, states in lava.states.items():
            np.testing.assert_array_equal(ours.states[probe], states, err_msg=f"{name}: {probe}")
            compared += states.size
        for learns in programs[name]:
            weights, tags = lava.states[learns, "w"][0], lava.states[learns, "t"]
            assert (weights != weights[0]).any() or tags.any(), f"{name}: {learns} learnt nothing"
    assert compared > 200_000
