"""How a user wants a rule put on chip."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from neuroalign.errors import RuleError
from neuroalign.microcode import MAX_DECIMATION, MAX_EPOCH
from neuroalign.quantise.carry import TAG_BITS, AskedForm
from neuroalign.rule import check_rates


@dataclass(frozen=True)
class RuleChoices:
    """How a rule is put on chip.

    Parameters
    ----------
    form
        "auto" chooses what is predicted to be best, "carry" the best of those that keep small changes in the tag;
        "direct", "stochastic", "sgn" and "exact" are used as they are.
    tag_bits
        ``m``: a weight unit is 2**m tag units. None chooses.
    k
        Transfer every ``2**k`` epochs. None chooses.
    t_epoch : steps
        Length of a learning epoch. None takes 1, or more where only that gives a period that is needed.
    weight_limit
        Largest magnitude that weights are expected to reach, in the model's unit; it sets the unit of weights that
        drive nothing. None takes the rule's own, or the largest initial weight if that is larger.
    weight_unit
        What one unit of the weight means in the model's unit, exactly, for weights that drive nothing; then
        ``weight_limit`` is not used. None lets it follow from the limit.
    tag_unit
        What one unit of the tag means in the model's unit, for rules with a tag of their own; None lets it follow from
        the largest tag to expect at the rates.
    impulses
        Trace name to impulse; None chooses powers of two by the rates.
    rates : Hz
        How often active pre and post neurons spike; None takes the rule's own, or 30 Hz.
    portable
        Use neither the product shift of Lava's engine nor odd constants.
    rng_seed
        Seed of the trace rounding streams.

    Examples
    --------
    >>> import neuroalign
    >>> neuroalign.RuleChoices(form="exact", k=4).k
    4
    """

    form: AskedForm = "auto"
    tag_bits: int | None = None
    k: int | None = None
    t_epoch: int | None = None
    weight_limit: float | None = None
    weight_unit: float | None = None
    tag_unit: float | None = None
    impulses: Mapping[str, int] | None = None
    rng_seed: int = 0
    rates: tuple[float, float] | None = None
    portable: bool = False

    def __post_init__(self) -> None:
        if self.form not in ("auto", "carry", *TAG_BITS):
            raise RuleError(f"carry form {self.form!r} is unknown; one of auto, carry, {', '.join(TAG_BITS)}")
        if self.portable and self.form == "exact":
            raise RuleError(
                "the exact form leans on the product shift of Lava's engine; for a portable program use sgn"
            )
        check_rates("choices", self.rates)
        _check_whole_numbers(self)
        if self.tag_bits is not None:
            possible = sorted(
                {m for form, bits in TAG_BITS.items() for m in bits if self.form in ("auto", "carry", form)}
            )
            if self.tag_bits not in possible:
                known = ", ".join(map(str, possible)) or "none, as it keeps nothing in the tag"
                raise RuleError(f"the {self.form} form has {self.tag_bits} tag bits; it exists with {known}")
        if self.k is not None and not 0 <= self.k <= MAX_DECIMATION:
            raise RuleError(
                f"k is {self.k}; it is one digit, 0..{MAX_DECIMATION}; a longer t_epoch gives longer periods"
            )
        if self.t_epoch is not None and not 1 <= self.t_epoch <= MAX_EPOCH:
            raise RuleError(f"t_epoch is {self.t_epoch}; it must be a whole number of steps, 1..{MAX_EPOCH}")
        for name in ("weight_limit", "weight_unit", "tag_unit"):
            size = getattr(self, name)
            if size is not None and not 0 < size < float("inf"):
                raise RuleError(f"{name} is {size}; a positive number is needed")


def _check_whole_numbers(choices: RuleChoices) -> None:
    """Refuse fractions and truth values where microcode counts."""
    for name in ("tag_bits", "k", "t_epoch", "rng_seed"):
        value = getattr(choices, name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
            raise RuleError(f"{name} is {value!r}; a whole number is needed")
    for name, impulse in (choices.impulses or {}).items():
        if isinstance(impulse, bool) or not isinstance(impulse, int):
            raise RuleError(f"trace {name!r}: impulse {impulse!r}; a whole number is needed, 1..127")
