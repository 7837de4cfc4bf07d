"""What the figures show: chosen by rule, in the model's units, and drawn for networks of any size."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hand_made import DT, UNITS_PER_VOLT, deployment

from neuroalign.export.excerpt import (
    chip_weights,
    drawn_runs,
    main_agreement,
    spread,
    telling_neurons,
    time_axis,
    worst_sample,
)
from neuroalign.export.figures import errors, membranes, outputs, pictures, rasters, weights
from neuroalign.recording import Recording, first_recorded


@pytest.mark.parametrize("fixed", [True, False])
def test_chip_weights_mean_what_the_model_means(fixed: bool) -> None:
    made = deployment()
    chip = made.runs[1 if fixed else 0].chip
    assert chip is not None
    for connection in made.network.connections:
        pair = chip_weights(made.network, chip, connection.name)
        assert pair is not None
        ours, held = pair
        # One weight unit adds 2^6 to v, held in units of 2^-14 V; even weights are 2 units apart. gain_i gain_v is 1.
        largest = 2**6 / UNITS_PER_VOLT if fixed else 0.0
        assert np.abs(ours - held).max() <= largest
        assert bool(np.abs(ours - held).max() > largest / 2) is fixed


def test_chip_weights_of_graded_inputs_are_per_unit_of_value() -> None:
    made = deployment()
    assert made.chip is not None
    name = made.network.connections[0].name
    graded = replace(made.chip, inputs=tuple(replace(i, value_per_unit=0.5) for i in made.chip.inputs))
    plain, halved = chip_weights(made.network, made.chip, name), chip_weights(made.network, graded, name)
    assert plain is not None
    assert halved is not None
    np.testing.assert_allclose(halved[1], 2 * plain[1])


def test_the_worst_sample_is_the_one_with_most_differences() -> None:
    made = deployment()
    run = made.runs[1]
    spikes = made.runs[0].recording.states["hidden", "s"].copy()
    spikes = np.pad(spikes, ((0, 0), (1, 1), (0, 0)))
    spikes[17, 5:9] ^= 1
    states = dict(run.recording.states) | {("hidden", "s"): spikes}
    changed = replace(run, recording=Recording("emulator", states, run.recording.latency_steps))
    assert worst_sample(replace(made, runs=(made.runs[0], changed))) == (17, 24)


def test_a_run_of_fewer_samples_limits_the_choice_of_the_sample_and_is_drawn() -> None:
    made = deployment()
    short = replace(made.runs[1], label="Lava", backend="lava", recording=first_recorded(made.runs[1].recording, 3))
    both = replace(made, runs=(*made.runs, short))
    sample, of = worst_sample(both)
    assert of == 3
    assert sample < 3
    assert {p.key for p in pictures(both)} == {"outputs", "errors", "rasters", "membranes", "weights"}


def test_the_main_run_is_the_one_on_the_profile() -> None:
    made = deployment()
    control = replace(made.agreements[0], candidate="control")
    both = replace(made, agreements=(control, *made.agreements))
    found = main_agreement(both)
    assert found is not None
    assert found.candidate == "loihi2 emulator"
    assert [run.label for run in drawn_runs(both)] == ["ideal", "loihi2 emulator"]


def test_telling_neurons_are_the_worst_and_the_most_active() -> None:
    v = np.zeros((10, 4))
    spikes = np.zeros((10, 4))
    spikes[:6, 2] = 1
    w = v.copy()
    w[:, 3] = 1.0
    assert list(telling_neurons(v, w, spikes)) == [3, 2]
    assert list(telling_neurons(v[:, :1], w[:, :1], None)) == [0]


@pytest.mark.parametrize(("steps", "unit", "last"), [(1000, "ms", 1000.0), (40, "ms", 40.0), (5000, "s", 5.0)])
def test_time_is_given_in_a_readable_unit(steps: int, unit: str, last: float) -> None:
    axis = time_axis(steps, DT)
    assert axis.unit == unit
    assert axis.values[-1] == pytest.approx(last)


def test_spread_keeps_both_ends() -> None:
    assert spread(5, 200).tolist() == [0, 1, 2, 3, 4]
    found = spread(1000, 200)
    assert (found.size, found[0], found[-1]) == (200, 0, 999)


def test_captions_say_what_is_left_out() -> None:
    made = deployment(samples=1, steps=5200, sizes=(10, 210, 3))
    picture = rasters(made)
    assert picture is not None
    assert "at most 200" in picture.caption
    assert "first 5,000 of 5,200 steps" in picture.caption
    assert "5,000 of 2,100" not in picture.caption


def test_pictures_of_one_sample_without_labels_and_of_one_neuron() -> None:
    one = deployment(samples=1, sizes=(3, 1, 1))
    assert outputs(one) is None
    assert all(draw(one) is not None for draw in (errors, membranes, weights))


def test_a_picture_of_the_same_deployment_is_the_same_bytes() -> None:
    assert rasters(deployment()) == rasters(deployment())
