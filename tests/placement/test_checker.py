"""Every placement against definitions that share no code with the placer; and the checker against spoilt placements."""

from __future__ import annotations

from dataclasses import replace

import pytest
from networks_to_place import narrow_profile, random_network

from neuroalign.placement import Placement, Slice, place
from neuroalign.placement.checker import problems_of

BATCH = 25


@pytest.mark.parametrize("first", range(0, 500, BATCH))
def test_placements_keep_every_limit_and_place_every_synapse_once(first: int) -> None:
    for seed in range(first, first + BATCH):
        chip, profile = random_network(seed), narrow_profile(seed)
        assert problems_of(place(chip, profile), chip, profile) == [], f"seed {seed}"


def test_the_drawn_networks_fit_and_do_not_fit() -> None:
    verdicts = [place(random_network(seed), narrow_profile(seed)) for seed in range(40)]
    assert {p.verdict for p in verdicts} == {"fits", "does not fit"}
    assert max(p.chips for p in verdicts) > 2
    assert any(len(core.slices) > 1 for p in verdicts for core in p.cores)


def spoilt(placement: Placement, **changes: object) -> Placement:
    """The placement with another first core."""
    first = placement.cores[0]
    return replace(placement, cores=(replace(first, **changes), *placement.cores[1:]))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "name", ["synapse words", "input axon slots", "output axon slots", "neurons", "synapse formats"]
)
def test_the_checker_finds_a_wrong_figure(name: str) -> None:
    chip, profile = random_network(3), narrow_profile(3)
    placement = place(chip, profile)
    wrong = {**placement.cores[0].used, name: placement.cores[0].used[name] + 1}
    assert any(name in problem for problem in problems_of(spoilt(placement, used=wrong), chip, profile))


def test_the_checker_finds_neurons_that_are_missing_or_twice_there() -> None:
    chip, profile = random_network(3), narrow_profile(3)
    placement = place(chip, profile)
    piece = placement.cores[0].slices[0]
    for slices in ((Slice(piece.population, piece.start, piece.stop - 1),), (piece, piece)):
        assert any("cores" in problem for problem in problems_of(spoilt(placement, slices=slices), chip, profile))


def test_the_checker_finds_a_limit_that_is_exceeded() -> None:
    chip, profile = random_network(3), narrow_profile(3)
    placement = place(chip, profile)
    words = max(core.used["synapse words"] for core in placement.cores)
    memory = replace(profile.core.memory, synapse_words=words - 1)  # type: ignore[type-var]
    narrower = replace(profile, core=replace(profile.core, memory=memory))
    assert any(f"of {words - 1}" in problem for problem in problems_of(placement, chip, narrower))


def test_placements_are_the_same_every_time() -> None:
    for seed in (1, 2, 5):
        left, right = (place(random_network(seed), narrow_profile(seed)) for _ in range(2))
        assert left.cores == right.cores
        assert left.limits == right.limits
        assert left.traffic.spikes.tolist() == right.traffic.spikes.tolist()
