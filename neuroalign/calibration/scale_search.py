"""A search for the scale, exponents and integers of every population by the error in spikes on calibration input.

Half of the samples give the activity that rounding errors are weighed with (:mod:`.activity`); on the other half the ways of
holding the network are compared, the plain one among them, and the one with the fewest wrong spikes is taken. Ways are:
the scale whose integers have the smallest predicted error, rounded to nearest or compensated (:mod:`neuroalign.quantise.
compensated`), and each of these with a share of the largest weights over two synapses, where that is allowed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroalign.calibration.activity import Activity, activity
from neuroalign.calibration.layers import chip_given, count_error, float_given, layer_errors
from neuroalign.calibration.rounding import Rounded, rounded
from neuroalign.calibration.split import split_large
from neuroalign.compile import compile_network
from neuroalign.deployment.searched import Searched, Tried
from neuroalign.errors import ConversionRefused, InputError
from neuroalign.network import Connection, Network, Population
from neuroalign.profile import Profile
from neuroalign.quantise.align_delays import align_delays
from neuroalign.quantise.fixed import ScaleChoice, scale_question
from neuroalign.quantise.formats import integer_formats
from neuroalign.quantise.normal_form import normalise
from neuroalign.quantise.scale import weight_exponent
from neuroalign.quantise.synapses import chip_synapses
from neuroalign.recording import Stimulus

Progress = Callable[[str, int, int], None]
Given = Mapping[str, NDArray[Any]]

SCALES = 24
"""Scales tried for each population, between half of the largest and the largest."""
WORTH = 0.98
"""A way that takes more than another must have an error below this share of the other's."""
ENOUGH = 1000
"""Spikes of a population from which on its error counts in full: fewer are chance."""
PLAIN = "plain"


@dataclass(frozen=True)
class SearchOptions:
    """How to search.

    Parameters
    ----------
    compensate
        Whether rounding may make up for itself, see :mod:`neuroalign.quantise.compensated`.
    split
        Shares of the largest weights to try over two synapses; empty: none.
    seed
        Of the moments that activity is taken from.
    progress
        Called with (what, done, total).
    """

    compensate: bool = True
    split: tuple[float, ...] = ()
    seed: int = 0
    progress: Progress | None = None


@dataclass(frozen=True, eq=False)
class SearchResult:
    """What was found.

    Parameters
    ----------
    network
        The network to compile: the given one, or the same with weights over two synapses.
    scales
        For :func:`~neuroalign.compile.compile_network`; empty where the plain way is best.
    told
        What was tried, and the errors of each population.
    """

    network: Network
    scales: Mapping[str, ScaleChoice]
    told: Searched


def search(
    network: Network, profile: Profile, calibration: Stimulus, options: SearchOptions | None = None
) -> SearchResult:
    """Find how to hold ``network`` with the fewest wrong spikes on ``calibration``.

    Parameters
    ----------
    calibration
        0/1 spikes, at least 2 samples; never the input that figures are then taken from.

    Raises
    ------
    InputError
        If there are fewer than 2 samples, or a connection learns.
    ConversionRefused
        If the profile is not fixed point, or cannot hold the network.
    """
    options = options or SearchOptions()
    _refuse_unsearchable(network, profile, calibration)
    learn, choose = _halves(calibration)
    seen, wanted = float_given(network, learn), float_given(network, choose)
    ways = list(_ways(network, options))
    best: tuple[float, Network, Mapping[str, ScaleChoice], str] | None = None
    tried = []
    for done, (label, form, compensate) in enumerate(ways):
        if options.progress is not None:
            options.progress(f"search: {label}", done, len(ways))
        scales: Mapping[str, ScaleChoice] = {}
        if label != PLAIN:
            scales = _scales(form, profile, learn, seen, options.seed, compensate, label)
        error = _error(form, profile, scales, choose, wanted)
        tried.append(Tried(label, error, sum(c.weight.size for c in form.connections)))
        if best is None or error < WORTH * best[0]:
            best = (error, form, scales, label)
    if options.progress is not None:
        options.progress("search", len(ways), len(ways))
    if best is None:
        raise InputError("there was nothing to search")
    _, form, scales, label = best
    layers, plain = layer_errors(form, profile, choose, scales), layer_errors(network, profile, choose)
    return SearchResult(form, scales, Searched(calibration.description, label, tuple(tried), layers, plain))


def _refuse_unsearchable(network: Network, profile: Profile, calibration: Stimulus) -> None:
    if profile.arithmetic != "fixed":
        raise ConversionRefused(f"profile {profile.id!r} does not round, so there is nothing to search")
    for c in network.connections:
        if c.rule is not None:
            raise InputError(
                f"connection {c.name!r} learns, so its weights are not those that a search would round; leave out --calibrate"
            )
    if calibration.samples < 2:
        raise InputError(
            f"the search needs at least 2 calibration samples, there are {calibration.samples}: one half finds, the other "
            "half chooses; give more, or shorter ones"
        )


def _ways(network: Network, options: SearchOptions) -> Iterator[tuple[str, Network, bool]]:
    """Label, network and whether rounding is compensated, simplest first."""
    yield PLAIN, network, False
    yield "scale searched", network, False
    if options.compensate:
        yield "scale searched, rounding compensated", network, True
    for share in options.split:
        label = f"largest {share:.2%} of the weights over two synapses, scale searched"
        yield (
            (f"{label}, rounding compensated" if options.compensate else label),
            split_large(network, share),
            options.compensate,
        )


def _halves(stimulus: Stimulus) -> tuple[Stimulus, Stimulus]:
    """Every other sample."""
    return tuple(Stimulus({n: a[k::2] for n, a in stimulus.inputs.items()}) for k in (0, 1))  # type: ignore[return-value]


def _error(
    network: Network, profile: Profile, scales: Mapping[str, ScaleChoice], stimulus: Stimulus, wanted: Given
) -> float:
    """Mean of the outputs' error and of that of all populations, those counted less that spike too rarely to tell."""
    chip, _ = compile_network(network, profile, scales=scales)
    found = chip_given(network, chip, stimulus)
    errors = {p.name: count_error(p, found[p.name], np.asarray(wanted[p.name])) for p in network.populations}
    weights = {
        p.name: min(1.0, float(np.count_nonzero(wanted[p.name])) / ENOUGH) if p.spiking else 1.0
        for p in network.populations
    }
    for _, name in network.outputs:
        weights[name] *= len(errors)
    total = sum(weights.values())
    return sum(weights[name] * error for name, error in errors.items()) / total if total else 0.0


def _scales(
    network: Network, profile: Profile, stimulus: Stimulus, seen: Given, seed: int, compensate: bool, note: str
) -> dict[str, ScaleChoice]:
    alignment, _ = align_delays(network, profile.delay)
    found = {}
    for population in network.populations:
        form = normalise(network, population, 0)
        incoming = [c for c in network.connections if c.target == population.name]
        if not incoming:
            continue
        laid = [chip_synapses(c, form, alignment.extra[c.name])[0] for c in incoming]
        given = {**stimulus.inputs, **seen}
        rate = float(np.mean(seen[population.name])) if population.spiking else 0.0
        activities = {c.name: activity(c, form, given[c.source], rate, seed) for c in laid}
        found[population.name] = _choice(population, laid, network, profile, activities, compensate, note)
    return found


def _choice(
    population: Population,
    incoming: Sequence[Connection],
    network: Network,
    profile: Profile,
    activities: Mapping[str, Activity],
    compensate: bool,
    note: str,
) -> ScaleChoice:
    """The scale whose integers have the smallest predicted error; among equals the largest."""
    formats = integer_formats(profile)
    asked = scale_question(normalise(network, population, 0), incoming, {}, profile, {})
    limit = asked.headroom.limit
    candidates = np.geomspace(max(limit / 2, 1.0), limit, SCALES)
    best: tuple[float, float, Mapping[str, int], Rounded] | None = None
    for k in np.unique(np.floor(candidates) if population.spiking else candidates)[::-1]:
        exponents = {n: weight_exponent(kernel, float(k), formats.exponents) for n, kernel in asked.kernels.items()}
        result = rounded(incoming, asked.kernels, activities, float(k), exponents, compensate=compensate)
        if best is None or result.error < best[0] * (1 - 1e-9):
            best = (result.error, float(k), exponents, result)
    if best is None:
        raise InputError(f"population {population.name!r} has no scale")
    return ScaleChoice(best[1], best[2], best[3].weights, note)
