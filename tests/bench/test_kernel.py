"""What the kernels' cases time, and how turns are taken."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from neuroalign.bench import kernel
from neuroalign.bench.kernel import Kernel, in_turns, prepared, spike_sets
from neuroalign.bench.networks import plastic_network, silence
from neuroalign.bench.settings import Settings
from neuroalign.chip import ChipNetwork
from neuroalign.sim.emulator import Emulator
from neuroalign.sim.emulator.codegen_source import CHOOSE, DENSE, EVENT, lanes_of
from neuroalign.sim.emulator.codegen_terms import plan_of, rule_of


class Clock:
    """Time that passes only in calls."""

    def __init__(self) -> None:
        self.now = 0.0
        self.order: list[str] = []

    def costing(self, name: str, seconds: float) -> kernel.Timed:
        def timed(count: int) -> None:
            self.now += count * seconds
            self.order.append(name)

        return timed


def test_sides_take_turns_and_chunks_last_about_as_long(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr("neuroalign.bench.kernel.time.thread_time", lambda: clock.now)
    timed = {"slow": clock.costing("slow", 1e-3), "fast": clock.costing("fast", 1e-5)}
    sides = in_turns("x", timed, Settings(chunks=3))
    assert clock.order[-6:] == ["slow", "fast"] * 3
    for name, cost in (("slow", 1e-3), ("fast", 1e-5)):
        assert sides[name].per_step == pytest.approx((cost,) * 3)
        assert sides[name].seconds[0] == pytest.approx(kernel.CHUNK_SECONDS, rel=0.1)
        assert sides[name].steps[0] % kernel.SPIKE_SETS == 0


def test_the_choice_is_judged_against_the_better_form_of_each_turn() -> None:
    from neuroalign.bench.measured import Series

    turns = (10, 10, 10)
    sides = {
        "dense": Series("dense", turns, (1.0, 9.0, 1.0)),
        "event": Series("event", turns, (2.0, 2.0, 2.0)),
        "chosen": Series("chosen", turns, (1.5, 2.0, 1.1)),
    }
    figure = kernel._scaled(128, 0.02, sides, Settings()).figure("chosen / better of both")
    assert figure.value == pytest.approx(1.1)
    assert figure.verdict == "must"


def test_spikes_have_the_rates_asked_for() -> None:
    spikes = spike_sets(500, 0.1, 0.5, 1)
    assert spikes.shape == (kernel.SPIKE_SETS, 1000)
    assert spikes[:, :500].mean() == pytest.approx(0.1, rel=0.1)
    assert spikes[:, 500:].mean() == pytest.approx(0.5, rel=0.1)
    assert set(np.unique(spikes)) == {0, 1}


@pytest.mark.parametrize("name", [name for name in kernel.VARIANTS if "int" in name and "interpreter" not in name])
def test_variants_have_the_lanes_that_they_are_named_after(name: str) -> None:
    variant = kernel.VARIANTS[name]
    plasticity = plastic_network(4, 1, rule=variant.rule).connections[0].plasticity
    assert plasticity is not None
    plan = plan_of(rule_of(plasticity, "mixed", True))
    rows = [True] if variant.rates == kernel.ALL else [True, False]
    assert {f"int{lanes_of(plan, spiked)}" for spiked in rows} == {name.split()[0]}


def test_every_form_does_the_work_of_the_emulator() -> None:
    network = plastic_network(24, 1, 0.1)
    spikes = spike_sets(24, 0.2, 0.2, 3)
    weights = []
    for form in (DENSE, EVENT, CHOOSE):
        run = prepared(network, "generated")
        before = run.read("learning", "w")
        assert np.array_equal(before, emulated(network))
        Kernel(run, form).update(spikes)(40)
        weights.append(run.read("learning", "w"))
        assert (weights[-1] != before).any()
    assert np.array_equal(weights[0], weights[1])
    assert np.array_equal(weights[0], weights[2])


def emulated(network: ChipNetwork) -> NDArray[Any]:
    """Weights after the steps that every kernel starts from."""
    probes = [("learning", "w")]
    recording = Emulator().run(network, silence(kernel.WARM_STEPS), probes, implementation="reference")
    return np.asarray(recording.states[probes[0]][0, 0])
