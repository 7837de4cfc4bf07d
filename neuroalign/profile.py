"""What one target can hold and how it computes, read from TOML; every figure with its source and status.

A key that is absent means *unknown*: it is reported as "not checked", never as "ok". The word ``"unlimited"`` is an
explicit value. Built-in profiles lie in ``neuroalign.hw_profiles``; a file of the user's own may extend one of them
with ``extends = "loihi2"``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from neuroalign.chip import Excess, Rounding

Limit = int | Literal["unlimited"]
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
class Neuron:
    """Number formats of the neuron; every member is None in a float64 profile or where unknown."""

    models: tuple[str, ...] = ()
    u: StateFormat | None = None
    v: StateFormat | None = None
    decay: DecayFormat | None = None
    threshold: ThresholdFormat | None = None
    bias: BiasFormat | None = None
    reset: Literal["zero"] | None = None
    programmable: bool = False


@dataclass(frozen=True)
class Range:
    """An inclusive range of integers."""

    min: int
    max: int


@dataclass(frozen=True)
class Packing:
    """How synapses are packed into memory words."""

    scheme: str
    header_bits: int
    max_per_entry: int
    modes: tuple[str, ...]
    assumed: bool = False


@dataclass(frozen=True)
class Synapse:
    """Number formats and packing of the synapse."""

    weight_bits: tuple[int, ...] = ()
    sign_modes: tuple[str, ...] = ()
    mixed_lsb: int | None = None
    weight_exp: Range | None = None
    weight_align: int | None = None
    index_bits: tuple[int, ...] = ()
    packing: Packing | None = None


@dataclass(frozen=True)
class Delay:
    """Synaptic delays: every connection takes ``min_steps``; a synapse can add 0 to ``max_extra_steps``."""

    min_steps: int = 1
    max_extra_steps: Limit | None = None
