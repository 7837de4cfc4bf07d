"""Integers against the floats they stand for: every figure is recomputed here from the definition."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from random_models import Choices, random_network, random_stimulus

from neuroalign.chip import ChipNetwork, Fixed
from neuroalign.compile import compile_network, float_model
from neuroalign.errors import ConversionRefused
from neuroalign.network import Connection, InputPort, Network, NeuronKind, Population, euler
from neuroalign.profile import load_profile
from neuroalign.quantise.graded import chip_stimulus
from neuroalign.recording import Recording, Stimulus
from neuroalign.sim.emulator import Emulator

LOIHI2 = load_profile("loihi2")
IDEAL = load_profile("ideal")


def lif(name: str = "a", size: int = 1, **changed: float) -> Population:
    """A LIF population with tau_mem 20 ms and a threshold of 1 V."""
    values = {
        "tau_mem": 0.02, "tau_syn": 0.0, "r": 1.0, "w_in": 1.0, "v_leak": 0.0, "v_threshold": 1.0, "v_reset": 0.0,
        "bias": 0.0, "v0": 0.0, "i0": 0.0,
    } | changed  # fmt: skip
    kind: NeuronKind = "CubaLIF" if values["tau_syn"] > 0 else "LIF"
    arrays: dict[str, Any] = {k: np.full(size, float(v)) for k, v in values.items()}
    return Population(name, kind, (size,), **arrays)


def layer(population: Population, weight: NDArray[np.float64]) -> Network:
    connection = Connection("w", "in", population.name, np.asarray(weight, dtype=float))
    return Network(
        "n", 1e-3, (InputPort("in", (weight.shape[1],)),), (population,), (connection,), (("out", population.name),)
    )


def run(chip: ChipNetwork, stimulus: Stimulus) -> Recording:
    probes = [(p.name, s) for p in chip.populations for s in ("s", "v", "u")]
    return Emulator().run(chip, stimulus, probes)


@pytest.mark.parametrize("seed", range(40))
def test_every_weight_is_the_nearest_that_the_grid_holds(seed: int) -> None:
    network = random_network(seed)
    chip, table = compile_network(network, LOIHI2)
    forms = {p.name: p for p in chip.populations}
    for c, model in zip(chip.connections, network.connections, strict=True):
        population = network.population(c.target)
        e = euler(population, network.dt)
        per_unit = (2.0 ** (c.weight_exp + forms[c.target].weight_shift)) * forms[c.target].volts_per_unit[:, None]
        wanted = (e.gain_v * e.gain_i)[:, None] * model.weight / per_unit
        step = 2 if c.sign_mode == "mixed" else 1
        assert np.abs(c.weight - wanted).max() <= step / 2 + 1e-6
        assert (c.weight % step == 0).all()
        assert c.weight.min() >= (0 if c.sign_mode == "excitatory" else -256)
        assert c.weight.max() <= (255 if c.sign_mode == "excitatory" else 254)
        (row,) = (r for r in table.of(c.name) if r.quantity == "weight")
        gain = (e.gain_v * e.gain_i)[:, None]
        error = np.abs(c.weight * per_unit / gain - model.weight)
        # The worst weight is the one that does most to its neuron, whose scale it is held in.
        effect = np.abs(gain) / forms[c.target].volts_per_unit[:, None]
        assert row.error == pytest.approx(error.flat[np.argmax(error * effect)])
        assert row.relative_error == pytest.approx((error * effect).max() / np.abs(model.weight * effect).max())


@pytest.mark.parametrize("seed", range(40))
def test_some_connection_of_each_population_uses_its_whole_range(seed: int) -> None:
    """The scale is set by weights unless a format or the headroom stops it, which the table then says."""
    network = random_network(seed)
    chip, _ = compile_network(network, LOIHI2)
    for p in chip.populations:
        used = [np.abs(c.weight).max() for c in chip.connections if c.target == p.name]
        assert max(used) >= 127


def test_thresholds_that_differ_share_one_integer_and_stay_exact() -> None:
    population = replace(lif(size=3), v_threshold=np.array([0.5, 1.0, 3.0]), v_reset=np.array([0.0, -0.2, 0.1]))
    chip, table = compile_network(layer(population, np.array([[1.0], [2.0], [4.0]])), LOIHI2)
    (held,) = chip.populations
    assert np.unique(held.threshold).size == 1
    volts = (held.threshold << held.threshold_shift) * held.volts_per_unit + held.volts_offset
    np.testing.assert_allclose(volts, population.v_threshold, rtol=1e-12)
    assert {r.status for r in table.rows if r.quantity == "threshold"} == {"exact"}


def test_decays_are_rounded_to_the_nearest_field_with_the_currents_offset() -> None:
    chip, _ = compile_network(layer(lif(tau_mem=0.0123, tau_syn=0.0051), np.ones((1, 1))), LOIHI2)
    (p,) = chip.populations
    assert p.dv[0] == round(4096 * 1e-3 / 0.0123)
    assert p.du[0] + 1 == round(4096 * 1e-3 / 0.0051)


def test_a_leak_too_slow_for_the_field_is_told() -> None:
    _, table = compile_network(layer(lif(tau_mem=9.0), np.ones((1, 1))), LOIHI2)
    (row,) = (r for r in table.rows if r.quantity == "decay_v")
    assert row.stored == "0"
    assert "lose their leak" in row.note


@pytest.mark.parametrize("profile", ["ideal", "loihi2"])
@pytest.mark.parametrize("depth", [1, 2, 4])
def test_without_input_the_chip_follows_the_model_from_its_first_step(profile: str, depth: int) -> None:
    """Bias through a filter, leak, reset and start state: closed-form membrane of an undriven population."""
    population = lif(
        "last", tau_mem=0.02, tau_syn=0.01, v_leak=-0.3, v_reset=-0.6, bias=0.4, v_threshold=1.0, v0=0.2, r=1.5
    )
    chain = [lif(f"p{k}") for k in range(depth - 1)]
    names = ["in", *(p.name for p in chain), "last"]
    connections = tuple(Connection(f"c{k}", a, b, np.ones((1, 1))) for k, (a, b) in enumerate(pairwise(names)))
    network = Network("n", 1e-3, (InputPort("in", (1,)),), (*chain, population), connections, (("out", "last"),))
    chip, table = compile_network(network, load_profile(profile))
    steps = 200
    recording = run(chip, Stimulus({"in": np.zeros((1, steps, 1), dtype=np.uint8)}))
    held = chip.population("last")
    assert held.latency_steps == depth
    volts = held.volts(recording.aligned("last", "v", steps))[0, :, 0]
    t = np.arange(1, steps + 1)
    a, b = 1 - 1e-3 / 0.01, 1 - 1e-3 / 0.02
    steady = -0.3 + 1.5 * 0.4
    # v[t] = steady + (v0 - steady) b^t - r bias (dt/tau_mem) sum over k of b^(t-k) a^k
    transient = 1.5 * 0.4 * (1e-3 / 0.02) * a * (b**t - a**t) / (b - a)
    exact = steady + (0.2 - steady) * b**t - transient
    bound = 1e-12 if profile == "ideal" else 2e-3  # 12-bit decays: half a unit in 4096 of dt/tau = 0.05 and 0.1
    assert np.abs(volts - exact).max() < bound
    assert not recording.aligned("last", "s", steps).any()
    if profile == "loihi2":
        for quantity in ("u0", "v0"):
            (row,) = (r for r in table.of("last") if r.quantity == quantity)
            assert row.error < 1e-4


def test_a_membrane_that_would_cross_its_threshold_before_the_start_is_refused() -> None:
    """The second population starts two steps early: one step before the model it would have to stand at 2.6 V."""
    connections = (Connection("x", "in", "p0", np.ones((1, 1))), Connection("y", "p0", "a", np.ones((1, 1))))
    populations = (lif("p0"), lif("a", v0=0.99, bias=-30.0))
    network = Network("n", 1e-3, (InputPort("in", (1,)),), populations, connections, (("out", "a"),))
    for profile in (LOIHI2, IDEAL):
        with pytest.raises(ConversionRefused, match=r"'a'.*above its threshold at chip step 1.*--initial zero"):
            compile_network(network, profile)


def test_subtractive_reset_is_refused_by_chips_and_held_by_ideal() -> None:
    network = replace(layer(lif(), np.ones((1, 1))), reset="subtract")
    with pytest.raises(ConversionRefused, match="--reset zero"):
        compile_network(network, LOIHI2)
    chip, _ = compile_network(network, IDEAL)
    assert chip.populations[0].reset == "subtract"


def test_a_neuron_that_never_spikes_cannot_feed_another() -> None:
    readout = replace(lif("r"), kind="LI", v_threshold=np.full(1, np.inf))
    network = Network(
        "n", 1e-3, (InputPort("in", (1,)),), (readout, lif("b")),
        (Connection("x", "in", "r", np.ones((1, 1))), Connection("y", "r", "b", np.ones((1, 1)))), (("out", "b"),),
    )  # fmt: skip
    with pytest.raises(ConversionRefused, match="never spikes"):
        compile_network(network, LOIHI2)


def test_graded_input_needs_a_payload() -> None:
    network = layer(lif(), np.ones((1, 1)))
    with pytest.raises(ConversionRefused, match="no payload"):
        compile_network(network, load_profile("loihi1"), graded={"in": 1.0})
    chip, _ = compile_network(network, LOIHI2, graded={"in": 0.7})
    assert chip.inputs[0].message_bits > 0
    assert chip.inputs[0].value_per_unit * (2 ** (chip.inputs[0].message_bits - 1) - 1) == pytest.approx(0.7)


@pytest.mark.parametrize("reset", ["zero", "subtract"])
@pytest.mark.parametrize("seed", range(20))
def test_ideal_is_the_float_model_after_the_declared_latency(seed: int, reset: str) -> None:
    """Chip order, delays, start states and shifted resets change nothing when nothing is rounded."""
    network = random_network(seed, Choices(reset=reset, most_delay=3))  # type: ignore[arg-type]
    stimulus = random_stimulus(network, seed, 2, 300)
    ideal, _ = compile_network(network, IDEAL)
    held, model = run(ideal, stimulus), run(float_model(network, IDEAL), stimulus)
    for p in ideal.populations:
        np.testing.assert_array_equal(held.aligned(p.name, "s", 300), model.aligned(p.name, "s", 300))
        np.testing.assert_allclose(held.aligned(p.name, "v", 300), model.aligned(p.name, "v", 300), atol=1e-9)


def test_more_bits_bring_the_chip_closer() -> None:
    """The error of the chip is that of its weights: it falls when they get more bits."""
    network = random_network(3, Choices(readouts=("LI",)))
    stimulus = random_stimulus(network, 3, 2, 300)
    model = run(float_model(network, IDEAL), stimulus)
    errors = []
    for bits in (3, 6, 8):
        chip, _ = compile_network(network, replace(LOIHI2, synapse=replace(LOIHI2.synapse, weight_bits=(bits,))))
        assert all(isinstance(c.weight_format, Fixed) and c.weight_format.bits == bits for c in chip.connections)
        first = chip.populations[0]
        volts = first.volts(run(chip, stimulus).aligned(first.name, "v", 300))
        errors.append(float(np.abs(volts - model.states[first.name, "v"][:, :300] - first.volts_offset).mean()))
    assert errors[0] > errors[1] > errors[2]


def test_a_readout_that_rests_far_from_zero_keeps_its_scale() -> None:
    """Membranes in millivolts rest at -65: what becomes 0 on chip is where they rest, not 0 mV."""
    readout = replace(lif("r", 2, v_leak=-65.0, v0=-65.0), kind="LI", v_threshold=np.full(2, np.inf))
    network = layer(readout, np.array([[0.1, 0.2], [0.3, -0.1]]))
    spikes = (np.random.default_rng(0).random((1, 400, 2)) < 0.2).astype(np.uint8)
    chip, table = compile_network(network, LOIHI2)
    held = run(chip, Stimulus({"in": spikes}))
    model = run(float_model(network, IDEAL), Stimulus({"in": spikes}))
    volts = chip.populations[0].volts(held.aligned("r", "v", 400))
    wanted = model.states["r", "v"][:, :400] - 65.0
    assert np.abs(volts - wanted).max() < 0.01 * np.ptp(wanted)
    assert not any(held.counts.values())
    assert {r.status for r in table.rows if r.quantity == "headroom"} == {"exact"}


def test_the_resting_membrane_is_exact_whatever_the_rounded_decay() -> None:
    """dt/tau = 13.65/4096 is held as 14: the drive of the leak is scaled with it, so rest stays rest."""
    chip, table = compile_network(layer(lif(tau_mem=0.3, v_leak=-0.3, v0=-0.3), np.ones((1, 1))), LOIHI2)
    recording = run(chip, Stimulus({"in": np.zeros((1, 3000, 1), dtype=np.uint8)}))
    volts = chip.populations[0].volts(recording.aligned("a", "v", 3000))
    (row,) = (r for r in table.rows if r.quantity == "decay_v")
    assert row.relative_error > 0.02
    assert np.abs(volts + 0.3).max() < 1e-4


def test_a_weight_lost_beside_large_ones_of_other_neurons_is_not_exact() -> None:
    population = replace(lif(size=2), v_threshold=np.array([1e-6, 1e3]))
    weight = np.array([[3e-5, 1e-9], [3e4, 1e4]])
    _, table = compile_network(layer(population, weight), LOIHI2)
    (row,) = (r for r in table.rows if r.quantity == "weight")
    assert row.status == "rounded"
    assert row.relative_error < 0.01


def test_start_states_that_do_not_fit_count_as_saturated() -> None:
    """Three fast currents in a row: minus the steady current of the bias, divided by 0.02 cubed, exceeds 24 bits."""
    names = ("in", "p0", "p1", "p2")
    populations = (lif("p0"), lif("p1"), lif("p2", tau_syn=1.02e-3, bias=-3.0))
    links = tuple(Connection(f"{a}{b}", a, b, np.ones((1, 1))) for a, b in pairwise(names))
    network = Network("n", 1e-3, (InputPort("in", (1,)),), populations, links, (("out", "p2"),))
    _, table = compile_network(network, LOIHI2)
    clipped = [r for r in table.of("p2") if r.quantity in ("u0", "v0") and r.saturated]
    assert clipped
    assert {r.status for r in clipped} == {"saturated"}
    with pytest.raises(ConversionRefused, match="--strict"):
        compile_network(network, LOIHI2, strict=True)


@pytest.mark.parametrize("seed", range(60))
def test_start_states_arrive_within_a_unit(seed: int) -> None:
    """The integer run through the lead-in ends within one unit of the model's start, where nothing clips."""
    network = random_network(seed, Choices(depth=(3, 4)))
    chip, table = compile_network(network, LOIHI2)
    for p in chip.populations:
        for row in table.of(p.name):
            if row.quantity in ("u0", "v0") and not row.saturated:
                assert row.error / p.volts_per_unit.max() < 1


@pytest.mark.parametrize("seed", range(80))
def test_what_the_table_calls_safe_is_safe(seed: int) -> None:
    """Every input of one sign in every step, then of the other: the worst that spikes can do."""
    rng = np.random.default_rng(seed)
    spiking = bool(rng.integers(2))
    population = lif(
        "a", 2, tau_mem=float(rng.choice([0.002, 0.02, 0.2])), tau_syn=float(rng.choice([0.0, 0.005])),
        v_leak=float(rng.normal()), bias=float(rng.normal()), v_threshold=20.0, v_reset=float(-abs(rng.normal())),
    )  # fmt: skip
    if not spiking:
        kind: NeuronKind = "CubaLI" if population.kind == "CubaLIF" else "LI"
        population = replace(population, kind=kind, v_threshold=np.full(2, np.inf))
    weight = rng.normal(rng.normal(), 1, (2, 3)) * 10 ** rng.uniform(-1, 2)
    chip, table = compile_network(layer(population, weight), LOIHI2)
    (row,) = (r for r in table.rows if r.quantity == "headroom")
    signs = [(weight[n] > 0) == up for n in range(2) for up in (True, False)] + [np.ones(3, dtype=bool)]
    patterns = [(a, b) for a in signs for b in signs]
    spikes = np.stack([np.repeat(np.stack(p), 400, axis=0) for p in patterns]).astype(np.uint8)
    counts = run(chip, Stimulus({"in": spikes})).counts
    if row.status == "exact":
        assert not any(counts.values()), counts
    assert chip.populations[0].threshold[0] > 0


def test_payloads_are_rounded_to_the_nearest() -> None:
    chip, _ = compile_network(layer(lif(), np.ones((1, 1))), LOIHI2, graded={"in": 1.0})
    values = np.linspace(-1, 1, 1001)[None, :, None]
    held = chip_stimulus(Stimulus({"in": values}), chip).inputs["in"]
    assert np.abs(held * chip.inputs[0].value_per_unit - values).max() <= chip.inputs[0].value_per_unit / 2 * (1 + 1e-9)


def test_a_bias_beyond_its_format_counts_as_saturated() -> None:
    _, table = compile_network(layer(lif(bias=1e9), np.ones((1, 1))), LOIHI2)
    (row,) = (r for r in table.rows if r.quantity == "bias")
    assert row.status == "saturated"
    assert row.saturated == 1
