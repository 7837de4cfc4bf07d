"""The learning reference is bit-equal to Lava's LearningDense: every state, at every step.

Here is what no network of ours holds: initial weights beyond their range, initial delays, limits, graded modes, float
models, and what Lava's parser makes of texts. ``tests/conformance/test_learning_lava.py`` has rules in whole networks.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from lava_learning import COMPARED, PlasticCase, PlasticNet, first_mismatch, run_lava, run_reference
from random_rules import Kind, random_net, random_text

from neuroalign.errors import RuleError
from neuroalign.microcode import Trace
from neuroalign.microcode.text import parse, program_from_text

pytest.importorskip("lava")
pytestmark = [pytest.mark.lava, pytest.mark.slow]

KINDS: dict[Kind, tuple[int, int]] = {
    "fixed": (2, 15),
    "graded": (1, 12),
    "float": (1, 12),
}  # nets, connections in each
STEPS = 200
LIMIT_STEPS = 600
TEXT_COUNT = 600
# where random rules hardly get: both ends of every range, Lava's -257 for tags (a rounding draw above 127/128 is
# needed), products that wrap in int32 and shifts beyond 31 bits
LIMITS = {
    "low ends": {"dw": "-7*2^8*x0", "dd": "-7*2^8*y0", "dt": "-7*2^8*y0"},
    "high ends": {"dw": "7*2^8*x0", "dd": "7*2^8*y0", "dt": "7*2^8*y0"},
    "to and fro": {"dw": "-7*2^5*x0 + 7*2^5*y0", "dt": "-7*2^7*x0 + 5*2^7*y0"},
    "int32": {"dw": "7*x0*w*w*t*x1 - 5*2^2*y0*w*t*t*y1"},
    "wide": {"dw": "7*2^8*x0*w*w*w*t*t", "dt": "-7*2^8*y0*t*t*t*t*w*w"},
}
STATES = COMPARED[:8]  # weights, delays, tags and traces


@dataclass
class Compared:
    """One connection after both runs."""

    net: PlasticNet
    case: PlasticCase
    lava: dict[str, Any]
    ours: dict[str, Any]

    @property
    def changing(self) -> list[str]:
        """States that are not constant."""
        return [name for name in STATES if (self.lava[name] != self.lava[name][:1]).any()]

    @property
    def spikes(self) -> bool:
        """Whether both sides spike often enough to be evidence."""
        return bool(min(np.count_nonzero(self.net.pre), np.count_nonzero(self.net.post)) >= 20)


Results = tuple[dict[str, list[Compared]], list[tuple[str, Any]]]


def limit_net(rng: np.random.Generator, pre: Any, post: Any) -> PlasticNet:
    """The programs of :data:`LIMITS` from large initial values."""
    trace = Trace(60.5, 9.5)
    programs = [program_from_text(**texts, x1=trace, y1=trace, rng_seed=3) for texts in LIMITS.values()]  # type: ignore[arg-type]
    cases = [
        PlasticCase(p, rng.integers(-250, 251, (4, 6)), tag=rng.integers(-250, 251, (4, 6)), delay=np.zeros((4, 6)))
        for p in programs
    ]
    return PlasticNet(pre, post, cases)


@pytest.fixture(scope="module")
def lava_results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Everything this file compares, from one Lava session."""
    rng = np.random.default_rng(20)
    nets: dict[str, list[PlasticNet]] = {
        kind: [random_net(rng, cases, STEPS, kind) for _ in range(n)] for kind, (n, cases) in KINDS.items()
    }
    pre, post = ((rng.random((LIMIT_STEPS, n)) < rate).astype(np.int32) for n, rate in ((6, 0.2), (4, 0.3)))
    nets["limits"] = [limit_net(rng, pre, post)]
    texts = [random_text(rng) for _ in range(TEXT_COUNT)]
    all_nets = [net for group in nets.values() for net in group]
    with ThreadPoolExecutor(1) as beside:
        in_lava = beside.submit(run_lava, tmp_path_factory.mktemp("lava"), all_nets, texts)
        ours = [[run_reference(net, case) for case in net.cases] for net in all_nets]
        results, read = in_lava.result()
    left = iter(zip(results, ours, strict=True))
    compared = {
        kind: [Compared(net, *both) for net in group for both in zip(net.cases, *next(left), strict=True)]
        for kind, group in nets.items()
    }
    return compared, list(zip(texts, read, strict=True))


@pytest.mark.parametrize("kind", [*KINDS, "limits"])
def test_every_state_equals_lava_at_every_step(lava_results: Results, kind: str) -> None:
    mismatches = [
        f"{found}\n{c.case.program}" for c in lava_results[0][kind] if (found := first_mismatch(c.lava, c.ours))
    ]
    assert not mismatches, f"{len(mismatches)} connections differ, the first: {mismatches[0]}"


def test_the_random_rules_are_evidence(lava_results: Results) -> None:
    compared = lava_results[0]["fixed"]
    assert np.mean([c.spikes for c in compared]) >= 0.9
    assert np.mean(["weights" in c.changing for c in compared]) >= 0.8
    for state in STATES:
        assert sum(state in c.changing for c in compared) >= 5, f"{state} hardly ever changes"
    assert sum(abs(c.case.weight).max() > 255 for c in compared) >= 5
    assert sum(c.case.delay.any() for c in compared) >= 5
    assert {c.case.sign_mode for c in compared} == {"mixed", "excitatory", "inhibitory"}


def test_graded_and_float_rules_are_evidence(lava_results: Results) -> None:
    assert all(np.isfinite(c.lava["weights"]).all() for c in lava_results[0]["float"])
    for kind in ("graded", "float"):
        compared = lava_results[0][kind]
        assert np.mean(["weights" in c.changing for c in compared]) >= 0.7
        assert np.mean(["x1" in c.changing for c in compared]) >= 0.7


def test_the_limits_are_reached(lava_results: Results) -> None:
    low, high, _, wraps, wide = (c.lava for c in lava_results[0]["limits"])
    assert (low["weights"].min(), low["tag_2"].min(), low["tag_1"].min()) == (-256, 0, -257)
    assert (high["weights"].max(), high["tag_2"].max(), high["tag_1"].max()) == (255, 255, 255)
    assert np.count_nonzero(np.diff(wraps["weights"], axis=0)) >= 100
    assert np.count_nonzero(np.diff(wide["weights"], axis=0)) >= 10


def test_what_the_parser_accepts_means_the_same_to_lava(lava_results: Results) -> None:
    accepted = 0
    for text, lava in lava_results[1]:
        try:
            products = parse(text, "dw")
        except RuleError:
            assert isinstance(lava, str), f"refused but Lava reads {text!r} without complaint"
            continue
        accepted += 1
        ours = [
            (p.dependency, p.k, p.mantissa, p.exponent, [(f.variable, f.constant, f.sign) for f in p.factors])
            for p in products
        ]
        assert ours == lava, text
    assert accepted >= TEXT_COUNT // 4
