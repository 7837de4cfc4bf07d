"""Searching scales and integers on calibration input: against brute force, the plain scheme, and inputs not searched on."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from neuroalign.calibration import (
    SearchOptions,
    calibration_input,
    count_error,
    layer_errors,
    search,
    split_large,
)
from neuroalign.calibration.activity import activity
from neuroalign.calibration.layers import chip_given, float_given, isolated, network_error
from neuroalign.calibration.trial import tried_scales
from neuroalign.compile import compile_network
from neuroalign.encoding import bernoulli_signal
from neuroalign.errors import ConversionRefused, InputError
from neuroalign.export.nir_graph import read_nir
from neuroalign.export.nir_graph.write import read_chip, write_nir
from neuroalign.network import Network
from neuroalign.pattern import Convolution, expanded
from neuroalign.pipeline import deploy
from neuroalign.pipeline.options import Options
from neuroalign.profile import load_profile
from neuroalign.quantise.compensated import compensated_rounding, quadratic_error
from neuroalign.quantise.legality import with_microcode
from neuroalign.quantise.normal_form import normalise
from neuroalign.recording import Stimulus
from neuroalign.rule_check import trial_network
from neuroalign.rules import load_rule
from neuroalign.sim.emulator import Emulator

LOIHI2 = load_profile("loihi2")


def _braille(shared_data: Path) -> Network:
    return read_nir(shared_data / "nir_nets" / "braille_noDelay_bias_zero.nir").network


def _drawn(network: Network, samples: int, seed: int, steps: int = 128) -> Stimulus:
    return bernoulli_signal(network.inputs, samples=samples, steps=steps, rate=0.05, seed=seed)


@pytest.mark.parametrize("seed", range(6))
def test_compensated_rounding_is_near_the_best_integers(seed: int) -> None:
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(6, 6))
    seen = mixing @ mixing.T
    wanted, step = rng.normal(size=(1, 6)) * 2, np.array([1.0, 1.0, 0.5, 1.0, 2.0, 1.0])
    low, high = np.full(6, -4.0), np.full(6, 4.0)

    def error(integers: np.ndarray) -> float:
        return float(quadratic_error(wanted - integers * step, seen)[0])

    found = compensated_rounding(wanted, seen, step, low, high)
    nearest = np.clip(np.rint(wanted / step), low, high)
    around = [sorted({np.floor(x), np.ceil(x)}) for x in np.clip(wanted[0] / step, low, high)]
    best = min(error(np.array([choice])) for choice in itertools.product(*around))
    assert ((found >= low) & (found <= high)).all()
    assert error(found) <= error(nearest) + 1e-12
    assert error(found) <= 3.0 * best + 1e-12


def test_without_activity_rounding_is_to_nearest() -> None:
    wanted = np.random.default_rng(0).normal(size=(3, 5)) * 10
    full = np.full(5, 100.0)
    assert np.array_equal(compensated_rounding(wanted, np.zeros((5, 5)), np.ones(5), -full, full), np.rint(wanted))


def test_activity_is_the_membrane_of_a_neuron_that_never_spikes(shared_data: Path) -> None:
    network = _braille(shared_data)
    stimulus = _drawn(network, 1, 3)
    population = network.populations[1]
    (c,) = [k for k in network.connections if k.target == population.name]
    given = np.random.default_rng(1).random((1, 128, c.shape[1])) < 0.1
    form = normalise(network, population, 0)
    phi = activity(c, form, given.astype(np.uint8), 0.0, 0).phi
    # One step after the other, as the module's equations stand.
    u, v, wanted = np.zeros(c.shape[1]), np.zeros(c.shape[1]), []
    for spikes in given[0]:
        u = (1 - form.decay_u.mean()) * u + spikes
        v = (1 - form.decay_v.mean()) * v + u
        wanted.append(v.copy())
    assert np.allclose(phi, wanted)
    assert stimulus.steps == len(phi)


def test_a_kernel_sees_the_patches_of_its_image() -> None:
    rng = np.random.default_rng(2)
    pattern = Convolution((2, 5, 4), 3, (3, 2), padding=(1, 0))
    from neuroalign.calibration import activity as module

    phi = rng.normal(size=(7, 40))
    matrix = module._kernel_matrix(pattern, phi, rng)
    errors = rng.normal(size=pattern.weight_shape)
    direct = np.square(phi @ expanded(pattern, errors).T).mean(axis=0).reshape(3, -1).mean(axis=1)
    assert np.allclose(quadratic_error(errors.reshape(3, -1), matrix[0]), direct)


@pytest.mark.parametrize("share", [0.01, 0.1])
def test_two_synapses_hold_the_same_weight(shared_data: Path, share: float) -> None:
    network = _braille(shared_data)
    split = split_large(network, share)
    whole = {c.name: c.matrix() for c in split.connections}
    for c in network.connections:
        assert np.allclose(whole[c.name] + whole[f"{c.name}+"], c.weight, rtol=1e-15, atol=1e-15)
        assert np.abs(whole[c.name]).max() < np.abs(c.weight).max()
    taken = sum(c.weight.size for c in split.connections) - sum(c.weight.size for c in network.connections)
    assert 0 < taken <= 1.1 * share * sum(c.weight.size for c in network.connections) + len(network.connections)
    with pytest.raises(InputError, match="between 0 and 1"):
        split_large(network, 1.5)


def test_the_search_lowers_the_error_on_input_it_never_saw(shared_data: Path, tmp_path: Path) -> None:
    network = _braille(shared_data)
    found = search(network, LOIHI2, _drawn(network, 24, 1), SearchOptions(split=(0.02,)))
    fresh = _drawn(network, 24, 2)
    wanted = float_given(network, fresh)
    output = network.population(network.outputs[0][1])

    def error(held: Network, **options: object) -> float:
        given = chip_given(held, compile_network(held, LOIHI2, **options)[0], fresh)  # type: ignore[arg-type]
        return count_error(output, given[output.name], wanted[output.name])

    assert error(found.network, scales=found.scales) < 0.75 * error(network)
    assert found.told.way != "plain"
    assert found.told.tried[0].way == "plain"
    for plain, better in zip(found.told.plain, found.told.layers, strict=True):
        assert better.alone < 0.5 * plain.alone
        assert plain.finer < plain.alone < plain.together  # half the step; and errors add up
    chip, _ = compile_network(found.network, LOIHI2, scales=found.scales)
    from neuroalign.chip import first_difference

    assert first_difference(chip, read_chip(write_nir(tmp_path / "n.nir", chip, network=found.network))) is None


def test_a_population_alone_takes_the_models_spikes(shared_data: Path) -> None:
    network = _braille(shared_data)
    alone = isolated(network, network.populations[0])
    assert [c.source for c in alone.connections] == ["into input", "into lif1.lif"]
    assert [c.delay_steps for c in alone.connections] == [c.delay_steps for c in network.connections[:2]]
    stimulus = _drawn(network, 2, 0)
    (ideal, *_) = layer_errors(network, replace(LOIHI2, id="again"), stimulus)
    given = float_given(network, stimulus)
    inputs = {"into input": stimulus.inputs["input"], "into lif1.lif": given["lif1.lif"].astype(np.uint8)}
    again = float_given(alone, Stimulus(inputs))["lif1.lif"]
    assert np.array_equal(again, given["lif1.lif"])  # in floats there is no error to find
    assert ideal.alone > 0


def test_calibration_is_not_the_input_under_test(shared_data: Path) -> None:
    network = _braille(shared_data)
    tested = _drawn(network, 2, 0)
    drawn = calibration_input(network, 0.1, tested)
    assert (drawn.samples, drawn.steps) == (32, 128)
    assert drawn.inputs["input"].mean() == pytest.approx(0.1, abs=0.005)
    shared = Stimulus({"input": np.concatenate([drawn.inputs["input"][:2], tested.inputs["input"][1:]])})
    with pytest.raises(InputError, match="1 of its samples are in the input under test"):
        calibration_input(network, shared, tested)


def test_what_cannot_be_searched_is_refused(shared_data: Path) -> None:
    network = _braille(shared_data)
    with pytest.raises(InputError, match="at least 2 calibration samples"):
        search(network, LOIHI2, _drawn(network, 1, 0))
    with pytest.raises(ConversionRefused, match="does not round"):
        search(network, load_profile("ideal"), _drawn(network, 2, 0))
    path = shared_data / "nir_nets" / "braille_noDelay_bias_zero.nir"
    with pytest.raises(InputError, match="--split-weights belongs to the search"):
        deploy(path, steps=20, options=Options(split_weights=True))


def test_calibration_values_are_encoded_as_the_input_under_test(shared_data: Path, tmp_path: Path) -> None:
    path = shared_data / "nir_nets" / "braille_noDelay_bias_zero.nir"
    rng = np.random.default_rng(0)
    for name in ("tested", "calibration"):
        np.savez(tmp_path / f"{name}.npz", input=20.0 * rng.random((4, 40, 12)))
    options = Options(calibration=tmp_path / "calibration.npz")
    deployment = deploy(
        path, stimulus=tmp_path / "tested.npz", encoding="bernoulli", input_scale=200.0, options=options
    )
    assert deployment.search is not None
    assert len(deployment.search.tried) == 5


@pytest.mark.parametrize("rate", [0.0, -0.1, 2.0, float("nan")])
def test_rates_that_are_none_name_the_option(shared_data: Path, rate: float) -> None:
    network = _braille(shared_data)
    with pytest.raises(InputError, match="--calibrate is"):
        calibration_input(network, rate, _drawn(network, 2, 0))


def test_connections_that_learn_are_not_searched() -> None:
    network = trial_network(load_rule("stdwi"), 1e-3)
    with pytest.raises(InputError, match="'plastic' learns"):
        search(network, LOIHI2, bernoulli_signal(network.inputs, samples=2, steps=20))


def test_deploy_searches_and_tells(shared_data: Path) -> None:
    path = shared_data / "nir_nets" / "braille_noDelay_bias_zero.nir"
    deployment = deploy(path, steps=64, options=Options(calibration=0.05))
    assert deployment.search is not None
    assert deployment.search.way in {t.way for t in deployment.search.tried}
    assert any(deployment.search.way in row.note for row in deployment.table.rows)


def test_scales_that_were_tried_leave_no_population_worse_than_the_plain_one(shared_data: Path) -> None:
    network = _braille(shared_data)
    stimulus = _drawn(network, 8, 5, steps=64)
    seen = float_given(network, stimulus)
    laid = {p.name: [c for c in network.connections if c.target == p.name] for p in network.populations}
    chip, _ = compile_network(network, LOIHI2)
    tried = tried_scales(network, LOIHI2, stimulus, seen, laid, "")
    assert network_error(network, LOIHI2, tried, stimulus, seen) < network_error(network, LOIHI2, {}, stimulus, seen)
    assert tried[network.populations[0].name].k != float(chip.populations[0].threshold[0])


def test_wide_words_leave_nothing_of_the_error(shared_data: Path) -> None:
    """The 16-bit control: what is left with room for every number is what rounding costs, and nothing else."""
    network, neuron = _braille(shared_data), LOIHI2.neuron
    assert neuron.u is not None
    assert neuron.v is not None
    assert neuron.decay is not None
    assert neuron.bias is not None
    assert neuron.threshold is not None
    wide = replace(
        LOIHI2,
        synapse=replace(LOIHI2.synapse, weight_bits=(16,)),
        neuron=replace(
            neuron,
            u=replace(neuron.u, bits=31),
            v=replace(neuron.v, bits=31),
            decay=replace(neuron.decay, bits=16),
            bias=replace(neuron.bias, mant_bits=20),
            threshold=replace(neuron.threshold, mant_bits=24),
        ),
    )
    output = network.population(network.outputs[0][1])
    stimulus = _drawn(network, 300, 3, steps=256)
    given = chip_given(network, compile_network(network, wide)[0], stimulus)
    assert count_error(output, given[output.name], float_given(network, stimulus)[output.name]) <= 0.002


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
def test_more_bits_never_make_states_wrap_nor_the_error_larger(shared_data: Path, bits: int) -> None:
    network = read_nir(shared_data / "nir_nets" / "braille_noDelay_noBias_subtract.nir", reset="subtract").network
    stimulus = _drawn(network, 6, 3)
    wanted = float_given(network, stimulus)

    def of(width: int) -> tuple[float, int]:
        profile = replace(LOIHI2, synapse=replace(LOIHI2.synapse, weight_bits=(width,)))
        chip, _ = compile_network(network, with_microcode(profile))
        counts = Emulator().run(chip, stimulus, []).counts
        wrong = network_error(network, with_microcode(profile), {}, stimulus, wanted)
        return wrong, sum(n for name, n in counts.items() if name.endswith("u_wrapped"))

    assert of(bits)[1] == 0
    assert of(bits)[0] < of(8)[0]
