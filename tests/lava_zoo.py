"""Networks of Lava processes as users build them, with as many kinds of parts as there are."""

from __future__ import annotations

from typing import Any

import numpy as np

from neuroalign.sim.lava_processes import lava_compat

lava_compat.install()

from lava.magma.core.learning.constants import GradedSpikeCfg  # noqa: E402
from lava.magma.core.learning.learning_rule import Loihi2FLearningRule, Loihi3FLearningRule  # noqa: E402
from lava.proc.conv.process import Conv  # noqa: E402
from lava.proc.dense.process import DelayDense, Dense, LearningDense  # noqa: E402
from lava.proc.io.source import RingBuffer  # noqa: E402
from lava.proc.learning_rules.stdp_learning_rule import STDPLoihi  # noqa: E402
from lava.proc.lif.models import PyLifModelBitAcc  # noqa: E402
from lava.proc.lif.process import LIF, LearningLIF, LIFReset, TernaryLIF  # noqa: E402
from lava.proc.monitor.process import Monitor  # noqa: E402
from lava.proc.sparse.process import DelaySparse, LearningSparse, Sparse  # noqa: E402
from lava.utils.weightutils import SignMode  # noqa: E402
from scipy.sparse import csr_matrix  # noqa: E402

__all__ = [
    "LIF",
    "Dense",
    "LearningDense",
    "Loihi2FLearningRule",
    "PyLifModelBitAcc",
    "SignMode",
    "TernaryLIF",
    "join",
    "learning_network",
    "monitored",
    "odd_network",
    "spikes",
    "static_network",
]


def join(sender: Any, synapse: Any, target: Any) -> None:
    """Wire neurons through a connection process."""
    sender.s_out.connect(synapse.s_in)
    synapse.a_out.connect(target.a_in)


def spikes(rng: np.random.Generator, shape: tuple[int, ...], steps: int, rate: float = 0.3) -> Any:
    """A RingBuffer of random spikes."""
    return RingBuffer(data=(rng.random((*shape, steps)) < rate).astype(int))


def static_network() -> dict[str, Any]:
    """Every connection that does not learn, every neuron, images, several targets, turned ports, odd weights."""
    rng = np.random.default_rng(7)
    source, graded = spikes(rng, (12,), 17), RingBuffer(data=rng.integers(-9, 10, (6, 11)))
    first = LIF(
        shape=(3, 4),
        du=1900,
        dv=420,
        vth=900,
        bias_mant=rng.integers(-30, 60, (3, 4)),
        bias_exp=4,
        v=rng.integers(-99, 99, (3, 4)),
    )
    second = TernaryLIF(shape=(9,), du=2000, dv=900, vth_hi=400, vth_lo=-300)
    third = LIFReset(shape=(9,), du=1500, dv=0, vth=400, reset_interval=7, reset_offset=9, name="third")
    image = LIF(shape=(5, 4, 2), du=4095, dv=900, vth=200)
    map_ = LIF(shape=(3, 3, 3), du=3000, dv=300, vth=60, u=50)
    odd = rng.integers(-120, 120, (12, 12))
    source.s_out.connect((wide := Dense(weights=odd, num_weight_bits=7, weight_exp=1)).s_in)
    wide.a_out.reshape((3, 4)).connect(first.a_in)
    first.s_out.flatten().connect(
        (delayed := DelayDense(weights=rng.integers(-90, 200, (9, 12)), delays=rng.integers(0, 6, (9, 12)))).s_in
    )
    delayed.a_out.connect(second.a_in)
    delayed.a_out.connect(third.a_in)
    sparse = Sparse(
        weights=csr_matrix(rng.integers(-60, 60, (9, 9)) * (rng.random((9, 9)) < 0.4)),
        num_message_bits=8,
        weight_exp=-1,
    )
    join(second, sparse, third)
    weight = csr_matrix(np.where(rng.random((9, 6)) < 0.6, rng.integers(1, 40, (9, 6)), 0))
    delays = csr_matrix(np.where(weight.toarray() > 0, rng.integers(0, 4, (9, 6)), 0))
    join(graded, DelaySparse(weights=weight, delays=delays, num_message_bits=5), second)
    inhibits = Dense(weights=-rng.integers(0, 31, (40, 9)), sign_mode=SignMode.INHIBITORY, num_weight_bits=6)
    third.s_out.connect(inhibits.s_in)
    inhibits.a_out.reshape((5, 4, 2)).connect(image.a_in)
    eye = Dense(weights=rng.integers(0, 90, (40, 12)))
    first.s_out.transpose((1, 0)).flatten().connect(eye.s_in)
    eye.a_out.reshape((4, 5, 2)).transpose((1, 0, 2)).connect(image.a_in)
    conv = Conv(weight=rng.integers(-20, 30, (3, 3, 2, 2)), input_shape=(5, 4, 2), stride=(2, 1), padding=(1, 0))
    join(image, conv, map_)
    back = Dense(weights=rng.integers(-40, 90, (12, 27)))
    map_.s_out.reshape((27,)).connect(back.s_in)
    back.a_out.reshape((3, 4)).connect(first.a_in)
    turned = Sparse(weights=csr_matrix(np.random.default_rng(4).integers(-20, 25, (12, 12))))
    first.s_out.transpose((1, 0)).flatten().connect(turned.s_in)
    turned.a_out.reshape((4, 3)).transpose((1, 0)).connect(first.a_in)
    return {k: v for k, v in locals().items() if hasattr(v, "in_ports")}


def learning_network() -> dict[str, Any]:
    """Synapses that learn: two and three factors, tags, sparse, graded payloads, epochs, drives or not."""
    rng = np.random.default_rng(8)
    source, graded = (
        spikes(rng, (10,), 400),
        RingBuffer(data=rng.integers(0, 200, (10, 400)) * (rng.random((10, 400)) < 0.2)),
    )
    reward = RingBuffer(data=rng.integers(-60, 90, (6, 23)))
    pre = LIF(shape=(10,), du=4095, dv=4095, vth=40)
    post = LIF(shape=(6,), du=3000, dv=1500, vth=1500, bias_mant=25, bias_exp=6)
    other = LearningLIF(shape=(6,), du=3000, dv=1500, vth=150, bias_mant=4, bias_exp=6)
    join(source, Dense(weights=np.eye(10, dtype=int) * 100), pre)
    traces = {"x1_impulse": 20.5, "x1_tau": 12, "y1_impulse": 30, "y1_tau": 8.5}
    tagged = Loihi2FLearningRule(
        dw="u0*sgn(t-4)*2^1", dt="2^-1*x1*y0 - 2^-1*x0*y1 - 2^-2*u0*t", **traces, t_epoch=2, rng_seed=3
    )
    drives = LearningDense(
        weights=rng.integers(-20, 60, (6, 10)), tag_1=rng.integers(0, 9, (6, 10)), learning_rule=tagged, name="drives"
    )
    join(pre, drives, post)
    post.s_out.connect(drives.s_in_bap)
    third = Loihi3FLearningRule(dw="2^-6*y1*x0*x1 - 2^-3*u2*w*y2", x1_impulse=30, x1_tau=10, rng_seed=5)
    rewarded = LearningDense(weights=rng.integers(0, 50, (6, 10)), learning_rule=third)
    join(pre, rewarded, other)
    other.s_out.connect(rewarded.s_in_bap)
    reward.s_out.connect(rewarded.s_in_y1)
    post.s_out.connect(rewarded.s_in_y2)
    stdp = STDPLoihi(learning_rate=1, A_plus=2, A_minus=-1, tau_plus=10, tau_minus=10, t_epoch=4, rng_seed=9)
    weights = csr_matrix(np.where(rng.random((6, 10)) < 0.5, 2 * rng.integers(1, 40, (6, 10)), 0))
    watches = LearningSparse(weights=weights, learning_rule=stdp)
    pre.s_out.connect(watches.s_in)
    other.s_out.connect(watches.s_in_bap)
    payload = Loihi2FLearningRule(dw="2^-4*x1*y0 - 2^-2*u3*w", x1_tau=30, t_epoch=3, rng_seed=4)
    graded_in = LearningDense(
        weights=rng.integers(0, 30, (6, 10)),
        learning_rule=payload,
        num_message_bits=8,
        weight_exp=-2,
        graded_spike_cfg=GradedSpikeCfg.OVERWRITE,
    )
    join(graded, graded_in, post)
    post.s_out.connect(graded_in.s_in_bap)
    return {k: v for k, v in locals().items() if hasattr(v, "in_ports")}


def odd_network() -> dict[str, Any]:
    """Numbers as users leave them: fractions, wide weights, payloads taken as flags, wrong signs, values of each neuron."""
    rng = np.random.default_rng(3)
    source = RingBuffer(data=rng.integers(-3, 4, (8, 50)) * (rng.random((8, 50)) < 0.3))
    fractions = RingBuffer(data=rng.random((8, 50)) * 2.5)
    neurons = LIF(
        shape=(6,),
        du=np.array([100, 900, 2000, 3000, 4095, 0]),
        dv=np.arange(6) * 300,
        vth=np.arange(6) * 50 + 40,
        bias_mant=rng.normal(0, 40, 6),
        bias_exp=np.array([6, 5, -1, 0, 6, 6]),
        v=3.7,
    )
    join(source, Dense(weights=rng.normal(0, 90, (6, 8))), neurons)
    join(fractions, Dense(weights=np.abs(rng.integers(0, 300, (6, 8))), num_message_bits=4, weight_exp=-3), neurons)
    ternary = TernaryLIF(shape=(5,), du=1000, dv=900, vth_hi=1200, vth_lo=-1200)
    join(neurons, Dense(weights=rng.integers(-90, 60, (5, 6)), sign_mode=SignMode.MIXED, num_weight_bits=4), ternary)
    join(ternary, Sparse(weights=csr_matrix(rng.integers(-1, 4, (6, 5)))), neurons)
    join(ternary, Dense(weights=rng.integers(-200, 9, (5, 5)), sign_mode=SignMode.EXCITATORY), ternary)
    join(ternary, Dense(weights=rng.integers(-400, 400, (5, 5)), sign_mode=SignMode.NULL, num_message_bits=2), ternary)
    rule = Loihi2FLearningRule(dw="2^-3*x0*(y1+3) - 2^-6*w*y0*x0", y1_impulse=60.25, y1_tau=3.3, rng_seed=2, t_epoch=7)
    plastic = LearningDense(
        weights=rng.integers(-500, 500, (5, 6)),
        learning_rule=rule,
        sign_mode=SignMode.EXCITATORY,
        num_weight_bits=5,
        weight_exp=1,
    )
    neurons.s_out.connect(plastic.s_in)
    ternary.s_out.connect(plastic.s_in_bap)
    return {k: v for k, v in locals().items() if hasattr(v, "in_ports")}


def monitored(steps: int) -> tuple[Any, Any, list[Any], Any]:
    """A small network with monitors of its own: source, an image, its monitors, and synapses that learn between turned ports."""
    rng = np.random.default_rng(9)
    source, neurons = spikes(rng, (5,), steps), LIF(shape=(4, 3, 2), du=700, dv=200, vth=100)
    dense = Dense(weights=2 * rng.integers(-30, 60, (24, 5)))
    source.s_out.connect(dense.s_in)
    dense.a_out.reshape((4, 3, 2)).connect(neurons.a_in)
    target = LIF(shape=(4, 3, 1), du=700, dv=200, vth=100)
    join(neurons, Conv(weight=2 * rng.integers(-9, 20, (1, 1, 1, 2)), input_shape=(4, 3, 2)), target)
    rule = Loihi2FLearningRule(
        dw="2^-1*x1*y0 - 2^-2*y1*x0", x1_impulse=16, x1_tau=9, y1_impulse=9, y1_tau=9, rng_seed=3
    )
    plastic = LearningDense(weights=2 * rng.integers(-30, 60, (12, 24)), learning_rule=rule)
    neurons.s_out.flatten().connect(plastic.s_in)
    plastic.a_out.reshape((3, 4, 1)).transpose((1, 0, 2)).connect(target.a_in)
    target.s_out.transpose((1, 0, 2)).flatten().connect(plastic.s_in_bap)
    monitors = [Monitor(), Monitor()]
    monitors[0].probe(neurons.v, steps)
    monitors[1].probe(neurons.s_out, steps)
    return source, neurons, monitors, plastic
