"""The digits that ship with the package."""

from __future__ import annotations

import numpy as np
import pytest

from neuroalign.datasets import Images, load_images
from neuroalign.datasets.images import validation_of
from neuroalign.errors import InputError


def test_the_shipped_digits_are_those_of_scikit_learn() -> None:
    datasets = pytest.importorskip("sklearn.datasets", reason="scikit-learn is not installed")
    bunch = datasets.load_digits()
    data = load_images("digits")
    held = np.arange(len(bunch.target)) % 5 == 0
    np.testing.assert_array_equal(data.train * 16, bunch.data[~held])
    np.testing.assert_array_equal(data.test * 16, bunch.data[held])
    np.testing.assert_array_equal(data.train_labels, bunch.target[~held])
    np.testing.assert_array_equal(data.test_labels, bunch.target[held])


def test_validation_comes_from_the_training_split_alone() -> None:
    data = load_images("digits")
    split = validation_of(data)
    assert len(split.train) + len(split.test) == len(data.train)
    both = np.concatenate([split.train, split.test])
    assert {row.tobytes() for row in both} == {row.tobytes() for row in data.train}


def test_labels_that_are_no_class_are_refused() -> None:
    pixels, labels = np.zeros((2, 4), np.float32), np.array([0, 10])
    with pytest.raises(InputError, match="label 1 is 10; labels are 0 to 9"):
        Images("made", pixels, labels, pixels, labels)


def test_unknown_names_are_refused() -> None:
    with pytest.raises(InputError, match="one of digits"):
        load_images("cats")
