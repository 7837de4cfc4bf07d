"""A saved chip, read as a Network and held without rounding, is the chip in real numbers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from plastic_models import driving, spike_input
from random_models import Choices, random_network
from random_networks import Options, draw_fixed, draw_float, draw_stimulus
from small_chips import chip as small_chip
from small_chips import neurons, wire

from neuroalign.chip import ChipConnection, ChipNetwork, ChipPopulation, Fixed, Float64
from neuroalign.compile import compile_network
from neuroalign.export.nir_graph.read import ImportedNetwork, read_nir
from neuroalign.export.nir_graph.write import write_nir
from neuroalign.network import euler
from neuroalign.profile import load_profile
from neuroalign.recording import Stimulus
from neuroalign.rules import stdwi
from neuroalign.sim.emulator.driver import Emulator

IDEAL = load_profile("ideal")
STEPS = 60


def in_real_numbers(chip: ChipNetwork) -> ChipNetwork:
    """The integers of ``chip`` as real numbers, with nothing rounded, wrapped or saturated."""
    return replace(
        chip,
        populations=tuple(_real_population(p) for p in chip.populations),
        connections=tuple(_real_connection(c) for c in chip.connections),
    )


def _real_population(p: ChipPopulation) -> ChipPopulation:
    if isinstance(p.v_format, Float64):
        return p
    bias = [int(m) << int(e) if e >= 0 else int(m) >> -int(e) for m, e in zip(p.bias_mant, p.bias_exp, strict=True)]
    return replace(
        p,
        du=(p.du + p.u_offset) / 4096,
        dv=(p.dv + p.v_offset) / 4096,
        threshold=p.threshold * 64.0,
        bias_mant=np.array(bias, dtype=np.float64),
        bias_exp=np.zeros_like(p.bias_exp),
        u0=p.u0.astype(np.float64),
        v0=p.v0.astype(np.float64),
        u_format=Float64(),
        v_format=Float64(),
        decay_bits=0,
        u_offset=0,
        v_offset=0,
        threshold_shift=0,
        weight_shift=0,
    )


def _real_connection(c: ChipConnection) -> ChipConnection:
    if isinstance(c.weight_format, Float64):
        return c
    return replace(c, weight=c.weight * 64 * 2.0**c.weight_exp, weight_format=Float64(), weight_exp=0)


def traces(
    chip: ChipNetwork, name: str, stimulus: Stimulus, latency: int
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Volts and spikes of a population from the model's first step on."""
    recording = Emulator().run(chip, stimulus, [(name, "v"), (name, "s")], implementation="reference")
    steps = slice(latency, latency + STEPS)
    return chip.population(name).volts(recording.states[name, "v"][0])[steps], recording.states[name, "s"][0][steps]


def check_meaning(chip: ChipNetwork, stimulus: Stimulus, imported: ImportedNetwork) -> int:
    """Compare membranes and spikes of all populations; the number of spikes."""
    assert imported.repairs == ()
    assert not any("WARNING" in line for line in imported.assumptions)
    real = in_real_numbers(chip)
    again, _ = compile_network(imported.network, IDEAL)
    chip_steps = any("in steps of the chip" in line for line in imported.assumptions)
    spikes = 0
    for p in chip.populations:
        expected, fired = traces(real, p.name, stimulus, 0 if chip_steps else p.latency_steps)
        found, as_well = traces(again, p.name, stimulus, again.population(p.name).latency_steps)
        assert np.abs(expected - found).max() <= 1e-12 * np.abs(expected).max() + 1e-15
        np.testing.assert_array_equal(as_well, fired)
        spikes += int(fired.sum())
    return spikes


@pytest.mark.parametrize("profile", ["ideal", "loihi2"])
@pytest.mark.parametrize("seed", range(6))
def test_compiled_networks(seed: int, profile: str, tmp_path: Path) -> None:
    network = random_network(seed, Choices(hidden=("LIF", "CubaLIF", "IF", "Threshold"), readouts=("LI", "Linear")))
    chip, _ = compile_network(network, load_profile(profile))
    for given in (None, network):
        imported = read_nir(write_nir(tmp_path / "a.nir", chip, network=given))
        spikes = check_meaning(chip, draw_stimulus(np.random.default_rng(seed), chip, 1, STEPS), imported)
        assert spikes > 10
        assert not any("in steps of the chip" in line for line in imported.assumptions)


@pytest.mark.parametrize("seed", range(8))
def test_networks_that_no_compiler_made(seed: int, tmp_path: Path) -> None:
    """Delays per synapse, latencies that fit no model, mixed leaks, arbitrary start states."""
    rng = np.random.default_rng(seed)
    chip = draw_fixed(rng, Options(max_delay=2)) if seed % 2 else draw_float(rng, Options(max_delay=2))
    if seed > 3:
        first = chip.populations[0]
        chip = replace(
            chip, populations=(replace(first, dv=first.dv * (rng.random(first.size) < 0.5)), *chip.populations[1:])
        )
    imported = read_nir(write_nir(tmp_path / "a.nir", chip))
    assert check_meaning(chip, draw_stimulus(rng, chip, 1, STEPS), imported) > 10


def test_reset_by_subtraction(tmp_path: Path) -> None:
    network = random_network(3, Choices(reset="subtract"))
    chip, _ = compile_network(network, IDEAL)
    imported = read_nir(write_nir(tmp_path / "a.nir", chip))
    assert imported.network.reset == "subtract"
    assert check_meaning(chip, draw_stimulus(np.random.default_rng(0), chip, 1, STEPS), imported) > 10


def test_graded_input_enters_in_its_own_unit(tmp_path: Path) -> None:
    network = random_network(4)
    chip, _ = compile_network(network, load_profile("loihi2"), graded={"input": 2.0})
    read = read_nir(write_nir(tmp_path / "a.nir", chip)).network
    unit = chip.inputs[0].value_per_unit
    assert unit != 1
    for c in (c for c in chip.connections if c.source == "input"):
        volts = c.weight * 2.0 ** (c.weight_exp + 6) * chip.population(c.target).volts_per_unit[:, None] / unit
        e = euler(read.population(c.target), read.dt)
        weight = next(k.weight for k in read.connections if k.name == c.name)
        np.testing.assert_allclose((e.gain_v * e.gain_i)[:, None] * weight, volts, rtol=1e-12)


def test_slow_leaks_are_no_other_unit_of_time(tmp_path: Path) -> None:
    """A decay of 1/4096 a step is a time constant of 4 s, which alone would look like milliseconds."""
    chip = small_chip([neurons("a", 2, du=4095, dv=1, threshold=500)], [wire("in", "a", [[100, 20], [40, 200]])], 2)
    imported = read_nir(write_nir(tmp_path / "a.nir", chip))
    assert imported.network.populations[0].tau_mem[0] == pytest.approx(4.096)
    assert check_meaning(chip, draw_stimulus(np.random.default_rng(1), chip, 1, STEPS), imported) > 3
    assert isinstance(chip.populations[0].v_format, Fixed)


def test_plastic_networks_learn_the_same(tmp_path: Path) -> None:
    for seed, recurrent in ((1, False), (2, True)):
        network = driving(stdwi(learning_rate=1e-2), seed, recurrent=recurrent, filtered=recurrent)
        chip, _ = compile_network(network, IDEAL)
        again, _ = compile_network(read_nir(write_nir(tmp_path / "a.nir", chip, network=network)).network, IDEAL)
        learnt = []
        for c in (chip, again):
            unit = next(k.plasticity.weight_unit for k in c.connections if k.plasticity is not None)
            run = Emulator().run(
                c, spike_input(network, 1, 150, rate=0.2), [("learns", "w")], implementation="reference"
            )
            learnt.append(run.states["learns", "w"] * unit)
        start = next(k.weight for k in network.connections if k.name == "learns")
        assert np.abs(learnt[0] - start).max() > 0.1
        np.testing.assert_allclose(learnt[1], learnt[0], rtol=1e-10)
