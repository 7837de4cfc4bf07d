"""Number formats of a profile: neuron, synapse, delay and spike. The fields are the keys that a file may have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# The same words as in neuroalign.chip, which lies above this module; a test holds the two lists together.
Rounding = Literal["toward-zero", "floor", "nearest"]
Excess = Literal["wrap", "saturate"]
Unlimited = Literal["unlimited"]
Limit = int | Unlimited
"""A capacity; None beside it means unknown."""


@dataclass(frozen=True)
class StateFormat:
    """A neuron state: signed integer of ``bits`` bits (sign included)."""

    bits: int
    on_excess: Excess


@dataclass(frozen=True)
class DecayFormat:
    """A decay field: ``state * (2**bits - field - offset) >> bits``."""

    bits: int
    rounding: Rounding
    u_offset: int
    v_offset: int


@dataclass(frozen=True)
class ThresholdFormat:
    """``v > mantissa << shift`` spikes; the mantissa is unsigned with ``mant_bits`` bits."""

    mant_bits: int
    shift: int


@dataclass(frozen=True)
class BiasFormat:
    """``mantissa << exponent``; the mantissa is signed with ``mant_bits`` bits, sign included."""

    mant_bits: int
    exp_bits: int


@dataclass(frozen=True)
class Range:
    """An inclusive range of integers."""

    min: int
    max: int


@dataclass(frozen=True)
class Neuron:
    """Number formats of the neuron; every member is None in a float64 profile or where unknown."""

    models: tuple[str, ...] = ()
    u: StateFormat | None = None
    v: StateFormat | None = None
    input_accumulator: StateFormat | None = None
    decay: DecayFormat | None = None
    threshold: ThresholdFormat | None = None
    bias: BiasFormat | None = None
    refractory: Range | None = None
    reset: Literal["zero", "subtract"] | None = None
    programmable: bool = False


@dataclass(frozen=True)
class Packing:
    """How synapses are packed into memory words.

    Parameters
    ----------
    scheme
        ``entry``: chunks of at most ``max_per_entry`` synapses, each ``ceil((k b + header_bits) / word)`` words, b the
        bits of a synapse. ``row``: one header for each row of an axon, then ``synapse_bits`` for each synapse.
    header_bits, max_per_entry, synapse_bits
        Constants of the scheme.
    modes
        Dense (no index) and sparse (an index for each synapse), as far as their cost is public.
    assumed
        Whether the scheme is taken over from another chip; every report must say so.
    """

    scheme: Literal["entry", "row"]
    header_bits: int
    max_per_entry: int | None = None
    synapse_bits: int | None = None
    modes: tuple[str, ...] = ()
    assumed: bool = False


@dataclass(frozen=True)
class Synapse:
    """Number formats and packing of the synapse; the effective weight is ``mantissa << (weight_align + exponent)``."""

    weight_bits: tuple[int, ...] = ()
    sign_modes: tuple[Literal["mixed", "excitatory", "inhibitory"], ...] = ()
    mixed_lsb: int | None = None
    weight_exp: Range | None = None
    weight_align: int | None = None
    index_bits: tuple[int, ...] = ()
    packing: Packing | None = None


@dataclass(frozen=True)
class Delay:
    """Synaptic delays: every connection takes ``min_steps``; a synapse can add 0 to ``max_extra_steps``.

    Up to ``extra_steps_free`` extra steps cost no neurons (None: unknown, or no such cost).
    """

    min_steps: int = 1
    max_extra_steps: Limit | None = None
    extra_steps_free: int | None = None
    bits: int | None = None


@dataclass(frozen=True)
class Spike:
    """What a spike carries: 0 payload bits is a plain event; None is unknown, or (float64) any number."""

    payload_bits: int | None = None
    payload_signed: bool | None = None
