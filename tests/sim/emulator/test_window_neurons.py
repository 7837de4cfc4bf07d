"""Window neurons: the compiled steps equal the reference, and the reference does what is written down."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from neuroalign.chip.window_neurons import CLEAR, LARGEST_SENT, WindowNeurons
from neuroalign.errors import InputError, NetworkError
from neuroalign.sim.emulator.window_neurons import STATES, Sent, WindowRun

ONE = 1 << 16
NEURONS = WindowNeurons("driven", 20, 390, 1161, 2867, ONE, -ONE, ONE // 10, 30, 4, 11, 3)


def drawn(seed: int) -> tuple[WindowNeurons, Any]:
    """Neurons with other constants, and input that also runs their states out of range."""
    rng = np.random.default_rng(seed)
    window = int(rng.integers(1, 40))
    slow, fast, v = (int(x) for x in rng.integers(0, 4097, 3))
    neurons = WindowNeurons(
        "drawn", 7, slow, fast, v, int(rng.integers(1, 1 << 18)), -int(rng.integers(0, 1 << 18)), 0, window,
        int(rng.integers(1, 128 // window + 1)), int(rng.integers(0, 14)), int(rng.integers(0, 6)),
        int(rng.integers(0, 8)),
    )  # fmt: skip
    neurons = replace(neurons, near=int(rng.integers(0, neurons.threshold)))
    scale = 10 ** rng.uniform(1, 7)
    given = np.round(scale * rng.standard_normal((400, 7)) * (rng.random((400, 7)) < 0.5)).astype(np.int64)
    return neurons, given


@pytest.mark.parametrize("seed", range(12))
def test_compiled_steps_equal_the_reference_bit_for_bit(seed: int) -> None:
    neurons, given = drawn(seed)
    kernels, reference = WindowRun(neurons), WindowRun(neurons, "reference")
    for part in (given[:150], given[150:151], given[151:]):
        found, wanted = kernels.advance(part), reference.advance(part)
        for name in Sent._fields:
            assert np.array_equal(getattr(found, name), getattr(wanted, name)), name
        assert np.array_equal(kernels.states, reference.states)


@pytest.mark.parametrize("implementation", ["kernels", "reference"])
def test_a_window_is_counted_as_published(implementation: Any) -> None:
    """Constant drive that ends just below threshold: one window after another, none with a spike."""
    neurons = replace(NEURONS, size=1, slow_decay=4096, fast_decay=4096, weight_shift=0)
    assert neurons.slow_decay == neurons.fast_decay  # both currents are 0, so v only decays: set it by hand
    run = WindowRun(neurons, implementation)
    run.states[STATES.index("v")] = round(3.2 * ONE)  # decays to 0.3 of it: 0.96 after one step
    run.states[STATES.index("resting")] = 2
    sent = run.advance(np.zeros((60, 1), np.int64))
    assert sent.spikes.sum() == 0
    inside = sent.inside[:, 0]
    assert inside[0] == -4 * 30
    assert (inside[1:31] == 4).all()
    assert not inside[31:].any()
    # the largest drive is that at the opening, which the first step of the window sees
    u = (round(3.2 * ONE) * (4096 - 2867)) >> 12
    assert np.flatnonzero(sent.outcome[:, 0]).tolist() == [31]
    assert sent.outcome[31, 0] == -((ONE + u) >> 11)
    assert np.flatnonzero(sent.clear[:, 0]).tolist() == [31]
    assert sent.clear[31, 0] == CLEAR
    assert inside.sum() == 0  # the baseline takes back as many samples as there are


def test_what_is_sent_fits_its_factors_and_windows_balance() -> None:
    given = (np.random.default_rng(0).random((6000, 20)) < 0.06) * 1408
    sent = WindowRun(NEURONS).advance(given)
    assert set(np.unique(sent.inside)) == {-120, 0, 4}
    assert np.abs(sent.outcome).max() <= LARGEST_SENT
    above = sent.outcome > 0
    assert 0.3 < above.sum() / (sent.outcome != 0).sum() < 1
    assert sent.outcome[above].min() >= 2 * ONE * 0.9 // (1 << 11)
    for i in range(20):
        opened, ended = np.flatnonzero(sent.inside[:, i] < 0), np.flatnonzero(sent.clear[:, i])
        assert np.array_equal(opened[: len(ended)] + 31, ended)
        for start in opened[: len(ended)]:
            spiked = sent.spikes[start + 1 : start + 31, i].any()
            assert (sent.outcome[start + 31, i] > 0) == spiked
            assert not sent.spikes[start, i]  # or Lava would cut the negative factor


def test_without_windows_they_only_spike() -> None:
    given = (np.random.default_rng(0).random((500, 20)) < 0.2) * 1408
    plain, watching = WindowRun(NEURONS.without_windows()).advance(given), WindowRun(NEURONS).advance(given)
    assert np.array_equal(plain.spikes, watching.spikes)
    assert plain.spikes.any()
    assert not plain.inside.any()
    assert not plain.outcome.any()


def test_refusals() -> None:
    with pytest.raises(NetworkError, match="choose a flag of at most 4"):
        replace(NEURONS, flag=5)
    with pytest.raises(NetworkError, match="window is 64"):
        replace(NEURONS, window=64, flag=1)
    with pytest.raises(InputError, match="whole numbers"):
        WindowRun(NEURONS).advance(np.zeros((3, 20)))
    with pytest.raises(InputError, match="20"):
        WindowRun(NEURONS).advance(np.zeros((3, 19), np.int64))
