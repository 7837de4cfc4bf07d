"""How changes below one weight unit are kept: nowhere, or in the tag, from where whole units move to the weight.

With m tag bits a weight unit is ``2**m`` tag units. Every ``2**k`` epochs the transfer takes place, in the form

exact   floor division of the tag, made from the engine's uncompensated product shift: the remainder stays
sgn     one unit when abs(tag) exceeds a threshold below 2**m, so that it does not move back at once: no shift

The tag saturates at 255, so m and k must leave room for what arrives between two transfers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from neuroalign.errors import ConversionRefused
from neuroalign.microcode import Factor, Product

CarryForm = Literal["direct", "exact", "sgn"]

EXACT_FACTORS: Mapping[int, tuple[int, ...]] = {5: (1,), 6: (8, 8), 7: (8, 4), 8: (4, 4)}
"""Tag bits m to the constants beside the idle trace with which the product shift becomes a division by 2**m."""
SGN_THRESHOLD, SGN_TAG_BITS = 112, 7
"""Hysteresis: a unit of 128 tag units moves when the tag exceeds 112."""
LONGEST_K = 6
"""Transfers every 64 epochs cost little; rarer ones would only use up the tag's room."""
TAG_LIMIT = 255
OVERLAP = 4.0
"""Spikes that may overlap in a trace when room in the tag is estimated: about as many as fill it. With room for two only,
bursts saturate the tag, and the largest weights stay behind."""


def transfer(form: CarryForm, bits: int, k: int, idle: str | None) -> tuple[tuple[Product, ...], tuple[Product, ...]]:
    """Products that move whole units from tag to weight: those of dw, and those of the tag."""
    if form == "direct":
        return (), ()
    if form == "sgn":
        signs = [(Factor("t", h, sign=True),) for h in (-SGN_THRESHOLD, SGN_THRESHOLD)]
        moved = tuple(Product("u", 1, -1, sign, k) for sign in signs)
        return moved, tuple(Product("u", -1, bits - 1, sign, k) for sign in signs)
    divide = tuple(Factor(str(idle), c) for c in EXACT_FACTORS[bits])
    half = 2 ** (bits - 1)
    # The mantissa -1 is multiplied before the floor, so the constant is one more than the negated one would be.
    back = Product("u", -1, bits, (Factor("t", 1 - half), *divide), k)
    return (Product("u", 1, 0, (Factor("t", half), *divide), k),), (back,)


def choose_transfer(
    form: CarryForm, change: float, spikes_per_epoch: float, bits: int | None, k: int | None, rule: str
) -> tuple[int, int, float]:
    """Tag bits, k, and the share of the tag's room that they are expected to use.

    Parameters
    ----------
    change
        Weight units by which a spike that meets one other spike moves a synapse.
    bits, k
        What was asked for; None chooses the most bits, and then the longest period, that leave room. Bits that were
        asked for need room for one spike pair only.

    Raises
    ------
    ConversionRefused
        If four overlapping spikes would saturate the tag whatever is chosen, or one pair with the bits asked for.
    """
    if form == "direct":
        return 0, 0, 0.0

    def used(m: int, period: int) -> float:
        room = TAG_LIMIT - (SGN_THRESHOLD if form == "sgn" else 2 ** (m - 1))
        return OVERLAP * change * 2.0**m * (1 + spikes_per_epoch * 2.0**period) / room

    if bits is None and form == "sgn":
        bits = SGN_TAG_BITS  # there is no other: rare bursts saturate the tag, which costs less than not learning
    possible = [bits] if bits is not None else sorted(EXACT_FACTORS, reverse=True)
    if bits is not None and used(bits, 0) <= OVERLAP:
        best = next((p for p in range(LONGEST_K, -1, -1) if used(bits, p) <= 1), 0)
        return bits, best if k is None else k, used(bits, best if k is None else k)
    for m in possible:
        fitting = [p for p in range(LONGEST_K, -1, -1) if used(m, p) <= 1]
        if k is not None and used(m, 0) <= 1:
            return m, k, used(m, k)
        if fitting:
            return m, fitting[0], used(m, fitting[0])
    m = possible[-1]
    raise ConversionRefused(
        f"rule {rule!r}: one spike pair moves a weight by {change:.3g} units, {change * 2**m:.3g} of the {TAG_LIMIT} that the tag holds "
        f"in the {form} form with {m} tag bits, and bursts must fit too; use a larger weight_limit (or unit), or the direct form"
    )
