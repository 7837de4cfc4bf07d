"""Known answers of Lava 0.10's own tests, by the reference alone.

Sources: lava-nc/lava v0.10.0, tests/lava/proc/dense/test_stdp_sim.py and tests/lava/proc/dense/test_learning.py, all
cases of both (those with a LearningLIF have the figures of the same ones with a LIF).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from neuroalign.chip import GradedMode
from neuroalign.microcode import Program, Trace
from neuroalign.microcode.text import program_from_text
from neuroalign.sim.emulator.learning_reference import plastic_state
from neuroalign.sim.emulator.traces import RECEIVED, trace_arithmetic

Array = NDArray[Any]


def loihi_stdp(a_plus: str, a_minus: str, t_epoch: int) -> Program:
    """Lava's STDPLoihi with learning rate 1, taus 10 and its default impulses, as Lava writes its rule."""
    dw = f"(1) * {a_minus} * x0 * y1 +(1) * {a_plus} * y0 * x1"
    return program_from_text(dw, t_epoch=t_epoch, rng_seed=0, x1=Trace(16, 10), y1=Trace(16, 10))


def final_weight(
    program: Program,
    weight: Array,
    bias: tuple[Array, Array],
    threshold: float,
    fixed: bool,
    factors: Callable[[int, Array], Array] | None = None,
) -> Array:
    """Weights after 100 steps of LIF -> plastic -> LIF, where neither current nor membrane of Lava's LIF decays.

    (Fixed: du = 0 still decays the current by 1/4096 a step.) ``factors`` makes third factors (3, N_target) of the step
    and the target's spikes in it.
    """
    state = plastic_state(program, weight, fixed=fixed, modulated=factors is not None)
    if factors is not None and not fixed:
        # Lava's float model lets third factors decay within the epoch, too; ours leaves them as they are
        state.y_arithmetic = trace_arithmetic([RECEIVED] * 3, fixed)
    u, arriving = np.zeros(len(weight)), np.zeros(len(weight))
    v = [np.zeros(len(b)) for b in bias]
    for t in range(1, 101):
        u = np.trunc(u * 4095 / 4096) + arriving * 64 if fixed else u + arriving
        v = [v[0] + bias[0], v[1] + u + bias[1]]
        spikes = [potential > threshold for potential in v]
        v = [np.where(spiked, 0, potential) for spiked, potential in zip(spikes, v, strict=True)]
        arriving = state.weight @ spikes[0].astype(state.weight.dtype)
        state.record_source(t, spikes[0])
        state.record_target(t, spikes[1])
        if factors is not None:
            state.receive(factors(t, spikes[1]))
        state.learn(t)
    return state.weight


@pytest.mark.parametrize(
    ("program", "weight", "bias", "expected"),
    [
        (loihi_stdp("(4)", "(-2)", 2), np.eye(1), ([25000], [20000]), [[56]]),
        (
            loihi_stdp("(1)", "(-2)", 1),
            np.zeros((2, 3)),
            ([22000, 25000, 26000], [20000, 23000]),
            [[31, 2, -24], [-64, 30, 14]],
        ),
    ],
    ids=["one synapse", "six synapses"],
)
def test_stdp_fixed(program: Program, weight: Array, bias: Any, expected: Any) -> None:
    biases = (np.array(bias[0]), np.array(bias[1]))
    assert final_weight(program, weight, biases, 10000 << 6, fixed=True).tolist() == expected


@pytest.mark.parametrize(
    ("bias", "expected"),
    [
        (([0.1], [0.15]), [[-79.35744962]]),
        (
            ([0.08, 0.1, 0.11], [0.12, 0.15]),
            [[-39.5354368, -63.4727323, -80.0561724], [-22.9046844, -41.8479607, -54.5550086]],
        ),
    ],
    ids=["one synapse", "six synapses"],
)
def test_stdp_float(bias: Any, expected: Any) -> None:
    biases = (np.array(bias[0]), np.array(bias[1]))
    weight = np.zeros(np.shape(expected))
    final = final_weight(loihi_stdp("(1)", "(-2)", 1), weight, biases, 1.0, fixed=False)
    np.testing.assert_almost_equal(final, expected)


def reward_modulated(a_plus: str, impulse: float, decay: str, t_epoch: int) -> Program:
    """Lava's RewardModulatedSTDP with learning rate 1, A_minus -2 and taus 10, as Lava writes its rule."""
    dt = f"(1) * (-2) * x0 * y1 + (1) * {a_plus} * y0 * x1 - u0 * t * {decay}"
    return program_from_text(
        "u0 * t * y2", dt=dt, t_epoch=t_epoch, rng_seed=0, x1=Trace(impulse, 10), y1=Trace(0, 0), y2=Trace(0, 0)
    )


class RewardedNeurons:
    """Third factors of the tests' RSTDPLIF: y1 a trace of the spikes before, y2 a reward of 1 in steps 35 to 51.

    The reward passes a Dense without message bits, for which 250 and 16 count 1, one step later.
    """

    def __init__(self, neurons: int, impulse: float, fixed: bool) -> None:
        self.impulse, self.fixed = impulse, fixed
        self.y1, self.before = np.zeros(neurons), np.zeros(neurons)

    def __call__(self, t: int, spikes: Array) -> Array:
        self.y1 = self.y1 * np.exp(-1 / 10) + self.impulse * self.before
        self.y1 = np.floor(self.y1) if self.fixed else self.y1
        self.before = spikes.astype(np.float64)
        reward = float(100 // 3 < t - 1 <= 100 // 2)
        return np.array([self.y1, np.full_like(self.y1, reward), np.zeros_like(self.y1)])


@pytest.mark.parametrize(
    ("program", "impulse", "weight", "bias", "threshold", "expected"),
    [
        (reward_modulated("(4)", 16, "(1) * 2^-1", 1), 16, np.eye(1), ([3600], [3700]), 100, [[64]]),
        (
            reward_modulated("(4)", 20, "(2) * 2^0", 1),
            20,
            np.zeros((2, 3)),
            ([1900, 2500, 1200], [2400, 1600]),
            90,
            [[2, 1, -1], [15, 20, 9]],
        ),
    ],
    ids=["one synapse", "six synapses"],
)
def test_reward_modulated_fixed(
    program: Program, impulse: float, weight: Array, bias: Any, threshold: int, expected: Any
) -> None:
    biases = (np.array(bias[0]), np.array(bias[1]))
    factors = RewardedNeurons(len(weight), impulse, fixed=True)
    assert final_weight(program, weight, biases, threshold << 6, True, factors).tolist() == expected


@pytest.mark.parametrize(
    ("bias", "expected"),
    [
        (([0.1], [0.15]), [[33.4210359]]),
        (
            ([0.08, 0.1, 0.11], [0.12, 0.15]),
            [[191.7300724, 31.3616088, 255.5749675], [187.6922553, 17.4506295, 250.7446092]],
        ),
    ],
    ids=["one synapse", "six synapses"],
)
def test_reward_modulated_float(bias: Any, expected: Any) -> None:
    biases = (np.array(bias[0]), np.array(bias[1]))
    program = reward_modulated("(2)", 16, "(1) * 2^-1", 2)
    weight = np.zeros(np.shape(expected))
    factors = RewardedNeurons(len(weight), 16, fixed=False)
    final = final_weight(program, weight, biases, 1.0, False, factors)
    np.testing.assert_almost_equal(final, expected)


# mode, initial x1, then x1, x2 after each step, and the weight for the dependencies x0, y0 and u0
ONE_SPIKE_X2 = [0, 0, 0, 16, 16]
GRADED: list[tuple[GradedMode, int, list[int], list[int], dict[str, list[int]]]] = [
    (
        "impulse",
        0,
        [0, 0, 0, 14, 14],
        ONE_SPIKE_X2,
        {"x0": [10, 10, 10, 26, 26], "y0": [10, 10, 10, 25, 25], "u0": [10, 10, 10, 24, 24]},
    ),
    (
        "overwrite",
        15,
        [15, 26, 26, 22, 22],
        ONE_SPIKE_X2,
        {"x0": [10, 10, 10, 34, 34], "y0": [10, 10, 10, 33, 33], "u0": [10, 10, 10, 32, 32]},
    ),
    (
        "add-saturate",
        115,
        [115, 127, 127, 104, 104],
        ONE_SPIKE_X2,
        {"x0": [10, 10, 10, 125, 125], "y0": [10, 10, 10, 119, 119], "u0": [10, 10, 10, 114, 114]},
    ),
    (
        "add-carry",
        115,
        [115, 14, 14, 10, 10, 10, 36, 28, 28, 28],
        [0, 0, 0, 16, 16, 16, 16, 6, 6, 6],
        {
            "x0": [10, 10, 10, 22, 22, 22, 22, 22, 22, 22],
            "y0": [10, 10, 10, 21, 21, 21, 21, 49, 49, 49],
            "u0": [10, 10, 10, 20, 20, 20, 20, 48, 48, 48],
        },
    ),
]


@pytest.mark.parametrize("dependency", ["x0", "y0", "u0"])
@pytest.mark.parametrize(("mode", "x1_start", "x1", "x2", "weights"), GRADED, ids=[case[0] for case in GRADED])
def test_graded_spikes(
    mode: GradedMode, x1_start: int, x1: list[int], x2: list[int], weights: dict[str, list[int]], dependency: str
) -> None:
    program = program_from_text(f"{dependency} * x1", t_epoch=4, rng_seed=0, x1=Trace(16, 20), x2=Trace(24, 5))
    state = plastic_state(program, np.array([[10]]), fixed=True, graded=mode)
    state.x = np.array([[x1_start], [0]])
    seen: list[tuple[int, int, int]] = []
    for t in range(1, len(x1) + 1):
        state.record_source(t, np.array([51 if t % 5 == 2 else 0]))
        state.record_target(t, np.array([t % 5 == 3]))
        state.learn(t)
        seen.append((int(state.x[0, 0]), int(state.x[1, 0]), int(state.weight[0, 0])))
    assert seen == list(zip(x1, x2, weights[dependency], strict=True))


# mode, initial x1, x1 after each of five steps, and the last weight for the dependencies x0, y0 and u0
GRADED_FLOAT: list[tuple[GradedMode, float, list[float], tuple[float, float, float]]] = [
    ("impulse", 0, [0, 0, 0, 14.4773986, 14.4773986], (26, 25.2196707, 24.4773986)),
    ("overwrite", 15, [15, 25.5, 25.5, 20.8776342, 20.8776342], (33.0733541, 31.9480533, 30.8776342)),
    ("add-saturate", 15, [15, 40.5, 40.5, 33.1585954, 33.1585954], (46.6459154, 44.8586730, 43.1585954)),
    ("add-carry", 15, [15, 40.5, 40.5, 33.1585954, 33.1585954], (46.6459154, 44.8586730, 43.1585954)),
]


@pytest.mark.parametrize("dependency", [0, 1, 2], ids=["x0", "y0", "u0"])
@pytest.mark.parametrize(("mode", "x1_start", "x1", "weights"), GRADED_FLOAT, ids=[case[0] for case in GRADED_FLOAT])
def test_graded_spikes_float(
    mode: GradedMode, x1_start: float, x1: list[float], weights: tuple[float, float, float], dependency: int
) -> None:
    name = ("x0", "y0", "u0")[dependency]
    program = program_from_text(f"{name} * x1", t_epoch=4, x1=Trace(16, 20), x2=Trace(24, 5))
    state = plastic_state(program, np.array([[10.0]]), fixed=False, graded=mode)
    state.x = np.array([[x1_start], [0.0]])
    seen = []
    for t in range(1, 6):
        state.record_source(t, np.array([51.0 if t == 2 else 0.0]))
        state.record_target(t, np.array([t == 3]))
        state.learn(t)
        seen.append((state.x[0, 0], state.x[1, 0], state.weight[0, 0]))
    weight = [10, 10, 10, weights[dependency], weights[dependency]]
    x2 = [0, 0, 0, 16.0876811, 16.0876811]
    np.testing.assert_almost_equal(seen, np.array([x1, x2, weight]).T)
