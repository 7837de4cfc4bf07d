"""The float model: populations and connections in SI units, with dt, reset mode and delays explicit.

One step of a population, for input ``x[t] = sum of W s`` and constant input ``bias``
(forward Euler, the new current enters the membrane, as in Norse 1.1 and Lava 0.10)::

    i[t] = (1 - decay_i) i[t-1] + gain_i (x[t] + bias)
    v[t] = (1 - decay_v) v[t-1] + decay_v v_leak + gain_v i[t]
    s[t] = v[t] > v_threshold;   v[t] := v_reset where s[t]   (or v[t] - v_threshold, reset "subtract")

:func:`euler` gives the four coefficients. Parameter names are NIR's. A population may also have a rectangular synaptic
window, ``x`` being summed over the last steps, an absolute refractory time, and spike by chance (:class:`Escape`).
"""

from neuroalign.network.connection import Connection
from neuroalign.network.euler_step import EulerCoefficients, euler, whole_steps
from neuroalign.network.network import InputPort, Network, ResetMode
from neuroalign.network.population import SPIKING, Escape, FloatArray, NeuronKind, Population

__all__ = [
    "SPIKING",
    "Connection",
    "Escape",
    "EulerCoefficients",
    "FloatArray",
    "InputPort",
    "Network",
    "NeuronKind",
    "Population",
    "ResetMode",
    "euler",
    "whole_steps",
]
