"""Numbers for the chip chosen by what they do on input, instead of from the weights alone.

:func:`search` finds scales, exponents and integers; :func:`layer_errors` says which population costs how much, by itself and
with all before it on chip. Both take calibration input, which must not be the input that figures are then taken from.
"""

from neuroalign.calibration.given_input import calibration_input
from neuroalign.calibration.layers import count_error, layer_errors
from neuroalign.calibration.scale_search import SearchOptions, SearchResult, search
from neuroalign.calibration.split import split_large

__all__ = [
    "SearchOptions", "SearchResult", "calibration_input", "count_error", "layer_errors", "search", "split_large",
]  # fmt: skip
