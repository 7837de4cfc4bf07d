"""Networks with sparse and shared synapses through files: identical again, and their graphs those of their matrices."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from random_networks import Options, draw_fixed

from neuroalign.chip import ChipNetwork, Convolution, Numbers, SparsePattern, expanded, first_difference
from neuroalign.errors import FileFormatError, NetworkError
from neuroalign.export.fields import from_text, to_text
from neuroalign.export.nir_graph import meaning
from neuroalign.export.nir_graph.assemble import chip_graph
from neuroalign.export.nir_graph.write import read_chip, write_nir
from neuroalign.verify.synapses import convolution, sparse, sparse_delayed


def drawn(seed: int) -> ChipNetwork:
    """A network with sparse synapses, with and without delays, and a convolution."""
    rng = np.random.default_rng(seed)
    network = draw_fixed(rng, Options(max_delay=2))
    for _ in network.connections:
        network = sparse(rng, sparse_delayed(rng, network))
    return convolution(rng, network)


def test_drawn_networks_have_every_pattern() -> None:
    connections = [c for seed in range(8) for c in drawn(seed).connections]
    assert any(isinstance(c.pattern, Convolution) for c in connections)
    for delayed in (False, True):
        assert any(isinstance(c.pattern, SparsePattern) and (c.max_delay > 0) == delayed for c in connections)


@pytest.mark.parametrize("seed", range(8))
def test_patterns_come_back_from_files(seed: int, tmp_path: Path) -> None:
    network = drawn(seed)
    again = from_text(*to_text(network), ChipNetwork, "the network")
    assert first_difference(network, again) is None
    write_nir(tmp_path / "a.nir", network)
    assert first_difference(network, read_chip(tmp_path / "a.nir")) is None


@pytest.mark.parametrize("seed", range(8))
def test_the_graph_is_that_of_the_matrices(seed: int) -> None:
    network = drawn(seed)
    connections = tuple(
        c
        if c.pattern is None
        else replace(
            c,
            pattern=None,
            weight=expanded(c.pattern, c.weight),
            delays=None if c.delays is None else _everywhere(c.pattern, c.delays),
        )
        for c in network.connections
    )
    ours, _ = chip_graph(network, None)
    expected, _ = chip_graph(replace(network, connections=connections), None)
    assert sorted(ours.edges) == sorted(expected.edges)
    assert _same(ours.nodes, expected.nodes)


def _everywhere(pattern: SparsePattern | Convolution, delays: Numbers) -> Numbers:
    """Delays as a matrix; where there is no synapse, one that some synapse has."""
    matrix = expanded(pattern, delays + 1) - 1
    return np.where(matrix < 0, delays.min() if delays.size else 0, matrix)


def _same(left: object, right: object) -> bool:
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_same(left[k], right[k]) for k in left)
    return bool(np.array_equal(np.asarray(left), np.asarray(right)))


def test_a_matrix_too_large_for_a_file_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(meaning, "LARGEST_MATRIX", 3)
    with pytest.raises(NetworkError, match="at most 3 entries"):
        write_nir(tmp_path / "a.nir", drawn(0))


def test_a_damaged_pattern_is_refused() -> None:
    text, arrays = to_text(drawn(1))
    damaged = re.sub(r'"groups":\d+', '"groups":"one"', text, count=1)
    assert damaged != text
    with pytest.raises(FileFormatError, match='groups is "one"'):
        from_text(damaged, arrays, ChipNetwork, "the network")
