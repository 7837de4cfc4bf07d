"""Networks of the feedback experiment in Lava and on the emulator: every spike, membrane and weight."""

from __future__ import annotations

import numpy as np
import pytest

from neuroalign.compile import compile_network
from neuroalign.experiments.stdwi import inference_network, inference_stimulus
from neuroalign.experiments.stdwi_activity import Protocol, binned, record_activity
from neuroalign.feedback.local_learning import (
    ERROR,
    FIRST,
    HIDDEN,
    HIDDEN_ERROR,
    OUTPUT,
    PIXELS,
    SECOND,
    TEACHER,
    LocalSettings,
    local_network,
)
from neuroalign.profile import load_profile
from neuroalign.quantise.graded import chip_stimulus
from neuroalign.quantise.rule_choices import RuleChoices
from neuroalign.recording import Stimulus
from neuroalign.rules.weight_mirror import weight_mirror
from neuroalign.sim.emulator import Emulator
from neuroalign.sim.lava_processes.backend import LavaBackend

pytestmark = [
    pytest.mark.lava,
    pytest.mark.skipif(LavaBackend().missing() is not None, reason=LavaBackend().missing() or ""),
]


def test_the_network_that_learns_by_itself_is_bit_equal_in_lava() -> None:
    """Third factors from ternary populations, periodic resets and learning at once."""
    settings = LocalSettings(hidden=12, steps=20, thresholds=(40, 40, 1, 100))
    network, rng = local_network(8, 3, settings, 1), np.random.default_rng(0)
    given = {PIXELS: rng.random((1, 100, 8)) < 0.5, TEACHER: rng.random((1, 100, 3)) < 0.3}
    stimulus = Stimulus({name: spikes.astype(np.uint8) for name, spikes in given.items()}, description="drawn")
    probes = [(OUTPUT, "s"), (ERROR, "s"), (HIDDEN_ERROR, "s"), (HIDDEN, "v"), (FIRST, "w"), (SECOND, "w")]
    ours = Emulator().run(network, stimulus, probes, read_steps=[25, 50, 100])
    lava = LavaBackend().run(network, stimulus, probes, read_steps=[25, 50, 100])
    for probe in probes:
        np.testing.assert_array_equal(ours.states[probe], lava.states[probe])
    assert (ours.states[SECOND, "w"][0, 0] != ours.states[SECOND, "w"][0, -1]).any()
    assert set(np.unique(ours.states[ERROR, "s"])) == {-1, 0, 1}


def test_the_mirror_in_spikes_is_bit_equal_in_lava() -> None:
    activity, _ = binned(record_activity(Protocol(inputs=12, outputs=4), 1.5, 1), 4)
    network = inference_network(activity, 1, weight_mirror())
    choices = {"feedback": RuleChoices("exact", weight_limit=2.0)}
    chip, _ = compile_network(network, load_profile("loihi2"), learning=choices)
    stimulus = chip_stimulus(inference_stimulus(activity), chip)
    ours, lava = (
        backend.run(chip, stimulus, [("feedback", "w"), ("feedback", "t")], read_steps=[300, 900, 1500])
        for backend in (Emulator(), LavaBackend())
    )
    for state in ("w", "t"):
        np.testing.assert_array_equal(ours.states["feedback", state], lava.states["feedback", state])
    assert (ours.states["feedback", "w"] != 0).any()
