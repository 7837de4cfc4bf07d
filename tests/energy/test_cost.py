"""Energy and time against closed forms from the published prices, and against refusals that must come."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scattered_placements import scattered
from small_chips import chip, neurons, wire

from neuroalign.chip import ChipNetwork
from neuroalign.energy import EventCounts, energies, energy, expected_events, step_time, step_times
from neuroalign.errors import ProfileError
from neuroalign.placement import Placement, Slice
from neuroalign.profile import Price, Profile, load_profile

LOIHI1 = load_profile("loihi1")


def on(placement: Placement, homes: dict[int, list[Slice]]) -> Placement:
    return replace(placement, cores=tuple(replace(c, slices=tuple(homes.get(c.index, ()))) for c in placement.cores))


def dense(cores: int = 1, per_chip: int = 128) -> tuple[ChipNetwork, Placement]:
    """784 inputs into 256 neurons; half of them on the first core and half on the last."""
    network = chip([neurons("hidden", 256)], [wire("in", "hidden", np.full((256, 784), 2))], 784)
    halves = {0: [Slice("hidden", 0, 128)], cores - 1: [Slice("hidden", 128, 256)]}
    whole = {0: [Slice("hidden", 0, 256)]}
    return network, on(scattered(np.random.default_rng(0), network, cores, per_chip), whole if cores == 1 else halves)


def one_input_spike(profile: Profile = LOIHI1, steps: int = 1) -> EventCounts:
    network, placement = dense(cores=2)
    rates = {"in": np.eye(784)[0] / steps, "hidden": np.zeros(256)}
    return expected_events(network, placement, profile, rates, steps)


def test_one_input_spike_costs_what_davies_2018_says() -> None:
    report = energy(one_input_spike(), LOIHI1, "davies2018")
    of = {row.event: row for row in report.rows}
    assert of["synaptic operations"].energy_j == pytest.approx(256 * 23.6e-12)  # 6042 pJ
    assert of["active neuron updates"].energy_j == pytest.approx(256 * 81e-12)
    assert report.total_j == pytest.approx(256 * (23.6e-12 + 81e-12))
    assert (report.basis, report.operating_point) == ("simulated", "0.75 V")
    assert set(report.without) == {"barriers", "messages from outside"}
    for words in ("pre-silicon simulation, minimum", "simulated", "davies2018", "without", "barriers", "rates"):
        assert words in report.headline


def test_the_lists_are_never_mixed() -> None:
    counts = one_input_spike()
    davies, sanafe, frady = energies(counts, LOIHI1)
    assert [r.price_list for r in (davies, sanafe, frady)] == ["davies2018", "sanafe-nahuku", "frady2020"]
    assert sanafe.total_j == pytest.approx(256 * (35.5e-12 + 51.2e-12 + 21.6e-12))
    assert sanafe.basis == "fitted"
    assert davies.static_w is None
    # a list of waiting power has no price of an operation, so it gives none
    assert frady.total_j is None
    assert frady.static_w == pytest.approx(0.104)
    assert "synaptic operations" in str(frady.refusal)


def test_the_second_generation_has_no_total_and_says_why() -> None:
    loihi2 = load_profile("loihi2")
    counts = one_input_spike(loihi2)
    (report,), (time,) = energies(counts, loihi2), step_times(counts, loihi2)
    assert (report.total_j, time.bound_s) == (None, None)
    for headline in (report.headline, time.headline):
        assert "Loihi 2" in headline
        assert "no public figure" in headline
    with pytest.raises(ProfileError, match=r"no price list 'davies2018'.*no public figure"):
        energy(counts, loihi2, "davies2018")


def test_an_unknown_list_names_those_there_are() -> None:
    with pytest.raises(ProfileError, match=r"'davis2018'.*nearest: davies2018.*sanafe-nahuku"):
        energy(one_input_spike(), LOIHI1, "davis2018")


def between(cores: int, per_chip: int) -> EventCounts:
    """One spike a step from core 0 to the last core."""
    network = chip([neurons("a", 1), neurons("b", 1)], [wire("a", "b", [[2]])])
    homes = {0: [Slice("a", 0, 1)], cores - 1: [Slice("b", 0, 1)]}
    placement = on(scattered(np.random.default_rng(0), network, cores, per_chip), homes)
    return expected_events(network, placement, LOIHI1, {"a": np.ones(1), "b": np.zeros(1)}, 10)


def test_hops_are_priced_by_direction_and_a_local_message_as_one() -> None:
    local, across = energy(between(2, 128), LOIHI1, "davies2018"), energy(between(128, 128), LOIHI1, "davies2018")
    assert {row.event: row.energy_j for row in local.rows}["messages within a tile"] == pytest.approx(10 * 1.7e-12)
    of = {row.event: row for row in across.rows}
    assert (of["hops east-west"].count, of["hops north-south"].count) == (70, 30)  # 8 by 4 tiles, corner to corner
    assert of["hops east-west"].energy_j == pytest.approx(70 * 3.0e-12)
    assert of["hops north-south"].energy_j == pytest.approx(30 * 4.0e-12)


def test_messages_between_chips_have_no_price_so_there_is_no_total() -> None:
    report = energy(between(4, 2), LOIHI1, "davies2018")
    assert report.total_j is None
    assert report.unpriced == ("messages between chips",)
    assert "messages between chips (10 of them)" in report.headline


def test_hops_without_a_mesh_have_no_price() -> None:
    counts = between(4, 128)
    flat = replace(counts, messages_within_tile=None, hops_ew=None, hops_ns=None)
    assert energy(flat, LOIHI1, "davies2018").unpriced == ("messages whose hops are not known",)


def test_a_used_event_without_a_price_refuses_the_total_and_an_unused_one_does_not() -> None:
    davies = LOIHI1.prices["davies2018"]
    poor = replace(LOIHI1, prices={"mine": replace(davies, learning_update=None)})
    counts = one_input_spike()
    assert energy(counts, poor, "mine").total_j is not None
    learnt = replace(counts, learning_updates=12.0)
    assert energy(learnt, poor, "mine").unpriced == ("learning updates",)
    assert energy(learnt, LOIHI1, "davies2018").total_j == pytest.approx(
        (energy(counts, LOIHI1, "davies2018").total_j or 0) + 12 * 120e-12
    )


def test_prices_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        'extends = "loihi1"\n[prices.lab]\nbasis = "measured"\nwithout = ["neuron updates", "barriers", '
        '"messages from outside"]\nsyn_op = { j = 2e-11 }\n'
    )
    report = energy(one_input_spike(), load_profile(path), "lab")
    assert report.total_j == pytest.approx(256 * 2e-11)
    assert "active neuron updates" in report.without
    assert "mine.toml" in report.source


def test_the_step_is_as_long_as_its_longest_part() -> None:
    # 128 neurons on the busiest core, all active; half of 256 synaptic operations a spike there; two cores on one tile
    bound = step_time(one_input_spike(), LOIHI1, "davies2018")
    assert bound.bound_s == pytest.approx(128 * 8.4e-9)
    assert bound.largest == "neuron updates (core 0)"
    of = {term.name: term.seconds for term in bound.terms}
    assert of["synaptic operations"] == pytest.approx(128 * 3.5e-9)
    assert of["barrier"] == pytest.approx(113e-9)
    assert bound.run_s == bound.bound_s
    assert "reads of synaptic memory" in bound.not_checked
    assert "pre-silicon simulation, minimum" in bound.headline


def test_a_quiet_network_waits_for_the_barrier() -> None:
    network = chip([neurons("a", 1)], [wire("a", "a", [[2]])])
    placement = on(scattered(np.random.default_rng(0), network, 1, 128), {0: [Slice("a", 0, 1)]})
    counts = expected_events(network, placement, LOIHI1, {"a": np.zeros(1)}, 100)
    davies, sanafe = (step_time(counts, LOIHI1, name) for name in ("davies2018", "sanafe-nahuku"))
    assert (davies.bound_s, davies.largest) == (113e-9, "barrier (1 tile)")
    assert sanafe.bound_s == 0.6e-6
    assert davies.run_s == pytest.approx(100 * 113e-9)


def test_a_busy_synapse_or_link_sets_the_step() -> None:
    network, placement = dense(1)
    counts = expected_events(network, placement, LOIHI1, {"in": np.ones(784), "hidden": np.zeros(256)}, 5)
    assert step_time(counts, LOIHI1, "davies2018").bound_s == pytest.approx(784 * 256 * 3.5e-9)
    poor = replace(LOIHI1, prices={"mine": replace(LOIHI1.prices["davies2018"], syn_op=Price(j=1e-12))})
    assert "synaptic operations" in step_time(counts, poor, "mine").not_checked
