"""Fine-tuning: its forward pass against the emulator bit by bit, without rounding against Norse, and what it is for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from random_models import Choices, random_network, random_stimulus

from neuroalign.calibration import SearchOptions, search, split_large
from neuroalign.calibration.fine_tuning import Start, fine_tune
from neuroalign.calibration.layers import chip_given, float_given
from neuroalign.calibration.tuning_samples import tuning_samples
from neuroalign.chip import ChipNetwork, first_difference
from neuroalign.compile import compile_network
from neuroalign.encoding import bernoulli_signal
from neuroalign.errors import ConversionRefused, InputError
from neuroalign.export.nir_graph import read_nir
from neuroalign.network import Connection, InputPort, Network, ResetMode
from neuroalign.pattern import Convolution, SparsePattern
from neuroalign.profile import load_profile
from neuroalign.quantise.legality import with_microcode
from neuroalign.recording import Stimulus
from neuroalign.rule_check import trial_network
from neuroalign.rules import load_rule
from neuroalign.sim.emulator import Emulator
from neuroalign.sim.norse_reference.training.chip_form import ChipForm
from neuroalign.sim.norse_reference.training.fine_tuning import Samples, TuningOptions

pytestmark = pytest.mark.norse

LOIHI2 = load_profile("loihi2")


def _behind_images(seed: int, reset: ResetMode) -> Network:
    """A random network behind a convolution and a sparse connection."""
    rng = np.random.default_rng(seed)
    inner = random_network(seed, Choices(size=(4, 4), reset=reset))
    first = inner.populations[0]
    pattern = Convolution((2, 5, 4), 2, (3, 2), padding=(1, 0), stride=(2, 1), groups=2)
    size = pattern.shape[0]
    alike: dict[str, Any] = {n: np.full(size, getattr(first, n)[0]) for n in FIELDS}
    wide = replace(first, name="images", shape=(size,), **alike)
    target, source = np.nonzero(rng.random((first.size, size)) < 0.4)
    sparse = SparsePattern(target, source, (first.size, size))
    gain = 1.0 / (first.r[0] * first.w_in[0])
    connections = (
        Connection("k", "input", "images", rng.normal(1.5, 1.5, pattern.weight_shape) * gain, pattern=pattern),
        Connection("s", "images", first.name, rng.normal(1.6, 1.6, target.size) * gain, pattern=sparse),
        *(c for c in inner.connections if c.source != "input"),
    )
    return replace(
        inner, inputs=(InputPort("input", (2, 5, 4)),), populations=(wide, *inner.populations), connections=connections
    )


FIELDS = ("tau_mem", "tau_syn", "r", "w_in", "v_leak", "v_threshold", "v_reset", "bias", "v0", "i0")


def _braille(shared_data: Path) -> Network:
    return read_nir(shared_data / "nir_nets" / "braille_noDelay_bias_zero.nir").network


def _same(form: ChipForm, chip: ChipNetwork, stimulus: Stimulus) -> int:
    """Compare every population's spikes and silent membranes with the emulator; how many spikes there were."""
    probes = [(p.name, "s" if p.spiking else "v") for p in chip.populations]
    recording = Emulator().run(chip, stimulus, probes)
    found = form.run(stimulus.inputs)
    for p, (name, state) in zip(chip.populations, probes, strict=True):
        wanted = recording.aligned(name, state, stimulus.steps)
        assert np.array_equal(found[name].detach().numpy(), wanted if state == "s" else p.volts(wanted)), name
    return sum(int(recording.states[probe].sum()) for probe in probes if probe[1] == "s")


@pytest.mark.parametrize("seed", range(6))
def test_the_forward_pass_is_the_chip_bit_by_bit(seed: int) -> None:
    reset: ResetMode = "subtract" if seed % 4 > 1 else "zero"
    network = _behind_images(seed, reset) if seed % 2 else random_network(seed, Choices(reset=reset, most_delay=2))
    profile = with_microcode(LOIHI2) if network.reset == "subtract" else LOIHI2
    start = Start(network, profile, {})
    stimulus = bernoulli_signal(network.inputs, samples=3, steps=40, rate=0.3, seed=seed)
    form = ChipForm(start.chip, start.latents, start.biases)
    assert _same(form, start.chip, stimulus) > 20
    rng = np.random.default_rng(seed)
    weights = {n: k.weight + rng.normal(0, 3, k.weight.shape) for n, k in start.latents.items()}
    moved = {n: np.clip(w, start.latents[n].low, start.latents[n].high) for n, w in weights.items()}
    biases = {n: k.bias + rng.normal(0, 0.01, k.bias.shape) for n, k in start.biases.items()}
    latents = {n: replace(start.latents[n], weight=w) for n, w in moved.items()}
    form = ChipForm(start.chip, latents, {n: replace(start.biases[n], bias=b) for n, b in biases.items()})
    chip = start.compiled(form)  # what the compiler makes of the moved numbers, start states and exponents too
    form.refresh(chip)
    for c in chip.connections:
        assert np.array_equal(form.held_weight(c).detach().numpy(), c.weight)
    for p in chip.populations:
        assert np.array_equal(form.held_bias(p).detach().numpy(), p.bias_mant * 2.0**p.bias_exp)
    assert _same(form, chip, stimulus) > 20
    assert first_difference(chip, start.chip) is not None


def test_numbers_that_a_search_found_are_where_it_starts(shared_data: Path) -> None:
    network = split_large(_braille(shared_data), 0.02)
    drawn = bernoulli_signal(network.inputs, samples=6, steps=48, rate=0.05, seed=1)
    found = search(network, LOIHI2, drawn, SearchOptions())
    start = Start(found.network, LOIHI2, found.scales)
    form = ChipForm(start.chip, start.latents, start.biases)
    for c in start.chip.connections:
        assert np.array_equal(form.held_weight(c).detach().numpy(), c.weight)
    assert _same(form, start.chip, drawn) > 100


@pytest.mark.parametrize("seed", range(3))
def test_without_rounding_the_steps_are_norses(seed: int) -> None:
    from neuroalign.sim.norse_reference.backend import NorseReference

    network = random_network(seed)
    ideal, _ = compile_network(network, load_profile("ideal"))
    stimulus = random_stimulus(network, seed, samples=2, steps=40)
    wanted = NorseReference().run_model(network, stimulus, [(p.name, "s") for p in network.populations if p.spiking])
    found = ChipForm(ideal, {}).run(stimulus.inputs)
    for name, _ in wanted.states:
        assert np.array_equal(found[name].detach().numpy(), wanted.aligned(name, "s", 40))


def test_every_number_gets_a_gradient_through_its_rounding() -> None:
    network = random_network(1)
    start = Start(network, LOIHI2, {})
    form = ChipForm(start.chip, start.latents, start.biases)
    found = form.run(random_stimulus(network, 1, samples=4, steps=30).inputs)
    sum(a.square().mean() for a in found.values()).backward()
    for value in form.parameters():
        assert value.grad is not None
        assert bool((value.grad != 0).any())


def test_fine_tuning_brings_back_what_few_bits_lost() -> None:
    """Two bits a weight: towards the float model's own outputs, judged on input that was not trained on."""
    network = random_network(5, Choices(size=(8, 10), depth=(2, 2), readouts=()))
    narrow = replace(LOIHI2, synapse=replace(LOIHI2.synapse, weight_bits=(3,)))
    train, fresh = (random_stimulus(network, seed, samples=100, steps=24) for seed in (1, 2))
    name = network.outputs[0][1]
    samples = tuning_samples(network, train, towards="float")
    tuned = fine_tune(network, narrow, samples, TuningOptions(epochs=6, batch=10, rate=0.01))
    assert first_difference(compile_network(tuned.network, narrow, scales=tuned.scales)[0], tuned.chip) is None
    goal = float_given(network, fresh)[name].sum(1).astype(float)

    def error(chip: ChipNetwork) -> float:
        return float(np.square(chip_given(network, chip, fresh)[name].sum(1) - goal).mean())

    assert error(tuned.chip) < 0.6 * error(compile_network(network, narrow)[0])
    assert min(e.loss for e in tuned.epochs) == tuned.epochs[tuned.best].loss


def test_an_interrupted_fine_tuning_goes_on_to_the_same_numbers(tmp_path: Path) -> None:
    network = random_network(1, Choices(readouts=()))
    stimulus = random_stimulus(network, 1, samples=20, steps=15)
    labels = np.arange(20) % network.populations[-1].size
    samples = Samples(20, lambda rows, epoch: {n: a[rows] for n, a in stimulus.inputs.items()}, labels)
    options = TuningOptions(epochs=3, batch=5, rate=0.02, checkpoint=tmp_path / "state.pt")
    whole = fine_tune(network, LOIHI2, samples, replace(options, checkpoint=None))

    def stop(what: str, done: int, total: int) -> None:
        if done == 2 * total // 3 + 1:  # in the third pass
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fine_tune(network, LOIHI2, samples, replace(options, progress=stop))
    again = fine_tune(network, LOIHI2, samples, options)
    assert again.epochs == whole.epochs
    assert first_difference(again.chip, whole.chip) is None
    with pytest.raises(InputError, match="another training"):
        fine_tune(network, LOIHI2, samples, replace(options, rate=0.01))


def test_what_cannot_be_tuned_is_refused() -> None:
    plastic = trial_network(load_rule("stdwi"), 1e-3)
    none = Samples(4, lambda rows, epoch: {})
    with pytest.raises(InputError, match="'plastic' learns"):
        fine_tune(plastic, LOIHI2, none)
    with pytest.raises(ConversionRefused, match="does not round"):
        fine_tune(random_network(0), load_profile("ideal"), none)
    with pytest.raises(InputError, match="at least 2 samples"):
        fine_tune(random_network(0), LOIHI2, Samples(1, lambda rows, epoch: {}))
