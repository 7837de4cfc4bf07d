"""Reset by subtraction on chips: exact as neuron microcode, else refused with what giving it up would cost."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from neuroalign.compile import compile_network, float_model
from neuroalign.encoding import bernoulli_signal
from neuroalign.errors import ConversionRefused, InputError
from neuroalign.export.nir_graph import read_nir
from neuroalign.pipeline import deploy
from neuroalign.pipeline.options import Options
from neuroalign.profile import load_profile
from neuroalign.quantise.legality import with_microcode
from neuroalign.sim.emulator import Emulator

FILE = "braille_noDelay_noBias_subtract.nir"


def test_it_is_refused_with_the_measured_cost(shared_data: Path) -> None:
    path, steps = shared_data / "nir_nets" / FILE, 200
    with pytest.raises(ConversionRefused, match=r"--microcode; with --reset zero.*lif2 (\d+\.\d)%") as caught:
        deploy(path, reset="subtract", steps=steps)
    counts = []
    for mode in ("subtract", "zero"):
        network = read_nir(path, reset=mode).network
        stimulus = bernoulli_signal(network.inputs, steps=steps, rate=0.05, seed=0)
        run = Emulator().run(float_model(network, load_profile("ideal")), stimulus, [("lif2", "s")])
        counts.append(run.states["lif2", "s"].sum(axis=1, dtype=int))
    cost = np.abs(counts[1] - counts[0]).sum() / counts[0].sum()
    assert f"lif2 {cost:.1%}" in str(caught.value)


def test_as_microcode_it_is_exact_but_for_the_weights(shared_data: Path) -> None:
    path = shared_data / "nir_nets" / FILE
    deployment = deploy(path, reset="subtract", steps=200, options=Options(microcode=True))
    assert deployment.chip is not None
    assert {p.reset for p in deployment.chip.populations} == {"subtract"}
    assert [r.where for r in deployment.table.rows if r.quantity == "reset"] == ["lif1.lif", "lif2"]
    # With 14 bits a weight hardly anything is left of the difference.
    network = read_nir(path, reset="subtract").network
    fine = with_microcode(load_profile("loihi2"))
    wide = replace(fine, synapse=replace(fine.synapse, weight_bits=(14,)))
    stimulus = bernoulli_signal(network.inputs, samples=8, steps=200, rate=0.05, seed=1)
    spikes = [(p.name, "s") for p in network.populations]
    chip = Emulator().run(compile_network(network, wide)[0], stimulus, spikes)
    model = Emulator().run(float_model(network, load_profile("ideal")), stimulus, spikes)
    for name, _ in spikes:
        counts = [r.aligned(name, "s", 200).sum(axis=1, dtype=int) for r in (chip, model)]
        assert np.abs(counts[0] - counts[1]).sum() <= 0.05 * counts[1].sum()


def test_an_option_that_would_do_nothing_is_refused(shared_data: Path) -> None:
    path = shared_data / "nir_nets" / FILE
    for profile, reset in (("loihi2", "zero"), ("ideal", "subtract")):
        with pytest.raises(InputError, match="--microcode holds a reset by subtraction"):
            deploy(path, profile, reset=reset, steps=20, options=Options(microcode=True))  # type: ignore[arg-type]


def test_neurons_that_cannot_be_programmed_refuse_it(shared_data: Path) -> None:
    path = shared_data / "nir_nets" / FILE
    with pytest.raises(ConversionRefused, match="'loihi1' cannot be programmed"):
        deploy(path, "loihi1", reset="subtract", steps=20, options=Options(microcode=True))
