"""What was learnt as a spiking network, and as a file that deploys to the identical chip."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from neuroalign.chip import first_difference
from neuroalign.compile import compile_network
from neuroalign.datasets.digits import load_digits
from neuroalign.datasets.images import Images
from neuroalign.errors import InputError
from neuroalign.export.nir_graph.write import read_chip, read_extra
from neuroalign.feedback.methods import Method, method_named, with_phase
from neuroalign.feedback.phases import Phase, SalPhase, StdwiPhase
from neuroalign.feedback.spiking import array_text, save_learned, spiking_accuracy, spiking_network, text_array
from neuroalign.feedback.training import Settings, train
from neuroalign.pipeline import deploy
from neuroalign.profile import load_profile
from neuroalign.reproduce.feedback_saving import check_saving


def short(name: str) -> Method:
    phases: dict[str, Phase] = {"stdwi": StdwiPhase(1.0, 1.0), "sal": SalPhase(500, 100)}
    return with_phase(name, name, phases[name]) if name in phases else method_named(name)


@pytest.mark.parametrize("name", ["bp", "stdwi", "sal"])
def test_deploying_the_saved_file_gives_the_identical_chip(tmp_path: Path, name: str) -> None:
    data = load_digits()
    few = Images("few", data.train[:96], data.train_labels[:96], data.test[:20], data.test_labels[:20])
    result = train(few, short(name), Settings((14, 12, 11), 1, 0.1), 1)
    path = tmp_path / "learnt.nir"
    chip = save_learned(path, result.layers, result.back, name)
    assert first_difference(chip, deploy(path, "loihi2", steps=3).chip) is None
    assert first_difference(chip, read_chip(path)) is None
    plastic = [c for c in chip.connections if c.plasticity is not None]
    assert len(plastic) == (0 if name == "bp" else 2)
    extra = read_extra(path)
    assert extra["method"] == name
    for kind, arrays in (
        ("weight", result.layers.weights),
        ("bias", result.layers.biases),
        ("backward", result.back.weights),
    ):
        for k, array in enumerate(arrays):
            np.testing.assert_array_equal(text_array(extra[f"{kind} {k + 1}"]), np.atleast_2d(array))


def test_no_bit_of_a_float_is_lost_in_its_text() -> None:
    rng = np.random.default_rng(0)
    array = rng.standard_normal((3, 4)) * 10.0 ** rng.integers(-300, 300, (3, 4))
    np.testing.assert_array_equal(text_array(array_text(array)), array)


def test_the_spiking_network_classifies_nearly_as_the_trained_one() -> None:
    data = load_digits()
    result = train(data, method_named("bp"), Settings((32, 32), 4, 0.1), 1)
    network = spiking_network(result.layers, result.back, "bp")
    few = slice(0, 150)
    trained = np.mean([result.accuracy[-1]])
    for profile in ("ideal", "loihi2"):
        chip, _ = compile_network(network, load_profile(profile))
        found = spiking_accuracy(chip, data.test[few], data.test_labels[few], 150, 1)
        assert trained - 0.06 < found


@pytest.mark.parametrize(
    ("experiment", "names", "path"),
    [
        ("sal", ["bp"], "a.nir"),
        ("feedback", None, "a.nir"),
        ("feedback", ["bp", "fa"], "a.nir"),
        ("feedback", ["bp"], "a.h5"),
    ],
)
def test_what_cannot_be_saved_is_refused_before_it_is_run(experiment: str, names: list[str] | None, path: str) -> None:
    with pytest.raises(InputError, match="--save-learned"):
        check_saving(experiment, names, Path(path))
