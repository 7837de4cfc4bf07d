"""Plastic connections of every kind through files: identical again."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from wild_learning import fixed_run, float_run, wild

from neuroalign.chip import ChipNetwork, first_difference
from neuroalign.errors import FileFormatError
from neuroalign.export.fields import from_text, to_text
from neuroalign.export.nir_graph.write import read_chip, write_nir
from neuroalign.microcode import Trace
from neuroalign.microcode.text import program_from_lines, program_from_text, program_to_text


def drawn(seed: int, fixed: bool) -> ChipNetwork:
    return wild(np.random.default_rng(seed), (fixed_run if fixed else float_run)(seed).network)


@pytest.mark.parametrize("fixed", [True, False])
def test_plastic_connections_come_back_from_files(fixed: bool, tmp_path: Path) -> None:
    """Float64: real coefficients, which the rule language cannot say, so that the Program's fields are stored."""
    met: set[str] = set()
    for seed in range(12):
        network = drawn(seed, fixed)
        assert first_difference(network, from_text(*to_text(network), ChipNetwork, "the network")) is None
        write_nir(tmp_path / "a.nir", network)
        assert first_difference(network, read_chip(tmp_path / "a.nir")) is None
        for c in network.connections:
            p = c.plasticity
            if p is not None:
                met |= {p.graded, p.rounding_draws} | {trace for trace, _ in p.modulators}
                met |= {"lasting"} if any(p.program.trace(n).tau == math.inf for n in ("x1", "x2", "y1")) else set()
                met |= {"sparse"} if c.pattern is not None else set()
    assert met >= {"impulse", "overwrite", "synapse", "shared", "y1", "y2", "y3", "lasting", "sparse"}


def test_other_words_for_a_tau_are_refused() -> None:
    stored = (to_text(drawn(seed, False)) for seed in range(12))
    text, arrays = next((text, arrays) for text, arrays in stored if '"tau":"inf"' in text)
    with pytest.raises(FileFormatError, match="tau"):
        from_text(text.replace('"tau":"inf"', '"tau":"Infinity"'), arrays, ChipNetwork, "the network")


def test_the_rule_language_says_that_a_trace_lasts() -> None:
    program = program_from_text("x0*y1 - y0*x1", x1=Trace(12.5, math.inf), y1=Trace(3, 9))
    text = program_to_text(program)
    assert "x1 = impulse 12.5 tau inf\n" in text
    assert program_from_lines(text) == program
    assert program_from_lines(text) != replace(program, x1=Trace(12.5, 1e300))
