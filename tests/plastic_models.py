"""Small networks with one plastic connection, and a learning rule written out in loops over synapses."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroalign.network import Connection, InputPort, Network, Population
from neuroalign.recording import Stimulus
from neuroalign.rule import LearningRule, Term

FloatArray = NDArray[np.float64]
DT = 1e-3


def lif(name: str, size: int, **values: float | FloatArray) -> Population:
    """LIF neurons with tau_mem 8 ms and a threshold of 1 V, but for what is given."""
    start = {"tau_mem": 8e-3, "tau_syn": 0.0, "r": 1.0, "w_in": 1.0, "v_leak": 0.0, "v_threshold": 1.0}
    start |= {"v_reset": 0.0, "bias": 0.0, "v0": 0.0, "i0": 0.0}
    filled: dict[str, Any] = {
        k: np.broadcast_to(np.asarray(values.get(k, v), float), (size,)).copy() for k, v in start.items()
    }
    return Population(name=name, kind="CubaLIF" if filled["tau_syn"].any() else "LIF", shape=(size,), **filled)


def relay(name: str, size: int) -> Population:
    """Neurons that spike in the step in which their input does."""
    zero, one = np.zeros(size), np.ones(size)
    return Population(name, "Threshold", (size,), zero, zero, one, one, zero, 0.5 * one, zero, zero, zero, zero)


def estimating(
    rule: LearningRule,
    weight: FloatArray,
    *,
    dt: float = DT,
    learning: tuple[tuple[int, int], ...] | None = None,
) -> Network:
    """Inputs "a" and "b", their relays "pre" and "post", and a connection "learns" between these that only learns."""
    targets, sources = weight.shape
    return Network(
        "estimating",
        dt,
        (InputPort("a", (sources,)), InputPort("b", (targets,))),
        (relay("pre", sources), relay("post", targets)),
        (
            Connection("a_pre", "a", "pre", np.eye(sources)),
            Connection("b_post", "b", "post", np.eye(targets)),
            Connection("learns", "pre", "post", weight, 1, rule, drives=False, learning=learning),
        ),
        (("estimate", "post"),),
    )


def driving(rule: LearningRule, seed: int, *, recurrent: bool, drives: bool = True, filtered: bool = False) -> Network:
    """Input -> "p" (4) -> "q" (3) with bias, leak and reset; plastic is p -> q, or q -> q beside a static p -> q."""
    rng = np.random.default_rng(seed)

    def volts(low: float, high: float, size: int) -> FloatArray:
        return rng.uniform(low, high, size)

    tau_syn = {"tau_syn": 4e-3} if filtered else {}
    p = lif("p", 4, v_leak=volts(-0.2, 0.2, 4), v_reset=volts(-0.4, 0, 4), bias=volts(0, 0.2, 4), v0=volts(0, 0.2, 4))
    # what only estimates does not drive q, which then spikes by its bias
    bias = volts(0.2, 0.4, 3) + (0.0 if drives or recurrent else 0.9)
    q = lif("q", 3, v_leak=volts(-0.2, 0.2, 3), v_reset=volts(-0.4, 0, 3), bias=bias, **tau_syn)
    connections = [Connection("x_p", "x", "p", rng.uniform(1.5, 4.0, (4, 5)))]
    if recurrent:
        connections += [
            Connection("p_q", "p", "q", rng.uniform(1.0, 5.0, (3, 4))),
            Connection("learns", "q", "q", rng.uniform(0.1, 1.0, (3, 3)), 1, rule, drives=drives),
        ]
    else:
        connections.append(Connection("learns", "p", "q", rng.uniform(1.0, 5.0, (3, 4)), 1, rule, drives=drives))
    return Network("driving", DT, (InputPort("x", (5,)),), (p, q), tuple(connections), (("out", "q"),))


def deep_target(rule: LearningRule, seed: int) -> Network:
    """A plastic connection from input "z" to a population that three static connections lead to from input "x"."""
    rng = np.random.default_rng(seed)
    populations = tuple(lif(f"p{k}", 3, v_reset=-0.1, bias=rng.uniform(0, 0.2, 3)) for k in range(3))
    static = [
        Connection(f"{a}_{b}", a, b, rng.uniform(2.0, 6.0, (3, 4 if a == "x" else 3)))
        for a, b in pairwise(["x", "p0", "p1", "p2"])
    ]
    plastic = Connection("learns", "z", "p2", rng.uniform(0.5, 2.0, (3, 2)), 1, rule)
    ports = (InputPort("x", (4,)), InputPort("z", (2,)))
    return Network("deep", DT, ports, populations, (*static, plastic), (("out", "p2"),))


def spike_input(network: Network, seed: int, steps: int, samples: int = 1, rate: float = 0.1) -> Stimulus:
    """Bernoulli spikes for every input."""
    rng = np.random.default_rng([seed, 7])
    return Stimulus(
        {port.name: (rng.random((samples, steps, port.size)) < rate).astype(np.uint8) for port in network.inputs}
    )


def written_out(
    rule: LearningRule, weight: FloatArray, pre: NDArray[Any], post: NDArray[Any], dt: float
) -> list[dict[str, FloatArray]]:
    """Weight ``w``, ``tag`` and traces by name after each step, for spikes (steps, N): one synapse after the other."""
    w: FloatArray = weight.copy()
    tag = np.zeros_like(w)
    traces = {name: np.zeros(pre.shape[1] if t.of == "pre" else post.shape[1]) for name, t in rule.traces.items()}
    after = []
    for s_pre, s_post in zip(pre, post, strict=True):
        for name, trace in rule.traces.items():
            for n, spike in enumerate(s_pre if trace.of == "pre" else s_post):
                traces[name][n] = traces[name][n] * math.exp(-dt / trace.tau) + (trace.impulse if spike else 0.0)
        old_w, old_tag = w.copy(), tag.copy()
        for i in range(w.shape[0]):
            for j in range(w.shape[1]):
                seen = {n: traces[n][j if t.of == "pre" else i] for n, t in rule.traces.items()}
                seen |= {"w": old_w[i, j], "tag": old_tag[i, j]}
                gates = {"pre": bool(s_pre[j]), "post": bool(s_post[i])}
                w[i, j] += _sum(rule.weight, gates, seen)
                tag[i, j] += _sum(rule.tag, gates, seen)
        after.append({"w": w.copy(), "tag": tag.copy(), **{n: z.copy() for n, z in traces.items()}})
    return after


def _sum(terms: Sequence[Term], gates: dict[str, bool], seen: dict[str, float]) -> float:
    return sum(t.coefficient * math.prod(seen[f] for f in t.factors) for t in terms if gates[t.gate])
