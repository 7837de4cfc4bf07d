"""What verify draws: the same from the same seed, nothing that a room refuses, and enough of everything."""

from __future__ import annotations

from collections import Counter
from functools import cache

import numpy as np
import pytest

from neuroalign.chip import first_difference
from neuroalign.recording import Recording
from neuroalign.sim.emulator import Emulator
from neuroalign.sim.lava_processes.holdable import check_network, check_stimulus
from neuroalign.verify import coverage
from neuroalign.verify.case import Case
from neuroalign.verify.draw import draw_case
from neuroalign.verify.features import FEATURES, NEVER, never_drawn, refusal, supported

CASES = 240


@cache
def drawn() -> tuple[Case, ...]:
    return tuple(draw_case(0, number) for number in range(CASES))


@cache
def covered() -> Counter[str]:
    """Cases by entry, the states of synapses read now and then only."""
    return Counter(entry for case in drawn() for entry in coverage.found(case, _run(case)))


def _run(case: Case) -> Recording:
    reads = sorted({1, *range(7, case.steps, 40), case.steps})
    return Emulator().run(case.network, case.stimulus, case.probes, read_steps=reads, implementation="interpreter")


def test_a_case_follows_from_seed_and_number() -> None:
    first, again, other = draw_case(3, 5), draw_case(3, 5), draw_case(4, 5)
    assert first_difference(first.network, again.network) is None
    assert all(np.array_equal(a, again.stimulus.inputs[name]) for name, a in first.stimulus.inputs.items())
    assert first_difference(first.network, other.network) is not None


def test_lava_holds_every_case_as_it_is() -> None:
    for case in drawn():
        check_network(case.network)
        check_stimulus(case.network, case.stimulus)


@pytest.mark.parametrize("entry", coverage.expected({f.name for f in supported()}))
def test_everything_is_drawn_often_enough(entry: str) -> None:
    # a share of 2 % over 2000 cases; of so few, the half of it tells a forgotten entry from bad luck
    assert covered()[entry] >= CASES * coverage.LEAST_SHARE / 2


def test_coverage_names_only_what_it_lists() -> None:
    assert set(covered()) <= set(coverage.ENTRIES)
    assert set(coverage.NEEDS) <= set(coverage.ENTRIES)
    assert set(coverage.NEEDS.values()) <= {f.name for f in FEATURES}


def test_what_lava_has_no_form_for_is_never_drawn() -> None:
    assert set(never_drawn()) == {f.name for f in NEVER} | {f.name for f in FEATURES if f not in supported()}
    for feature in NEVER:
        assert refusal(feature), f"{feature.name} could be drawn now: move it to FEATURES"


def test_most_populations_spike_and_most_rules_act() -> None:
    assert covered()["post spikes"] > 0.9 * CASES
    assert covered()["weight changes"] > 0.5 * CASES
