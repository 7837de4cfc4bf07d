"""Memory words and cores against nengo-loihi 1.1.0, an implementation of its own.

The figures lie beside, with the script that wrote them; NEUROALIGN_NENGO=<python with nengo-loihi 1.1.0> writes them again.
"""

from __future__ import annotations

import json
import os
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from networks_to_place import RULES, connection, network, population

from neuroalign.chip import ChipInput, ChipNetwork, Convolution
from neuroalign.placement import Placement, place
from neuroalign.placement.packing import LARGEST_BASE, EntryScheme, entry_words
from neuroalign.profile import load_profile

HERE = Path(__file__).resolve().parent
TRUE_TAG_BITS = 9


@cache
def figures() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((HERE / "nengo_loihi_figures.json").read_text(encoding="utf-8"))
    return found


def test_words_of_an_axon_are_theirs() -> None:
    checked = 0
    for weight, delay, tag, index, compression, most, count, bits in figures()["settings"]:
        scheme = EntryScheme(max_per_entry=most)
        width = weight + delay + tag + (index if compression == 0 else 0)
        assert 64 * int(entry_words(count, width, scheme)) == bits
        checked += 1
    assert checked >= 1000


def test_a_tag_takes_its_width_and_not_its_code() -> None:
    """Their formula adds the code of the tag's width (0 to 3) as if it were bits."""
    under = 0
    for weight, delay, tag, index, compression, most, count, bits in figures()["settings"]:
        width = weight + delay + (TRUE_TAG_BITS if tag else 0) + (index if compression == 0 else 0)
        ours = 64 * int(entry_words(count, width, EntryScheme(max_per_entry=most)))
        assert ours == bits if not tag else ours >= bits
        under += ours > bits
    assert under > 100


def test_a_learning_axon_takes_two_slots() -> None:
    """Their check counts it once; the map of the chip, which they fill later, gives it two."""
    program, weight = RULES[0], np.ones((100, 3000), dtype=np.int64)
    chip = network(
        [ChipInput("in", 3000)], [population("h", 100)], [connection("c", "in", "h", weight, program=program)]
    )
    placement = place(chip, load_profile("loihi1"))
    slots = next(limit for limit in placement.limits if limit.name == "input axon slots")
    theirs = figures()["learning_axons"]
    assert (slots.used, slots.status) == (theirs["slots"], "exceeded")
    assert slots.capacity is not None
    assert theirs["counted"] < slots.capacity < theirs["slots"]


def rebuilt(figure: dict[str, Any]) -> ChipNetwork:
    """The network that a figure is of."""
    if "image" in figure:
        channels, side, out, kernel, stride = figure["image"]
        pattern = Convolution((channels, side, side), out, (kernel, kernel), (stride, stride))
        weight = np.arange(1, out * channels * kernel * kernel + 1).reshape(pattern.weight_shape)
        return network(
            [ChipInput("in", channels * side * side)],
            [population("h", pattern.shape[0], pattern.target_shape)],
            [connection("c", "in", "h", weight, pattern=pattern)],
        )
    inputs = [ChipInput(f"in{k}", size) for k, size in enumerate(figure["inputs"])]
    populations = [population(f"p{k}", size) for k, size in enumerate(figure["sizes"])]
    sources = [*((i.name, i.size) for i in inputs), *((p.name, p.size) for p in populations)]
    connections = []
    for k, (source, target) in enumerate(figure["connections"]):
        weight = np.broadcast_to(np.int64(2), (populations[target].size, sources[source][1]))
        connections.append(connection(f"c{k}", sources[source][0], populations[target].name, weight))
    return network(inputs, populations, connections)


@cache
def placed() -> list[tuple[Placement, dict[str, Any]]]:
    """Our placements and their figures, where their own check lets every core pass."""
    profile = load_profile("loihi1")
    return [(place(rebuilt(f), profile), f) for f in figures()["networks"] if f["valid"]]


def test_never_more_cores_than_their_splitter_and_fewer_on_average() -> None:
    ours = [len(placement.cores) for placement, _ in placed()]
    theirs = [figure["cores"] for _, figure in placed()]
    assert len(ours) >= 60
    assert all(a <= b for a, b in zip(ours, theirs, strict=True)), list(zip(ours, theirs, strict=True))
    assert sum(ours) < sum(theirs)
    assert {placement.verdict for placement, _ in placed()} == {"fits"}


def test_words_of_shared_rows_are_theirs() -> None:
    """Convolutions by population axons, whose rows of weights are held once."""
    images = [figure for figure in figures()["networks"] if "image" in figure and figure["valid"]]
    assert len(images) >= 10
    for figure in images:
        placement = place(rebuilt(figure), load_profile("loihi1"))
        assert len(placement.cores) == figure["cores"]
        assert sum(core.used["synapse words"] for core in placement.cores) == figure["words"]


def test_words_of_whole_populations_are_theirs() -> None:
    """Where nothing is cut, and no population begins behind the largest base, from which dense rows count."""
    compared = 0
    for placement, figure in placed():
        pieces = [piece for core in placement.cores for piece in core.slices]
        near = all(sum(p.size for p in core.slices[:-1]) <= LARGEST_BASE for core in placement.cores)
        if "image" not in figure and near and len(pieces) == len(figure["sizes"]) == figure["cores"]:
            assert sum(core.used["synapse words"] for core in placement.cores) == figure["words"]
            compared += 1
    assert compared >= 10


@pytest.mark.nengo
@pytest.mark.slow
def test_the_figures_are_those_of_nengo_loihi(tmp_path: Path) -> None:
    python = os.environ.get("NEUROALIGN_NENGO")
    if not python:
        pytest.skip("NEUROALIGN_NENGO names no python with nengo-loihi 1.1.0")
    subprocess.run([python, str(HERE / "nengo_loihi_figures.py"), str(tmp_path / "again.json")], check=True)
    again = json.loads((tmp_path / "again.json").read_text(encoding="utf-8"))
    assert {**again, "versions": None} == {**figures(), "versions": None}
