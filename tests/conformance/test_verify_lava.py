"""What verify draws, in Lava and in the emulator; and a fault of the emulator's, found and shrunk with Lava as the judge.

A case of each feature, or this would take as long as ``neuroalign verify`` itself.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import count, islice

import pytest
from faulty_emulators import Faulty, short_window
from numpy.random import Generator

from neuroalign.chip import ChipNetwork
from neuroalign.sim.lava_processes.backend import LavaBackend
from neuroalign.verify.case import Case
from neuroalign.verify.compare import EmulatorRunner
from neuroalign.verify.draw import draw_case
from neuroalign.verify.features import FEATURES, supported
from neuroalign.verify.investigate import smallest
from neuroalign.verify.oracles import LavaOracle
from neuroalign.verify.run import Result, VerifyOptions, results

pytestmark = [
    pytest.mark.lava,
    pytest.mark.slow,
    pytest.mark.skipif(LavaBackend().missing() is not None, reason=LavaBackend().missing() or ""),
]

LARGEST_STEPS = 80
"""Short cases, which are the small ones: Lava's time goes by steps."""


def short_cases(name: str, wanted: int) -> list[Case]:
    """Cases that have a feature."""
    (feature,) = [f for f in FEATURES if f.name == name]
    given: list[bool] = []

    def noted(rng: Generator, network: ChipNetwork) -> ChipNetwork:
        changed = feature.draw(rng, network)
        given.append(changed is not network)
        return changed

    drawn = (draw_case(7, n, [replace(feature, draw=noted, share=1.0)]) for n in count(100 * len(name)))
    return list(islice((case for case in drawn if given.pop() and case.steps <= LARGEST_STEPS), wanted))


@cache
def compared() -> dict[str, Result]:
    """A case of each feature, all of them in one run."""
    names = [feature.name for feature in supported()]
    cases = [replace(short_cases(name, 1)[0], number=number) for number, name in enumerate(names)]
    runners = {name: (EmulatorRunner(name), 1) for name in ("kernels", "reference")}
    options = VerifyOptions(cases=len(cases), workers=2)
    stream = results(options, oracle=LavaOracle(), runners=runners, draw=lambda number: cases[number])
    return {names[result.case.number]: result for result in stream}


@pytest.mark.parametrize("feature", [f.name for f in supported()])
def test_every_feature_equals_lava(feature: str) -> None:
    result = compared()[feature]
    assert not result.differences, f"case {result.case.number}: {result.differences[0]}"
    assert {"kernels", "reference"} == set(result.compared)
    assert all(c.changing > 0 for c in result.compared.values())


def test_a_fault_is_shrunk_with_lava_as_the_judge() -> None:
    runners = {"faulty": (Faulty(short_window), 1)}
    cases = short_cases("rectangular synapses", 4)
    stream = results(VerifyOptions(cases=4), oracle=LavaOracle(), runners=runners, draw=lambda number: cases[number])
    result = next(r for r in stream if r.differences)
    stream.close()
    found = smallest(result.case, result.differences[0], LavaOracle(), runners)
    assert (found.difference.left, found.difference.right, found.difference.state) == ("lava", "faulty", "u")
    assert [p.window_steps for p in found.case.network.populations if p.window_steps] == [2]
    assert all(p.size == 1 for p in found.case.network.populations)
