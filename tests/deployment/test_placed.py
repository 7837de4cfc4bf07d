"""Placement and price of a deployment: in its page, its JSON and its verdict; what does not fit is said, and refused if strict."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hand_made import deployment
from small_chips import chip, neurons, spikes_at, wire

from neuroalign.command_line.deploy_terminal import measured_rows
from neuroalign.deployment import Deployment, Placed, costs_in_words, has_capacities, placed, to_json, verdict
from neuroalign.energy import FanOut
from neuroalign.export.figures import Picture, heat_map, traffic_matrix
from neuroalign.export.live import NOTHING
from neuroalign.export.report import render
from neuroalign.placement import place
from neuroalign.profile import Profile, available_profiles, load_profile
from neuroalign.sim.emulator import Emulator
from neuroalign.verify.draw import draw_case

LOIHI1 = load_profile("loihi1")


@pytest.fixture(autouse=True)
def _only_pictures_of_the_placement(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page's other pictures have tests of their own, and take seconds."""

    def drawn(whole: Deployment) -> tuple[Picture, ...]:
        found = [draw(whole.placed.placement) for draw in (heat_map, traffic_matrix)] if whole.placed else []
        return tuple(picture for picture in found if picture is not None)

    monkeypatch.setattr("neuroalign.export.figures.pictures", drawn)
    monkeypatch.setattr("neuroalign.export.live.live_figures", lambda _: NOTHING)


def small(neurons_max: int) -> Profile:
    return replace(LOIHI1, core=replace(LOIHI1.core, neurons_max=neurons_max))


def lies(profile: Profile = LOIHI1) -> Placed:
    """Three channels into four neurons that spike at once, back into each other; placed by the run."""
    weights = np.full((4, 3), 100)
    network = chip([neurons("a", 4, threshold=10)], [wire("in", "a", weights), wire("a", "a", 2 * np.eye(4))], 3)
    stimulus = spikes_at(6, {0: [1, 0, 1], 2: [0, 1, 0]}, channels=3)
    probes = [("a", state) for state in "suva"]
    run = Emulator().run(network, stimulus, probes, implementation="reference")
    assert run.states["a", "s"].any()
    return placed(network, profile, run, stimulus)


def test_rates_are_those_of_the_run_and_events_are_priced_by_every_list() -> None:
    found = lies()
    assert found.placement.traffic.rates == "given"
    assert found.placement.traffic.from_host * found.events.steps == pytest.approx(found.events.messages_from_outside)
    assert [report.price_list for report in found.energy] == list(LOIHI1.prices)
    assert [bound.price_list for bound in found.time] == list(LOIHI1.prices)
    assert found.fits
    assert "1 core on 1 chip of loihi1" in found.headline


def test_json_has_the_placement_and_null_where_there_is_none() -> None:
    document = json.loads(json.dumps(to_json(deployment(placed=lies())), allow_nan=False))
    assert document["placement"]["cores"] == 1
    assert {"name", "used", "capacity", "share"} <= set(document["placement"]["limits"][0])
    of = {entry["price_list"]: entry for entry in document["energy"]}
    assert of["davies2018"]["caveat"] == "pre-silicon simulation, minimum"
    assert of["frady2020"]["total_j"] is None
    assert of["frady2020"]["refusal"]
    assert document["step_time"][0]["largest_term"]
    assert document["events"]["synaptic_operations"]["total"] > 0
    assert "placed" not in document
    nothing = to_json(deployment(not_placed="a reason"))
    assert [nothing[key] for key in ("placement", "events", "energy", "step_time")] == [None] * 4
    assert nothing["not_placed"] == "a reason"


def test_the_page_shows_limits_energy_basis_and_refusals() -> None:
    page = render(deployment(placed=lies(), profile_id="loihi1"))
    for words in (
        "Placement on loihi1",
        "synapse words",
        "pre-silicon simulation, minimum",
        "simulated",
        "left out by the list",
        "no price",
        "no total: frady2020",
        "largest term",
        "How full each core is",
    ):
        assert words in page
    bare = render(deployment(not_placed="Profile ideal sets <no> limits."))
    assert "Profile ideal sets &lt;no&gt; limits." in bare
    assert 'id="energy"' not in bare


def test_the_second_generation_shows_no_joule() -> None:
    found = lies(load_profile("loihi2"))
    page = render(deployment(placed=found))
    assert "no total: Intel Loihi 2 has no price list" in page
    assert [report.total_j for report in found.energy] == [None]


def test_what_does_not_fit_is_not_deployable_and_names_limit_and_excess() -> None:
    tight = replace(LOIHI1, topology=replace(LOIHI1.topology, cores_per_chip=2, cores_per_chip_usable=2, chips_max=1))
    found = lies(replace(tight, core=replace(tight.core, neurons_max=1)))
    assert not found.fits
    judged = verdict(deployment(placed=found))
    assert judged.outcome == "not deployable"
    assert "does not fit" in judged.headline
    assert any("2 too many" in fact for fact in judged.facts)
    page = render(deployment(placed=found))
    assert "exceeded by 2" in page


def test_rows_say_what_binds_and_whether_it_is_kept() -> None:
    tight = replace(LOIHI1, topology=replace(LOIHI1.topology, cores_per_chip=2, cores_per_chip_usable=2, chips_max=1))
    for profile, kept in ((LOIHI1, True), (replace(tight, core=replace(tight.core, neurons_max=1)), False)):
        found = lies(profile)
        rows = {row.case: row for row in measured_rows(deployment(placed=found, profile_id="loihi1"))}
        (binding,) = [row for case, row in rows.items() if case.endswith("which binds")]
        assert found.placement.binding is not None
        assert (binding.measured, binding.bar, binding.passed) == (
            found.placement.binding.used,
            found.placement.binding.capacity,
            kept,
        )
        energy = rows[
            "placement on loihi1: energy of the run by davies2018 (simulated; pre-silicon simulation, minimum)"
        ]
        assert energy.measured == found.energy[0].total_j
    lines = costs_in_words(lies())
    assert any("davies2018 (simulated; pre-silicon simulation, minimum" in line for line in lines)
    assert any(line.startswith("Energy: no total: frady2020") for line in lines)


def test_pictures_of_many_cores_and_none_of_one() -> None:
    many, one = lies(small(1)), lies()
    assert len(many.placement.cores) == 4
    heat, traffic = heat_map(many.placement), traffic_matrix(many.placement)
    assert heat is not None
    assert traffic is not None
    assert "4 cores" in heat.alt
    assert "100.0% of" in heat.alt
    for picture in (heat, traffic):
        assert picture.png.startswith(b"\x89PNG")
    assert traffic_matrix(one.placement) is None


def test_counts_are_those_of_the_run_however_it_is_cut() -> None:
    whole, cut = lies().events, lies(small(1)).events
    assert cut.synaptic_operations["dense"] + cut.synaptic_operations["sparse"] == sum(
        whole.synaptic_operations.values()
    )
    assert (cut.spikes, cut.neuron_updates_active) == (whole.spikes, whole.neuron_updates_active)
    assert cut.messages_from_outside == 4 * whole.messages_from_outside


def test_only_controls_have_no_capacities() -> None:
    assert {name for name in available_profiles() if not has_capacities(load_profile(name))} == {"cpu", "ideal"}


def test_synapses_are_those_that_the_placement_stores() -> None:
    """The events' idea of a stored synapse is the placement's."""
    for number in range(12):
        network = draw_case(3, number).network
        stored = sum(core.synapses for core in place(network, LOIHI1).cores)
        assert stored == sum(FanOut(c).total() for c in network.connections), number
