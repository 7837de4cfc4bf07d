"""Changes that are said to make a network fit: each is made again here, placed, and checked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from networks_to_place import RULES, connection, network, population

from neuroalign.chip import ChipConnection, ChipInput, ChipNetwork, Fixed, SparsePattern
from neuroalign.placement import Placement, place, with_remedies
from neuroalign.placement.changes import copies_by_sources, fewer_learning, fewer_sources, replaced
from neuroalign.placement.checker import problems_of
from neuroalign.profile import Memory, Profile, load_profile

LOIHI1 = load_profile("loihi1")


def kinds(placement: Placement) -> dict[str, str]:
    return {remedy.kind: remedy.text for remedy in placement.remedies}


def learning_network() -> ChipNetwork:
    weight = np.random.default_rng(0).integers(-100, 100, (100, 3000))
    return network(
        [ChipInput("in", 3000)], [population("out", 100)], [connection("c", "in", "out", weight, program=RULES[0])]
    )


def test_three_thousand_learning_axons_and_what_would_fit() -> None:
    chip = learning_network()
    placement = with_remedies(place(chip, LOIHI1), chip, LOIHI1)
    assert (placement.verdict, placement.binding_limit) == ("does not fit", "input axon slots")
    assert placement.binding is not None
    assert (placement.binding.used, placement.binding.capacity) == (6000, 4096)
    assert (placement.binding.excess, placement.binding.populations) == (1904, ("out",))
    found = kinds(placement)
    assert set(found) == {"sparser", "static", "split"}
    # At two slots each 2048 fit; where m of 3000 learn, 2 m + (3000 - m) slots are needed.
    assert "2048 of the 3000" in found["sparser"]
    assert "1096 of the 3000" in found["static"]
    assert "into 2 populations" in found["split"]


def test_two_populations_with_too_many_axons_are_mended_together() -> None:
    weight = np.random.default_rng(1).integers(1, 100, (4, 4100))
    chip = network(
        [ChipInput("in", 4100)],
        [population("p", 4), population("q", 4)],
        [connection("a", "in", "p", weight), connection("b", "in", "q", weight)],
    )
    (remedy,) = with_remedies(place(chip, LOIHI1), chip, LOIHI1).remedies
    assert "at most 4096 sources of 'a', 'b'" in remedy.text
    again = place(replaced(chip, [fewer_sources(c, 4096) for c in chip.connections]), LOIHI1)
    assert (again.verdict, len(again.cores)) == ("fits", remedy.cores)


@pytest.mark.parametrize("most", [2048, 2049])
def test_the_largest_number_of_sources_is_the_largest(most: int) -> None:
    chip = learning_network()
    changed = replaced(chip, [fewer_sources(chip.connections[0], most)])
    assert place(changed, LOIHI1).verdict == ("fits" if most == 2048 else "does not fit")


@pytest.mark.parametrize("most", [1096, 1097])
def test_the_largest_number_that_learns_is_the_largest(most: int) -> None:
    chip = learning_network()
    placement = place(replaced(chip, fewer_learning(chip.connections[0], most)), LOIHI1)
    assert placement.verdict == ("fits" if most == 1096 else "does not fit")


def small(words: int) -> Profile:
    memory = Memory("fixed", 64, synapse_words=words)
    topology = replace(LOIHI1.topology, cores_per_chip=2, cores_per_chip_usable=2)
    return replace(LOIHI1, core=replace(LOIHI1.core, memory=memory), topology=topology)


def test_fewer_bits_a_sparser_network_or_another_board() -> None:
    """Six cores are needed of the four that the board has."""
    weight = np.arange(1, 60 * 100 + 1).reshape(60, 100) % 97 + 1
    chip = network([ChipInput("in", 100)], [population("out", 60)], [connection("c", "in", "out", weight)])
    profile = small(200)
    placement = with_remedies(place(chip, profile, board="kapoho-bay"), chip, profile)
    assert (placement.verdict, placement.binding_limit) == ("does not fit", "cores")
    assert placement.binding is not None
    assert placement.binding.capacity == 4
    found = kinds(placement)
    assert found["board"].startswith("take board nahuku-8")
    bits = next(int(word) for word in found["fewer bits"].split() if word.isdigit())
    for width in profile.synapse.weight_bits:
        if width < 8:
            narrower = replaced(chip, [replace(chip.connections[0], weight_format=Fixed(width))])
            fits = place(narrower, profile, board="kapoho-bay").verdict == "fits"
            assert fits == (width <= bits)
    assert all(remedy.cores <= 4 for remedy in placement.remedies if remedy.kind != "board")


def test_copies_hold_every_synapse_once() -> None:
    rng = np.random.default_rng(1)
    present = rng.random((20, 30)) < 0.4
    target, source = np.nonzero(present)
    pattern = SparsePattern(target, source, (20, 30))
    into = connection("c", "in", "p", np.full(target.size, 2), pattern=pattern)
    out = connection("d", "p", "q", np.full((5, 20), 2))
    chip = network([ChipInput("in", 30)], [population("p", 20), population("q", 5)], [into, out])
    changed = copies_by_sources(chip, "p", 3)
    parts = [c for c in changed.connections if c.source == "in"]
    assert sum(c.weight.size for c in parts) == target.size
    assert len({(t, s) for c in parts for t, s in zip(*synapses(c), strict=True)}) == target.size
    assert sorted(c.source for c in changed.connections if c.target == "q") == ["p (1)", "p (2)", "p (3)"]
    assert problems_of(place(changed, LOIHI1), changed, LOIHI1) == []


def synapses(c: ChipConnection) -> tuple[list[int], list[int]]:
    assert isinstance(c.pattern, SparsePattern)
    return c.pattern.target.tolist(), c.pattern.source.tolist()


def test_a_network_that_fits_needs_none() -> None:
    chip = network([ChipInput("in", 4)], [population("p", 3)], [connection("c", "in", "p", np.full((3, 4), 2))])
    placement = place(chip, LOIHI1)
    assert with_remedies(placement, chip, LOIHI1) is placement
