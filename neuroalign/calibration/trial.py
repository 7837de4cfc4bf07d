"""Scales and exponents chosen by running the network: what a prediction from weights and activity leaves out.

Each population runs by itself with all of them, and the whole network with those that did best, one population after the other.

A scale that is larger holds weights, decays and sums more finely, and lets states saturate sooner; how often they do, and what
the chip's rounding down of sums does to a membrane that is truncated towards zero, shows only on input. Scales are tried beyond
what the formats hold at worst, where a bias of few neurons may saturate: that is a conversion row, and its error is counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroalign.calibration.layers import network_error, population_error
from neuroalign.network import Connection, Network, Population
from neuroalign.profile import Profile
from neuroalign.quantise.formats import IntegerFormats, integer_formats
from neuroalign.quantise.normal_form import normalise
from neuroalign.quantise.scale import smallest_exponent, weight_exponent
from neuroalign.quantise.scale_question import ScaleChoice, ScaleQuestion, scale_question
from neuroalign.recording import Stimulus

Given = Mapping[str, NDArray[Any]]

SCALES = 17
"""Scales tried for each population, from a quarter of the bound to four times it."""
WORK = 2e8
"""Synapses times steps of one trial; of wide populations fewer samples are run."""
LEAST_SAMPLES = 4
BEYOND = 1.25
"""What an error counts at a scale at which a bias or start state saturates: it has to be clearly better to be taken."""
TOGETHER = 16
"""Choices of a population that the whole network is run with, where it is small enough."""


def tried_scales(
    network: Network,
    profile: Profile,
    stimulus: Stimulus,
    given: Given,
    laid: Mapping[str, Sequence[Connection]],
    note: str,
) -> dict[str, ScaleChoice]:
    """For each population the scale and exponents with the fewest wrong spikes, weights rounded to nearest.

    Parameters
    ----------
    stimulus, given
        Spikes, and what each population of the float model gives on them.
    laid
        Population to the connections into it as the chip lays them out.
    """
    ranked = {
        p.name: _ranked(network, p, profile, stimulus, given, laid[p.name], note)
        for p in network.populations
        if laid.get(p.name)
    }
    found = {name: choices[0] for name, choices in ranked.items()}
    bounds = {
        name: scale_question(normalise(network, network.population(name), 0), laid[name], {}, profile, {}).headroom.hard
        for name in ranked
    }
    synapses = sum(c.weight.size for c in network.connections)
    if LEAST_SAMPLES * stimulus.steps * synapses > WORK:
        return found
    shown, seen = _first(stimulus, given, synapses)
    for name, choices in ranked.items():
        likely = choices[:TOGETHER]
        errors = [network_error(network, profile, {**found, name: c}, shown, seen) for c in likely]
        dear = [BEYOND if c.k > bounds[name] else 1.0 for c in likely]
        found[name] = likely[int(np.argmin(np.multiply(errors, dear)))]
    return found


def _ranked(
    network: Network,
    population: Population,
    profile: Profile,
    stimulus: Stimulus,
    given: Given,
    incoming: Sequence[Connection],
    note: str,
) -> list[ScaleChoice]:
    """Choices for one population, those first that make the fewest errors by themselves."""
    asked = scale_question(normalise(network, population, 0), incoming, {}, profile, {})
    shown, seen = _first(stimulus, given, sum(c.weight.size for c in incoming))
    choices = _choices(asked, integer_formats(profile), population.spiking, note)
    errors = [population_error(network, population, profile, shown, seen, {population.name: c}) for c in choices]
    dear = [BEYOND if c.k > asked.headroom.hard else 1.0 for c in choices]
    return [choices[k] for k in np.argsort(np.multiply(errors, dear), kind="stable")]


def _first(stimulus: Stimulus, given: Given, synapses: int) -> tuple[Stimulus, dict[str, NDArray[Any]]]:
    """As many samples as one trial is worth."""
    few = min(stimulus.samples, max(LEAST_SAMPLES, int(WORK / max(1, stimulus.steps * synapses))))
    shown = Stimulus({n: a[:few] for n, a in stimulus.inputs.items()})
    return shown, {n: a[:few] for n, a in given.items()}


def _choices(asked: ScaleQuestion, formats: IntegerFormats, spiking: bool, note: str) -> list[ScaleChoice]:
    """Scales, the largest first, each with the exponents that fit it, with those of least predicted error, and with none below 0."""
    limit = asked.headroom.limit
    scales = np.geomspace(max(limit / 4, 1.0), min(4 * limit, float(formats.threshold_limit)), SCALES)[::-1]
    found: dict[tuple[float, tuple[int, ...]], ScaleChoice] = {}
    for k in np.unique(np.floor(scales))[::-1] if spiking else scales:
        smallest = {n: smallest_exponent(kernel, float(k), formats.exponents) for n, kernel in asked.kernels.items()}
        likely = {n: weight_exponent(kernel, float(k), formats.exponents) for n, kernel in asked.kernels.items()}
        for exponents in (likely, smallest, {n: max(e, 0) for n, e in smallest.items()}):
            found.setdefault((float(k), tuple(exponents.values())), ScaleChoice(float(k), exponents, {}, note))
    return list(found.values())
