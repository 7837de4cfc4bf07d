"""The integer formats that quantising needs, each required of the profile by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from neuroalign.errors import ProfileError
from neuroalign.profile import BiasFormat, DecayFormat, Profile, Range, StateFormat, ThresholdFormat

T = TypeVar("T")


@dataclass(frozen=True)
class IntegerFormats:
    """Formats of one profile, and the limits that follow from them."""

    u: StateFormat
    v: StateFormat
    decay: DecayFormat
    threshold: ThresholdFormat
    bias: BiasFormat
    align: int
    exponents: Range
    weight_bits: int
    mixed_lsb: int
    sign_modes: tuple[str, ...]

    @property
    def u_limit(self) -> int:
        """Largest current."""
        return int(2 ** (self.u.bits - 1) - 1)

    @property
    def v_limit(self) -> int:
        """Largest membrane value."""
        return int(2 ** (self.v.bits - 1) - 1)

    @property
    def bias_limit(self) -> int:
        """Largest bias, mantissa and exponent together."""
        return self.bias_mantissa_limit << self.bias_exponent_limit

    @property
    def bias_mantissa_limit(self) -> int:
        """Largest bias mantissa."""
        return int(2 ** (self.bias.mant_bits - 1) - 1)

    @property
    def bias_exponent_limit(self) -> int:
        """Largest bias exponent."""
        return int(2**self.bias.exp_bits - 1)

    @property
    def threshold_limit(self) -> int:
        """Largest threshold mantissa."""
        return int(2**self.threshold.mant_bits - 1)

    @property
    def decay_limit(self) -> int:
        """Largest decay field."""
        return int(2**self.decay.bits - 1)


def integer_formats(profile: Profile) -> IntegerFormats:
    """The formats of a fixed-point profile.

    Raises
    ------
    ProfileError
        If the profile leaves one of them unset.
    """
    neuron, synapse = profile.neuron, profile.synapse
    return IntegerFormats(
        u=_required(profile, "neuron.u", neuron.u),
        v=_required(profile, "neuron.v", neuron.v),
        decay=_required(profile, "neuron.decay", neuron.decay),
        threshold=_required(profile, "neuron.threshold", neuron.threshold),
        bias=_required(profile, "neuron.bias", neuron.bias),
        align=_required(profile, "synapse.weight_align", synapse.weight_align),
        exponents=_required(profile, "synapse.weight_exp", synapse.weight_exp),
        weight_bits=max(_required(profile, "synapse.weight_bits", synapse.weight_bits or None)),
        mixed_lsb=_required(profile, "synapse.mixed_lsb", synapse.mixed_lsb),
        sign_modes=synapse.sign_modes,
    )


def _required(profile: Profile, key: str, value: T | None) -> T:
    if value is None:
        raise ProfileError(
            f"profile {profile.id!r} leaves {key} unset; quantising to integers needs it; set it in the profile"
        )
    return value
