"""``place`` for several profiles, with energy and pictures: what is printed, what JSON holds, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_calls import Call, refused, write_network

RATES = {"input": 0.5, "lif": 0.25}


@pytest.fixture
def network(tmp_path: Path) -> Path:
    (tmp_path / "rates.json").write_text(json.dumps(RATES))
    return write_network(tmp_path / "net.nir")


def test_profiles_stand_side_by_side(call: Call, network: Path, tmp_path: Path) -> None:
    ended = call(
        "place", network, "--dt", 1e-3, "--profile", "loihi1", "--profile", "loihi2", "--profile", "speck",
        "--rates", "rates.json", "--energy", "davies2018", "--json", "all.json",
    )  # fmt: skip
    assert ended.code == 0, ended.err
    told = " ".join(ended.out.split())
    for words in (
        "loihi1",
        "loihi2",
        "speck",
        "placed only",
        "pre-silicon simulation, minimum",
        "no total: Intel Loihi 2",
    ):
        assert words in told
    document = json.loads((tmp_path / "all.json").read_text())
    one, two, speck = document["profiles"]
    assert [p["profile"] for p in document["profiles"]] == ["loihi1", "loihi2", "speck"]
    (priced,) = one["energy_of_a_step"]
    # 3 neurons, all taken as active; 2 channels at 0.5 into 3 synapses each; nothing leaves the core
    assert priced["total_j"] == pytest.approx(3 * 81e-12 + 2 * 0.5 * 3 * 23.6e-12)
    assert (priced["basis"], priced["caveat"]) == ("simulated", "pre-silicon simulation, minimum")
    assert two["energy_of_a_step"][0]["total_j"] is None
    assert "no public figure" in two["energy_of_a_step"][0]["refusal"]
    assert speck["binding_limit"] is not None
    assert one["step_time"][0]["bound_s"] == pytest.approx(113e-9)
    assert one["step_time"][0]["largest_term"].startswith("barrier")


def test_one_profile_is_the_document_itself(call: Call, network: Path, tmp_path: Path) -> None:
    ended = call("place", network, "--dt", 1e-3, "--profile", "loihi1", "--json", "one.json", "--quiet")
    assert ended.code == 0, ended.err
    document = json.loads((tmp_path / "one.json").read_text())
    assert document["cores"] == 1
    assert {"name", "used", "capacity", "share"} <= set(document["limits"][0])
    assert (document["energy_of_a_step"], document["events_of_a_step"]) == ([], None)


def test_pictures_are_drawn_where_asked(call: Call, network: Path, tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text('extends = "loihi1"\n[core]\nneurons_max = 1\n')
    ended = call("place", network, "--dt", 1e-3, "--profile", "small.toml", "--out", "drawn")
    assert ended.code == 0, ended.err
    found = {path.name: path.read_bytes() for path in (tmp_path / "drawn").iterdir()}
    assert set(found) == {"small-cores.png", "small-traffic.png", "placement.json"}
    assert found["small-cores.png"].startswith(b"\x89PNG")
    assert json.loads(found["placement.json"])["cores"] == 3
    assert "drawn/small-cores.png" in ended.out


def test_prices_without_rates_are_refused(call: Call, network: Path) -> None:
    refused(
        call("place", network, "--dt", 1e-3, "--profile", "loihi1", "--energy", "davies2018"), 2, "--rates", "deploy"
    )


def test_a_list_that_no_profile_has_is_refused(call: Call, network: Path) -> None:
    arguments = ("place", network, "--dt", 1e-3, "--rates", "rates.json")
    refused(call(*arguments, "--profile", "loihi1", "--energy", "davis2018"), 2, "davis2018", "nearest: davies2018")
    refused(call(*arguments, "--profile", "loihi2", "--energy", "davies2018"), 2, "loihi2", "no public figure")


def test_a_board_belongs_to_one_profile(call: Call, network: Path) -> None:
    ended = call("place", network, "--dt", 1e-3, "--profile", "loihi1", "--profile", "loihi2", "--board", "nahuku-8")
    refused(ended, 2, "nahuku-8", "one --profile")


def test_what_fits_on_one_of_two_ends_with_3(call: Call, network: Path, tmp_path: Path) -> None:
    (tmp_path / "none.toml").write_text(
        'extends = "loihi1"\nunset = ["boards"]\n[core]\nneurons_max = 1\n'
        "[topology]\ncores_per_chip = 2\ncores_per_chip_usable = 2\nchips_max = 1\n"
    )
    ended = call("place", network, "--dt", 1e-3, "--profile", "loihi1", "--profile", "none.toml")
    assert ended.code == 3, ended.err
    assert "does not fit" in ended.out
    strict = call(
        "deploy", network, "--dt", 1e-3, "--profile", "none.toml", "--strict", "--reset", "zero", "--steps", 20
    )
    refused(strict, 3, "does not fit", "--strict", "cores")
    assert not (tmp_path / "neuroalign-report").exists()
