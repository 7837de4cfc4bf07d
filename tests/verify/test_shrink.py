"""Faults put into the emulator on purpose: what is found of them is small, and shows the fault."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from faulty_emulators import (
    Faulty,
    fails_on_delays,
    fast_membrane,
    forgotten_delays,
    lost_product,
    lost_synapse,
    short_window,
    slow_trace,
    unflipped,
)

from neuroalign.chip import ChipNetwork, Convolution
from neuroalign.recording import Recording
from neuroalign.verify.case import Case
from neuroalign.verify.compare import Difference
from neuroalign.verify.draw import draw_case
from neuroalign.verify.features import FEATURES
from neuroalign.verify.files import read_case, size
from neuroalign.verify.investigate import replay, save, smallest
from neuroalign.verify.oracles import EmulatorOracle
from neuroalign.verify.run import VerifyOptions, results
from neuroalign.verify.shrink import Shrunk, shrink

Change = Callable[[ChipNetwork], ChipNetwork]
KERNELS = EmulatorOracle("kernels")
FAULTS: tuple[Change, ...] = (slow_trace, fast_membrane, forgotten_delays, lost_product, fails_on_delays)
FEATURE_FAULTS: dict[Change, str] = {
    unflipped: "convolution",
    lost_synapse: "sparse synapses",
    short_window: "rectangular synapses",
}


@cache
def found(change: Change) -> tuple[Case, Difference, Shrunk]:
    """The first drawn case that shows a fault, and what is left of it."""
    runners = {"faulty": (Faulty(change), 1)}
    options = VerifyOptions(cases=64, workers=1)
    feature = FEATURE_FAULTS.get(change)
    given = [replace(f, share=1.0) for f in FEATURES if f.name == feature]
    stream = results(options, oracle=KERNELS, runners=runners, draw=lambda number: draw_case(0, number, given))
    result = next(r for r in stream if r.differences)
    stream.close()
    (difference,) = result.differences
    return result.case, difference, shrink(result.case, difference, KERNELS, Faulty(change))


@pytest.mark.parametrize("change", FAULTS)
def test_what_is_left_is_small(change: Change) -> None:
    case, _, shrunk = found(change)
    network = shrunk.case.network
    assert size(shrunk.case) < size(case)
    assert sum(p.size for p in network.populations) <= 2
    assert len(network.connections) <= 2
    assert all(c.weight.size == 1 for c in network.connections)
    assert shrunk.case.stimulus.samples == 1
    products = [p for c in shrunk.case.plastic if c.plasticity for p in c.plasticity.program.products]
    assert len(products) <= (2 if change is lost_product else 1)
    assert shrunk.runs > 0


def test_a_wrong_trace_decay_leaves_one_trace_that_decays() -> None:
    _, _, shrunk = found(slow_trace)
    (connection,) = shrunk.case.plastic
    assert connection.plasticity is not None
    program = connection.plasticity.program
    assert (shrunk.difference.state, shrunk.difference.of) == ("x1", connection.name)
    assert program.trace("x1").impulse > 0
    assert all(program.trace(name).impulse == 0 for name in ("x2", "y1", "y2", "y3"))
    assert shrunk.difference.step == shrunk.case.steps, "steps are left after the difference"


def test_a_wrong_membrane_leaves_one_neuron() -> None:
    _, _, shrunk = found(fast_membrane)
    (population,) = shrunk.case.network.populations
    assert population.size == 1
    assert not shrunk.case.network.connections
    assert shrunk.difference.state == "v"


def test_wrong_delays_leave_a_delay_of_two() -> None:
    _, _, shrunk = found(forgotten_delays)
    (connection,) = shrunk.case.network.connections
    assert connection.max_delay >= 2
    assert shrunk.difference.state == "a"


def test_a_lost_product_leaves_two() -> None:
    _, _, shrunk = found(lost_product)
    (connection,) = shrunk.case.plastic
    assert connection.plasticity is not None
    assert len(connection.plasticity.program.dw) == 2
    assert shrunk.difference.state == "w"


def test_a_crash_is_shrunk_to_a_crash() -> None:
    _, difference, shrunk = found(fails_on_delays)
    assert "IndexError: index 3" in str(difference)
    assert "IndexError: index 3" in str(shrunk.difference)
    (connection,) = shrunk.case.network.connections
    assert connection.max_delay > 2


def test_a_file_replays_the_difference(tmp_path: Path) -> None:
    _, _, shrunk = found(slow_trace)
    path = save(tmp_path, shrunk, {"neuroalign": "0"})
    case = read_case(path)
    again = replay(case, KERNELS, {"faulty": (Faulty(slow_trace), 40)})
    assert again.differences == [shrunk.difference]
    sound = replay(case, KERNELS, {"kernels": (Faulty(lambda network: network), 1)})
    assert not sound.differences


class Slow:
    """An oracle that is worth asking seldom."""

    name, width = "slow", 4

    def __init__(self) -> None:
        self.asked = 0

    def takes(self, case: Case) -> bool:
        return KERNELS.takes(case)

    def __call__(self, cases: Sequence[Case], stop: threading.Event) -> list[Recording]:
        self.asked += 1
        return KERNELS(cases, stop)


def test_the_reference_stands_in_for_a_slow_oracle() -> None:
    case, _, shrunk = found(fast_membrane)
    oracle, runners = Slow(), {"faulty": (Faulty(fast_membrane), 1)}
    difference = replay(case, oracle, runners).differences[0]
    final = smallest(case, difference, oracle, runners)
    assert final.difference.left == "slow"
    assert size(final.case) <= size(shrunk.case)
    assert oracle.asked < final.runs / 2


def test_a_kernel_upside_down_leaves_a_small_image() -> None:
    _, _, shrunk = found(unflipped)
    (connection,) = shrunk.case.network.connections
    assert isinstance(connection.pattern, Convolution)
    assert connection.pattern.shape[0] <= 4
    assert shrunk.difference.state == "a"


def test_a_lost_synapse_leaves_one_synapse() -> None:
    _, _, shrunk = found(lost_synapse)
    (connection,) = shrunk.case.network.connections
    assert connection.weight.shape == (1,)
    assert connection.shape == (1, 1)


def test_a_short_window_leaves_one_neuron_with_a_window() -> None:
    _, _, shrunk = found(short_window)
    windows = [p.window_steps for p in shrunk.case.network.populations if p.window_steps]
    assert windows == [2]
    assert shrunk.difference.state == "u"


def test_the_difference_named_is_the_first() -> None:
    case, difference, _ = found(fast_membrane)
    right = Faulty(fast_membrane)(case).states[difference.of, "v"]
    left = Faulty(lambda network: network)(case).states[difference.of, "v"]
    sample, step, neuron = min(np.argwhere(left != right).tolist(), key=lambda at: (at[1], at[0], at[2]))
    assert (difference.sample, difference.step, difference.index) == (sample, step + 1, (neuron,))
    at = (sample, step, neuron)
    assert difference.values == (left[at], right[at])
