"""The published size: 100 -> 10 neurons, 100 s, three seeds, none chosen."""

from __future__ import annotations

import pytest

from neuroalign.experiments.stdwi import StdwiCase, stdwi_table
from neuroalign.learners import chip_learner
from neuroalign.profile import load_profile
from neuroalign.quantise.rule_choices import RuleChoices
from neuroalign.sim.emulator import Emulator


@pytest.mark.slow
def test_stdwi_infers_the_weights_in_float_and_in_eight_bits() -> None:
    emulator, loihi2 = Emulator(), load_profile("loihi2")
    case = StdwiCase(
        "exact", lambda w: chip_learner(emulator, loihi2, RuleChoices("exact", weight_limit=w)), 4, {"r": 0.95}
    )
    rows = stdwi_table(chip_learner(emulator, load_profile("ideal")), [case], seeds=(1, 2, 3), seconds=100.0)
    assert [row.r.size for row in rows] == [3, 3]
    for row in rows:
        assert row.passed, (row.case, row.r, row.sign)
