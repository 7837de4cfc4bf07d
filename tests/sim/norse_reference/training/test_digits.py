"""The training script: what it writes, that it writes it again, and that its split is the rule's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from neuroalign.errors import OutputError
from neuroalign.sim.norse_reference.training import digits

pytestmark = pytest.mark.norse
for package in ("torch", "norse", "nir", "sklearn"):
    pytest.importorskip(package)


def test_train_and_test_share_no_image() -> None:
    train, test = digits.train_indices(1797), digits.test_indices(1797)
    assert test.tolist() == list(range(0, 1797, 5))
    assert sorted([*train, *test]) == list(range(1797))


def test_a_pixel_spikes_as_often_as_it_is_bright() -> None:
    pixels = np.array([[0.0, 4.0, 16.0]]).repeat(2000, axis=0)
    rates = digits.encode(pixels, np.random.default_rng(0)).mean(axis=(0, 1))
    assert rates[0] == 0
    assert rates[1] == pytest.approx(0.25, abs=0.01)
    assert rates[2] == 1


@pytest.mark.slow
def test_two_runs_write_the_same_bytes_and_learn(tmp_path: Path) -> None:
    first = digits.run(tmp_path / "a", epochs=2, log=lambda line: None)
    second = digits.run(tmp_path / "b", epochs=2, log=lambda line: None)
    assert first == second
    assert first[0] > 0.6
    assert sorted(f.name for f in (tmp_path / "a").iterdir()) == ["digits.nir", "digits_test.npz"]
    for name in ("digits.nir", "digits_test.npz"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_the_shipped_test_split_is_what_the_script_writes(tmp_path: Path) -> None:
    from neuroalign.demo import load_demo

    pixels, labels = digits.load_digits()
    held_out = digits.test_indices(len(labels))
    spikes = digits.encode(pixels[held_out], np.random.default_rng(digits.TEST_SEED))
    digits.write_test_split(tmp_path / "digits_test.npz", spikes, labels[held_out])
    shipped = load_demo()[0].with_name("digits_test.npz")
    with np.load(tmp_path / "digits_test.npz") as made, np.load(shipped) as ours:  # not bytes: zlib differs
        assert made.files == ours.files
        for name in ours.files:
            assert made[name].dtype == ours[name].dtype
            np.testing.assert_array_equal(made[name], ours[name])


def test_a_folder_that_cannot_be_made_is_refused_before_training(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "taken").write_text("")
    assert digits.main(["--out", str(tmp_path / "taken" / "out")]) == OutputError.exit_code
    assert "cannot be made" in capsys.readouterr().err
