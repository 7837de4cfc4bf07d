"""Which parts of the arithmetic a case exercised: what its network has, and what happened in the run.

A symbol of the rule language counts where its product acted: its source spiked for ``x0``, its target for ``y0``, an
epoch of its period ended for ``u``. A feature of a population counts where the population spiked or was driven.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from neuroalign.chip import ChipConnection, ChipNetwork, ChipPopulation, Convolution, Fixed, Plasticity, SparsePattern
from neuroalign.fixed_point import clip_weights
from neuroalign.microcode import (
    ACCUMULATOR_BITS,
    MANTISSA_BITS,
    SPIKES,
    SYNAPTIC,
    TARGETS,
    TRACES,
    Factor,
    Product,
    Program,
    Trace,
)
from neuroalign.recording import Recording
from neuroalign.verify.case import Case

LEAST_SHARE = 0.02
"""Share of the cases in which each entry should be found."""

EVENTS = (
    *("post spikes", "weight changes", "tag changes", "delay changes"),
    *("u wraps", "v saturates", "weights limited", "tags limited", "delays limited", "odd weights"),
)
SYMBOLS = (
    *("dw", "dd", "dt", "x0", "y0", *(f"u{k}" for k in range(10)), *TRACES, *SYNAPTIC, "sgn"),
    *("x0 as factor", "y0 as factor", "trace + constant", "synaptic + constant", "fractional constant"),
    *("negative coefficient", "shifted product", "product beyond 32 bits", "sum of products"),
)
LEARNING = (
    *("t_epoch 1", "t_epoch 2-7", "t_epoch 8-63", "fractional impulse", "fractional tau", "tau 0", "tau infinite"),
    *(
        "learning phases",
        "initial tag",
        "graded source of learning",
        "recurrent learning",
        "learning between populations",
    ),
    *("learning without driving", "mixed learning", "excitatory learning", "inhibitory learning"),
    *("initial weights beyond their range", "sparse learning", "x1 overwritten", "x1 added, saturating"),
    *("x1 added, carrying", "third factors"),
)
STATIC = (
    *("mixed", "excitatory", "inhibitory", "weight_exp < 0", "weight_exp > 0", "fewer than 8 bits"),
    *("delays", "delays beyond 8", "recurrent", "parallel connections", "graded", "sparse", "sparse with delays"),
    *("convolution", "grouped convolution", "strided convolution", "convolution of a population"),
)
NEURONS = (
    *("bias", "bias_exp < 0", "bias_exp > 0", "initial state", "latency", "silent population", "several samples"),
    *("ternary", "resetting", "refractory", "escape noise", "ternary and resetting", "refractory escape noise"),
    "rectangular synapses",
)
ENTRIES = EVENTS + SYMBOLS + LEARNING + STATIC + NEURONS

NEEDS = {
    "tau infinite": "traces that do not decay",
    "initial weights beyond their range": "initial weights beyond their range",
    "sparse learning": "sparse plastic synapses",
    "x1 overwritten": "payload overwrites x1",
    "x1 added, saturating": "payload added to x1, saturating",
    "x1 added, carrying": "payload added to x1, carrying",
    "third factors": "third factors",
    "sparse": "sparse synapses",
    "sparse with delays": "sparse delayed synapses",
    "convolution": "convolution",
    "grouped convolution": "convolution",
    "strided convolution": "convolution",
    "convolution of a population": "convolution",
    "ternary": "ternary neurons",
    "resetting": "resetting neurons",
    "refractory": "refractory neurons",
    "escape noise": "escape noise",
    "rectangular synapses": "rectangular synapses",
    "ternary and resetting": "ternary and resetting neurons",
    "refractory escape noise": "refractory and resetting escape noise",
}
"""Entries that exist where a feature of :mod:`neuroalign.verify.features` is drawn."""

_GRADED = {"overwrite": "x1 overwritten", "add-saturate": "x1 added, saturating", "add-carry": "x1 added, carrying"}


def expected(features: set[str]) -> tuple[str, ...]:
    """The entries to be found where the features named in ``features`` are drawn."""
    return tuple(e for e in ENTRIES if e not in NEEDS or NEEDS[e] in features)


def found(case: Case, recording: Recording) -> frozenset[str]:
    """The entries of :data:`ENTRIES` that a run of the emulator exercised."""
    network = case.network
    entries = {e for p in network.populations for e in _of_population(p)}
    entries |= {e for c in network.connections if c.drives for e in _of_synapses(c)}
    for connection in case.plastic:
        entries |= set(_of_learning(case, connection, recording))
        entries |= set(_changes(connection, recording))
    entries |= set(_excesses(recording))
    named = [(c.source, c.target) for c in network.connections]
    whole = {
        "post spikes": any(recording.states[p.name, "s"].any() for p in network.populations),
        "parallel connections": len(set(named)) < len(named),
        "recurrent": _has_cycle(network),
        "several samples": case.stimulus.samples > 1,
    }
    return frozenset(entries | {name for name, holds in whole.items() if holds})


def _changes(connection: ChipConnection, recording: Recording) -> Iterator[str]:
    for state, entry in (("w", "weight changes"), ("t", "tag changes"), ("d", "delay changes")):
        held = recording.states[connection.name, state]
        if (held[:, 1:] != held[:, :-1]).any():
            yield entry
            if state == "w" and (held[:, -1] & 1).any():
                yield "odd weights"


def _excesses(recording: Recording) -> Iterator[str]:
    entries = {
        "u_wrapped": "u wraps",
        "v_saturated": "v saturates",
        "weight_limited": "weights limited",
        "tag_limited": "tags limited",
        "delay_limited": "delays limited",
    }
    for name, count in recording.counts.items():
        entry = entries.get(name.rpartition(".")[2])
        if count and entry:
            yield entry


def _of_population(p: ChipPopulation) -> Iterator[str]:
    has_bias = p.bias_mant != 0
    held = {
        "bias": has_bias.any(),
        "bias_exp < 0": (has_bias & (p.bias_exp < 0)).any(),
        "bias_exp > 0": (has_bias & (p.bias_exp > 0)).any(),
        "initial state": p.u0.any() or p.v0.any(),
        "latency": p.latency_steps > 0,
        "silent population": not p.spiking,
        "ternary": p.threshold_low is not None,
        "resetting": p.reset_interval > 0,
        "refractory": p.refractory_steps > 0,
        "escape noise": p.escape is not None,
        "rectangular synapses": p.window_steps > 1,
        "ternary and resetting": p.threshold_low is not None and p.reset_interval > 0,
        "refractory escape noise": p.escape is not None and p.refractory_steps > 0,
    }
    return (name for name, holds in held.items() if holds)


def _of_synapses(c: ChipConnection) -> Iterator[str]:
    sparse = isinstance(c.pattern, SparsePattern)
    held = {
        c.sign_mode: True,
        "weight_exp < 0": c.weight_exp < 0,
        "weight_exp > 0": c.weight_exp > 0,
        "fewer than 8 bits": isinstance(c.weight_format, Fixed) and c.weight_format.bits < 8,
        "delays": c.max_delay > 0,
        "delays beyond 8": c.max_delay > 8,
        "graded": c.message_bits > 0,
        "sparse": sparse and c.max_delay == 0,
        "sparse with delays": sparse and c.max_delay > 0,
    }
    if isinstance(c.pattern, Convolution):
        held |= {
            "convolution": True,
            "grouped convolution": c.pattern.groups > 1,
            "strided convolution": c.pattern.stride != (1, 1),
            "convolution of a population": c.source == c.target,
        }
    return (name for name, holds in held.items() if holds)


def _of_learning(case: Case, c: ChipConnection, recording: Recording) -> Iterator[str]:
    held = c.plasticity
    if held is None:
        return
    program, inputs = held.program, case.stimulus.inputs
    before = inputs[c.source] if c.source in inputs else recording.states[c.source, "s"]
    acting = {"x0": bool(before.any()), "y0": bool(recording.states[c.target, "s"].any())}
    if program.k is not None:
        acting["u"] = case.steps // program.t_epoch >= 2**program.k
    products = [p for p in program.products if acting[p.dependency]]
    for product in products:
        yield from _of_product(product)
    for target in TARGETS:
        if any(p in products for p in program.target(target)):
            yield target
        if len(program.target(target)) > 1:
            yield "sum of products"
    used = {f.variable for p in products for f in p.factors}
    for name in used & set(TRACES):
        yield from _of_trace(program.trace(name))
    if all(acting[d] for d in ("x0", "y0")):
        yield from _of_plasticity(c, held, program)


def _of_plasticity(c: ChipConnection, held: Plasticity, program: Program) -> Iterator[str]:
    weight = np.asarray(c.weight)
    entries = {
        "t_epoch 1": program.t_epoch == 1,
        "t_epoch 2-7": 2 <= program.t_epoch <= 7,
        "t_epoch 8-63": program.t_epoch >= 8,
        "learning phases": bool(held.phases),
        "initial tag": bool(held.tag.any()),
        "graded source of learning": c.message_bits > 0,
        "recurrent learning": c.source == c.target,
        "learning between populations": c.source != c.target and c.source.startswith("p"),
        "learning without driving": not c.drives,
        f"{c.sign_mode} learning": True,
        "initial weights beyond their range": not np.array_equal(weight, clip_weights(weight, c.sign_mode)),
        "sparse learning": c.pattern is not None,
        "third factors": bool(held.modulators),
        _GRADED.get(held.graded, ""): True,
    }
    return (name for name, holds in entries.items() if holds and name)


def _of_product(product: Product) -> Iterator[str]:
    yield f"u{product.k}" if product.k is not None else product.dependency
    if product.coefficient < 0:
        yield "negative coefficient"
    if product.shift:
        yield "shifted product"
    if sum(f.bits for f in product.factors) + MANTISSA_BITS > 2 * ACCUMULATOR_BITS + 1:
        yield "product beyond 32 bits"
    for factor in product.factors:
        yield from _of_factor(factor)


def _of_factor(factor: Factor) -> Iterator[str]:
    if factor.variable in SPIKES:
        yield f"{factor.variable} as factor"
        return
    yield factor.variable
    if factor.sign:
        yield "sgn"
    if factor.constant:
        yield "synaptic + constant" if factor.variable in SYNAPTIC else "trace + constant"
        if factor.constant != int(factor.constant):
            yield "fractional constant"


def _of_trace(trace: Trace) -> Iterator[str]:
    entries = {
        "fractional impulse": trace.impulse != int(trace.impulse),
        "fractional tau": np.isfinite(trace.tau) and trace.tau != int(min(trace.tau, 1e9)),
        "tau 0": trace.tau == 0,
        "tau infinite": np.isinf(trace.tau),
    }
    return (name for name, holds in entries.items() if holds)


def _has_cycle(network: ChipNetwork) -> bool:
    """Whether something that a population sends can come back to it."""
    leads = {(c.source, c.target) for c in network.connections if c.drives}
    reach = set(leads)
    while more := {(a, d) for a, b in reach for c, d in leads if b == c} - reach:
        reach |= more
    return any(a == b for a, b in reach)
