"""Fine-tuning a network for the chip that it will run on: scales stay as they were found, weights and biases are trained.

The forward pass is the chip's own arithmetic (:mod:`neuroalign.sim.norse_reference.training.chip_form`), so what is trained
is what will run: the network that comes out compiles to the very integers of the last forward pass.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from neuroalign.chip import ChipNetwork, ChipPopulation, Fixed
from neuroalign.compile import compile_network
from neuroalign.errors import BackendMissing, ConversionRefused, InputError
from neuroalign.network import Connection, Network, euler
from neuroalign.pattern import spread_to_synapses
from neuroalign.profile import Profile
from neuroalign.quantise.align_delays import align_delays
from neuroalign.quantise.formats import integer_formats
from neuroalign.quantise.normal_form import NormalPopulation, normalise
from neuroalign.quantise.scale_question import ScaleChoice, scale_question
from neuroalign.quantise.synapses import chip_synapses
from neuroalign.sim.norse_reference.backend import NorseReference
from neuroalign.sim.norse_reference.training.chip_form import ChipForm, Latent, LatentBias
from neuroalign.sim.norse_reference.training.fine_tuning import Epoch, Samples, TuningOptions, tune

FloatArray = NDArray[np.float64]
WITHIN = 0.49
"""Latent weights start this far from their integer at most, in steps: the first forward pass has the integers as found."""
NOTE = "fine-tuned"


@dataclass(frozen=True, eq=False)
class FineTuned:
    """What fine-tuning gives.

    Parameters
    ----------
    network
        The network whose weights and biases were trained, before rounding.
    scales
        For :func:`~neuroalign.compile.compile_network`, which gives ``chip`` from ``network``.
    best
        The epoch that is kept; 0: none was better than the start.
    epochs
        Loss and accuracy on held-out samples, the start first.
    """

    network: Network
    scales: Mapping[str, ScaleChoice]
    chip: ChipNetwork
    best: int
    epochs: tuple[Epoch, ...]


def fine_tune(
    network: Network,
    profile: Profile,
    samples: Samples,
    options: TuningOptions | None = None,
    scales: Mapping[str, ScaleChoice] | None = None,
) -> FineTuned:
    """Train the weights and biases of ``network`` as ``profile`` holds them.

    Parameters
    ----------
    samples
        Labelled, or with what the float model gives; never the input that figures are then taken from.
    scales
        As a search found them; from the weights alone where not named. Its integers are where training starts.

    Raises
    ------
    BackendMissing
        If torch or Norse is not installed.
    ConversionRefused, InputError
        If the profile cannot hold the network, or the network has something that cannot be trained (learning, graded
        input, chance spikes, synapses of different delay).
    """
    missing = NorseReference().missing()
    if missing is not None:
        raise BackendMissing(missing)
    if profile.arithmetic != "fixed":
        raise ConversionRefused(f"profile {profile.id!r} does not round, so there is nothing to fine-tune for")
    start = Start(network, profile, scales or {})
    form = ChipForm(start.chip, start.latents, start.biases)
    found = tune(form, samples, options or TuningOptions(), start.compiled)
    tuned, held = start.rebuilt(found.weights, found.biases)
    chip, _ = compile_network(tuned, profile, scales=held)
    return FineTuned(tuned, held, chip, found.best, found.epochs)


class Start:
    """A network on chip, and the latent numbers that it is held from."""

    def __init__(self, network: Network, profile: Profile, scales: Mapping[str, ScaleChoice]) -> None:
        self.network = network = _as_laid_out(network, profile)
        self.profile, self.scales = profile, scales
        self.chip, _ = compile_network(network, profile, scales=scales)
        self.factors: dict[str, FloatArray] = {}
        self.latents: dict[str, Latent] = {}
        self.biases: dict[str, LatentBias] = {}
        for population in network.populations:
            chip = self.chip.population(population.name)
            form = normalise(network, population, chip.latency_steps)
            self._add_weights(form, chip)
            if population.bias.any():
                self.biases[population.name] = _latent_bias(form, chip, network.dt, profile)

    def _add_weights(self, form: NormalPopulation, chip: ChipPopulation) -> None:
        incoming = [c for c in self.network.connections if c.target == chip.name]
        held = {c.name: c for c in self.chip.connections}
        kernels = scale_question(form, incoming, {}, self.profile, {}).kernels
        for c in incoming:
            kernel, integers = kernels[c.name], held[c.name].weight
            gain = form.kernel_gain / chip.volts_per_unit * 2.0 ** -(held[c.name].weight_exp + chip.weight_shift)
            self.factors[c.name] = np.broadcast_to(spread_to_synapses(gain, c.pattern), c.weight.shape)
            near = WITHIN * kernel.step
            exact = np.clip(self.factors[c.name] * c.weight, integers - near, integers + near)
            self.latents[c.name] = Latent(exact, kernel.step, kernel.low, kernel.high)

    def rebuilt(
        self, weights: Mapping[str, FloatArray], biases: Mapping[str, FloatArray]
    ) -> tuple[Network, dict[str, ScaleChoice]]:
        """The network with these latent numbers, and the scales at which it is held as they are."""
        connections = tuple(self._with_weights(c, weights[c.name]) for c in self.network.connections)
        populations = tuple(
            replace(p, bias=biases[p.name]) if p.name in biases else p for p in self.network.populations
        )
        network = replace(self.network, connections=connections, populations=populations)
        return network, {p.name: self._choice(network, p.name) for p in network.populations}

    def compiled(self, form: ChipForm) -> ChipNetwork:
        """What the numbers of ``form`` compile to now."""
        network, scales = self.rebuilt(
            {name: form.latent_weight(name) for name in form.latents},
            {name: form.model_bias(name) for name in form.biases},
        )
        return compile_network(network, self.profile, scales=scales)[0]

    def _with_weights(self, c: Connection, latent: FloatArray) -> Connection:
        factor = self.factors[c.name]
        return replace(c, weight=np.divide(latent, factor, out=np.array(c.weight, dtype=float), where=factor != 0))

    def _choice(self, network: Network, name: str) -> ScaleChoice:
        """Exponents as they were, and the ``K`` at which a unit means what it meant: a readout's refers to its weights."""
        held = self.chip.population(name)
        into = [c for c in network.connections if c.target == name]
        exponents = {c.name: c.weight_exp for c in self.chip.connections if c.target == name}
        before = self.scales.get(name)
        note = f"{before.note}, {NOTE}" if before is not None and before.note else NOTE
        if held.spiking:
            return ScaleChoice(float(held.threshold[0]), exponents, {}, note)
        form = normalise(network, network.population(name), held.latency_steps)
        reference = scale_question(form, into, {}, self.profile, {}).reference
        k = float((reference / held.volts_per_unit)[0]) * 2.0**-held.weight_shift if held.size else 1.0
        return ScaleChoice(k, exponents, {}, note)


def _as_laid_out(network: Network, profile: Profile) -> Network:
    """Kernels that the chip cannot share become single synapses, which are then trained as such."""
    alignment, _ = align_delays(network, profile.delay)
    laid = []
    for c in network.connections:
        if c.rule is not None:
            raise InputError(
                f"connection {c.name!r} learns, so its weights cannot be fine-tuned; leave its rule out first"
            )
        form = normalise(network, network.population(c.target), alignment.latency[c.target])
        laid.append(chip_synapses(c, form, alignment.extra[c.name])[0])
    return replace(network, connections=tuple(laid))


def _latent_bias(form: NormalPopulation, chip: ChipPopulation, dt: float, profile: Profile) -> LatentBias:
    population = form.population
    slope = euler(population, dt).gain_v * population.w_in / chip.volts_per_unit
    scale = 2.0**chip.decay_bits if isinstance(chip.v_format, Fixed) else 1.0
    decay_v = (chip.dv + chip.v_offset) / scale
    mean = decay_v * form.leak_drive / chip.volts_per_unit
    return LatentBias(np.array(population.bias), mean, slope, integer_formats(profile).bias_mantissa_limit)
