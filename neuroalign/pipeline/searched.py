"""The search for scales and integers on calibration input, as the options ask for it."""

from __future__ import annotations

from dataclasses import replace

from neuroalign.calibration import SearchOptions, SearchResult, calibration_input, search
from neuroalign.calibration.mixed_precision import allot_bits
from neuroalign.encoding import Encoded
from neuroalign.errors import InputError
from neuroalign.network import Network
from neuroalign.pipeline.options import Options
from neuroalign.profile import Profile

SPLIT_SHARES = (0.01, 0.02, 0.05)
"""Shares of the largest weights that a search tries over two synapses."""


def searched(network: Network, profile: Profile, encoded: Encoded, options: Options) -> SearchResult | None:
    """What the search finds on calibration input; None without a search."""
    if options.calibration is None:
        if options.split_weights:
            raise InputError("--split-weights belongs to the search; say what to calibrate on with --calibrate")
        if isinstance(options.bits, float):
            raise InputError(
                "--bits with a share of the memory belongs to the search; say what to calibrate on with --calibrate"
            )
        return None
    if encoded.graded:
        raise InputError("--calibrate takes spikes, but this input enters as numbers (graded spikes); leave it out")
    given = calibration_input(network, options.calibration, encoded.stimulus, seed=options.seed)
    split = SPLIT_SHARES if options.split_weights else ()
    settings = SearchOptions(split=split, seed=options.seed, progress=options.progress)
    if not isinstance(options.bits, float):
        return search(network, profile, given, settings)
    network, widths = allot_bits(network, profile, given, options.bits, options.progress)
    found = search(network, profile, given, settings)
    return replace(found, told=replace(found.told, widths=widths))
