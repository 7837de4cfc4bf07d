"""What a chip holds: populations and connections whose every number carries its format."""

from neuroalign.chip.connection import ChipConnection, GradedMode, Plasticity, SignMode
from neuroalign.chip.formats import Excess, Fixed, Float64, NumberFormat, Numbers, Rounding
from neuroalign.chip.network import ChipNetwork, first_difference
from neuroalign.chip.population import ChipInput, ChipPopulation, EscapeNoise
from neuroalign.pattern import Convolution, SparsePattern, expanded, pattern_problem, weight_shape

__all__ = [
    "ChipConnection",
    "ChipInput",
    "ChipNetwork",
    "ChipPopulation",
    "Convolution",
    "EscapeNoise",
    "Excess",
    "Fixed",
    "Float64",
    "GradedMode",
    "NumberFormat",
    "Numbers",
    "Plasticity",
    "Rounding",
    "SignMode",
    "SparsePattern",
    "expanded",
    "first_difference",
    "pattern_problem",
    "weight_shape",
]
