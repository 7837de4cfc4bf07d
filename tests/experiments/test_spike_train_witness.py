"""Witness networks: learners come closer, a witness stays, and hidden neurons of either sign are told apart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from neuroalign.errors import InputError
from neuroalign.experiments.spike_train_witness import Protocol, run_witness, witness_layers

SHORT = Protocol(sizes=(6, 1), inhibitory=(1,), window=150.0, windows=600, rate_of_learning=0.3, cap=0.03)
TWO = Protocol(
    sizes=(5, 3, 2),
    inhibitory=(1, 1),
    weights=((2.0, 5.0), (3.0, 6.0)),
    thresholds=(1.5, 1.0),
    window=100.0,
    windows=20,
)


def test_a_learner_comes_closer_on_fresh_inputs() -> None:
    result = run_witness(1, SHORT, reads=3, tests=10)
    assert result.windows.tolist() == [0, 200, 400, 600]
    assert result.weight_error.shape == (4, 1)
    assert result.fall() > 2
    assert result.train_fall > 2


def test_the_witness_itself_is_a_fixed_point() -> None:
    result = run_witness(1, replace(SHORT, spread=0.0, windows=20), reads=2, tests=5)
    assert result.weight_error.max() < 1e-12
    assert result.train_error.max() < 1e-12


def test_hidden_neurons_of_either_sign_are_told_apart() -> None:
    result = run_witness(2, TWO, reads=1, tests=3)
    assert result.weight_error.shape == (2, 2)
    # of three hidden neurons with five synapses each one inhibits
    mean = (2 * result.onto_hidden[:, 0] + result.onto_hidden[:, 1]) / 3
    np.testing.assert_allclose(mean, result.weight_error[:, 0], rtol=1e-12)
    assert (result.weight_error[1] != result.weight_error[0]).all()
    none = run_witness(2, replace(TWO, inhibitory=(1, 0), windows=2), reads=1, tests=2)
    assert np.isnan(none.onto_hidden[:, 1]).all()


def test_a_seed_says_all() -> None:
    short = replace(TWO, windows=3)
    one, same, other = (run_witness(seed, short, reads=1, tests=2) for seed in (3, 3, 4))
    assert (one.weight_error == same.weight_error).all()
    assert (one.weight_error != other.weight_error).any()
    layers = witness_layers(TWO, np.random.default_rng(0))
    assert [layer.sign.tolist() for layer in layers] == [[1, 1, 1, 1, -1], [1, 1, -1]]


def test_protocols_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InputError, match="2 layers"):
        Protocol(sizes=(3, 2, 1))
    with pytest.raises(InputError, match="within the window"):
        Protocol(first=300.0)


def test_normalised_steps_bring_two_layers_closer() -> None:
    p = replace(TWO, steps="normalised", rate_of_learning=0.05, windows=300, final=0.1)
    result = run_witness(1, p, reads=2, tests=10)
    assert result.train_fall > 2
    assert result.fall(0) > 1.2
    assert result.fall(1) > 1.2
    still = run_witness(1, replace(p, spread=0.0, windows=10), reads=1, tests=2)
    assert still.weight_error.max() < 1e-9
    with pytest.raises(InputError, match="one of gradient, normalised"):
        replace(p, steps="newton")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="for steps of the gradient"):
        replace(p, lost="no slope")
