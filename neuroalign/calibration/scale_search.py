"""A search for the scale, exponents and integers of every population by the error in spikes on calibration input.

Half of the samples give the activity that rounding errors are weighed with (:mod:`.activity`); on the other half the ways of
holding the network are compared, the plain one among them, and the one with the fewest wrong spikes is taken. Ways are:
the scale whose integers have the smallest predicted error, and the one that does best when each population is run by itself
(:mod:`.trial`); both rounded to nearest or compensated (:mod:`neuroalign.quantise.compensated`); and a share of the largest
weights over two synapses, where that is allowed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from neuroalign.calibration.activity import Activity, activity
from neuroalign.calibration.causes import rounding_causes
from neuroalign.calibration.layers import float_given, layer_errors, network_error
from neuroalign.calibration.rounding import Rounded, rounded
from neuroalign.calibration.split import split_large
from neuroalign.calibration.trial import tried_scales
from neuroalign.deployment.searched import Searched, Tried
from neuroalign.errors import ConversionRefused, InputError
from neuroalign.network import Connection, Network, Population
from neuroalign.profile import Profile
from neuroalign.quantise.align_delays import align_delays
from neuroalign.quantise.formats import integer_formats
from neuroalign.quantise.normal_form import normalise
from neuroalign.quantise.scale import weight_exponent
from neuroalign.quantise.scale_question import ScaleChoice, scale_question
from neuroalign.quantise.synapses import chip_synapses
from neuroalign.recording import Stimulus

Progress = Callable[[str, int, int], None]
Given = Mapping[str, NDArray[Any]]

SCALES = 24
"""Scales tried for each population, between half of the largest and the largest."""
WORTH = 0.98
"""A way that takes more than another must have an error below this share of the other's."""
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
    best: tuple[float, Way, dict[str, ScaleChoice]] | None = None
    tried = []
    for done, way in enumerate(ways):
        if options.progress is not None:
            options.progress("search", done, len(ways))
        scales = _scales(way, profile, learn, seen, options.seed)
        error = network_error(way.network, profile, scales, choose, wanted)
        tried.append(Tried(way.label, error, sum(c.weight.size for c in way.network.connections)))
        if best is None or error < WORTH * best[0]:
            best = (error, way, scales)
    if options.progress is not None:
        options.progress("search", len(ways), len(ways))
    if best is None:
        raise InputError("there was nothing to search")
    _, way, scales = best
    form = way.network
    causes = rounding_causes(form, profile, choose, scales)
    layers, plain = layer_errors(form, profile, choose, scales), layer_errors(network, profile, choose)
    return SearchResult(
        form, scales, Searched(calibration.description, way.label, tuple(tried), layers, plain, (), causes)
    )


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


@dataclass(frozen=True, eq=False)
class Way:
    """One way of holding a network: how its scale is found, and whether rounding is compensated."""

    label: str
    network: Network
    scale: Literal["plain", "predicted", "tried"]
    compensate: bool = False


def _ways(network: Network, options: SearchOptions) -> Iterator[Way]:
    """Simplest first."""
    yield Way(PLAIN, network, "plain")
    yield Way("scale searched", network, "predicted")
    yield Way("scale tried", network, "tried")
    if options.compensate:
        yield Way("scale searched, rounding compensated", network, "predicted", True)
        yield Way("scale tried, rounding compensated", network, "tried", True)
    for share in options.split:
        label = f"largest {share:.2%} of the weights over two synapses, scale searched"
        label += ", rounding compensated" if options.compensate else ""
        yield Way(label, split_large(network, share), "predicted", options.compensate)


def _halves(stimulus: Stimulus) -> tuple[Stimulus, Stimulus]:
    """Every other sample."""
    return tuple(Stimulus({n: a[k::2] for n, a in stimulus.inputs.items()}) for k in (0, 1))  # type: ignore[return-value]


def _scales(way: Way, profile: Profile, stimulus: Stimulus, seen: Given, seed: int) -> dict[str, ScaleChoice]:
    if way.scale == "plain":
        return {}
    network = way.network
    alignment, _ = align_delays(network, profile.delay)
    laid: dict[str, list[Connection]] = {p.name: [] for p in network.populations}
    for c in network.connections:
        form = normalise(network, network.population(c.target), 0)
        laid[c.target].append(chip_synapses(c, form, alignment.extra[c.name])[0])
    tried = {}
    if way.scale == "tried":
        tried = tried_scales(network, profile, stimulus, seen, laid, way.label)
        if not way.compensate:
            return tried
    found = {}
    given = {**stimulus.inputs, **seen}
    for population in network.populations:
        incoming = laid[population.name]
        if incoming:
            form = normalise(network, population, 0)
            rate = float(np.mean(seen[population.name])) if population.spiking else 0.0
            activities = {c.name: activity(c, form, given[c.source], rate, seed) for c in incoming}
            choice = tried.get(population.name)
            found[population.name] = _choice(population, incoming, way, profile, activities, choice)
    return found


def _choice(
    population: Population,
    incoming: Sequence[Connection],
    way: Way,
    profile: Profile,
    activities: Mapping[str, Activity],
    at: ScaleChoice | None,
) -> ScaleChoice:
    """The scale whose integers have the smallest predicted error, among equals the largest; or the integers ``at`` a scale."""
    formats = integer_formats(profile)
    asked = scale_question(normalise(way.network, population, 0), incoming, {}, profile, {})
    limit = asked.headroom.limit
    candidates = np.geomspace(max(limit / 2, 1.0), limit, SCALES)
    scales = np.unique(np.floor(candidates) if population.spiking else candidates)[::-1]
    best: tuple[float, float, Mapping[str, int], Rounded] | None = None
    for k in scales if at is None else [at.k]:
        exponents = {n: weight_exponent(kernel, float(k), formats.exponents) for n, kernel in asked.kernels.items()}
        exponents = exponents if at is None else dict(at.exponents)
        result = rounded(incoming, asked.kernels, activities, float(k), exponents, compensate=way.compensate)
        if best is None or result.error < best[0] * (1 - 1e-9):
            best = (result.error, float(k), exponents, result)
    if best is None:
        raise InputError(f"population {population.name!r} has no scale")
    return ScaleChoice(best[1], best[2], best[3].weights, way.label)
