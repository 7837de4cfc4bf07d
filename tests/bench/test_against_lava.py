"""A tiny real measurement against Lava, and what happens where the two sides differ."""

from __future__ import annotations

import pytest

from neuroalign.bench import against_lava
from neuroalign.bench.against_lava import Turns, compare
from neuroalign.bench.emulated import EmulatedRun
from neuroalign.bench.networks import plastic_network, silence, static_network
from neuroalign.bench.settings import Settings
from neuroalign.errors import BackendFailed
from neuroalign.sim.emulator import Emulator
from neuroalign.sim.lava_processes.backend import LavaBackend

TINY = Settings(chunks=1, chunk_seconds=0.005, quick=True)
needs_lava = pytest.mark.skipif(LavaBackend().missing() is not None, reason=LavaBackend().missing() or "")


@pytest.mark.lava
@needs_lava
def test_one_chunk_of_sixteen_plastic_neurons() -> None:
    result = compare("plastic", plastic_network(16, 1, 0.1), 16, TINY)
    lava, emulator, stepped = result.series
    assert [s.name for s in result.series] == ["lava", "emulator", "stepped"]
    assert len(lava.steps) == 1
    assert emulator.steps == stepped.steps
    assert emulator.steps[0] >= lava.steps[0]
    assert result.figure("Lava's best / emulator's median").value == lava.best / emulator.median
    assert result.figure("median / median").value == lava.median / emulator.median
    assert result.figure("synapse updates a second").value == 16 * 16 / emulator.median
    assert result.figure("stepped from Python, median step").value == 1e6 * stepped.median
    assert result.figure("spikes a step, sources").value == pytest.approx(10, rel=0.3)
    ours = Emulator().run(plastic_network(16, 1, 0.1), silence(20), [("sources", "s"), ("targets", "s")])
    assert f"{sum(int(s.sum()) for s in ours.states.values())} spikes on both sides" in result.notes[0]


@pytest.mark.lava
@needs_lava
def test_no_ratio_is_given_where_the_networks_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(against_lava, "EmulatedRun", lambda network: EmulatedRun(static_network(16, 2)))
    with pytest.raises(
        BackendFailed, match=r"^bench: [uv] of 'neurons' differs between emulator and Lava after 20 steps"
    ):
        compare("static", static_network(16, 1), 16, TINY)


def test_the_closed_loop_is_a_run_of_the_emulator() -> None:
    network = plastic_network(24, 4, 0.1)
    run = EmulatedRun(network)
    for steps in (1, 300, 4000, 199):
        run.advance(steps)
    whole = Emulator().run(network, silence(4500), [(p.name, s) for p in network.populations for s in "suv"])
    for population in network.populations:
        assert run.spikes(population.name) == whole.states[population.name, "s"].sum()
        for state in "uv":
            assert (run.state(population.name, state) == whole.states[population.name, state][0, -1]).all()


def test_a_chunk_is_as_long_as_asked_for() -> None:
    from neuroalign.sim.lava_processes.timing import LavaChunk

    turns = Turns(static_network(8, 1), 2, 1.0, share=0.0)
    assert turns(0, LavaChunk(100, 5.0, {})) == against_lava.TRIAL_STEPS
    assert turns(1, LavaChunk(20, 0.1, {})) == 200
    assert turns(2, LavaChunk(200, 1.0, {})) == 200
    assert turns(3, LavaChunk(200, 1.5, {})) == 0
    assert turns.series("lava").seconds == (1.0, 1.5)
    assert len(turns.series("emulator").seconds) == 2
    assert turns.emulated.done == 520
    assert turns.series("emulator").steps == (200, 200)
    assert turns.ahead.done == 2 * against_lava.WARM_STEPS + 400


def test_the_emulators_chunks_last_long_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    from neuroalign.sim.lava_processes.timing import LavaChunk

    turns = Turns(static_network(8, 1), 1, 1.0)
    monkeypatch.setattr(turns, "_advance", lambda: 0.002)  # 100 steps of 20 us
    turns(0, LavaChunk(100, 5.0, {}))
    assert turns(1, LavaChunk(20, 0.1, {})) == 200
    assert turns.steps == 5000  # a tenth of a second


def test_a_session_that_differs_is_no_measurement() -> None:
    from neuroalign.sim.lava_processes.timing import LavaChunk

    turns = Turns(plastic_network(8, 1), 1, 1.0, stepped=True)
    turns.session = Emulator().start(plastic_network(8, 2))
    with pytest.raises(BackendFailed, match=r"v of 'sources' differs between a session and a run after 100 steps"):
        turns(0, LavaChunk(100, 5.0, {}))
