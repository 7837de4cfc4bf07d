"""How changes below one weight unit are kept: nowhere, or in the tag, from where whole units move to the weight.

With m tag bits a weight unit is ``2**m`` tag units. Every ``2**k`` epochs the transfer takes place, in the form

stochastic  all of the tag, rounded to weight units with a draw: the remainder is thrown away
sgn         one unit when abs(tag) exceeds 7/8 of 2**m, so that it does not move back at once; the remainder stays
exact       floor division of the tag, made from the engine's uncompensated product shift: the remainder stays

The tag saturates at 255, so m and k must leave room for what arrives between two transfers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from neuroalign.errors import ConversionRefused
from neuroalign.microcode import MAX_DECIMATION, Factor, Product

CarryForm = Literal["direct", "stochastic", "sgn", "exact"]
AskedForm = Literal["auto", "carry", "direct", "stochastic", "sgn", "exact"]
"""What can be asked for: a form, ``auto`` for the best of all, ``carry`` for the best that keeps small changes."""

EXACT_FACTORS: Mapping[int, tuple[int, ...]] = {5: (1,), 6: (8, 8), 7: (8, 4), 8: (4, 4)}
"""Tag bits m to the constants beside the idle trace with which the product shift becomes a division by 2**m."""
TAG_BITS: Mapping[CarryForm, tuple[int, ...]] = {
    "direct": (),
    "stochastic": (7, 6, 5, 4, 3, 2),
    "sgn": (7, 6, 5, 4),
    "exact": tuple(sorted(EXACT_FACTORS, reverse=True)),
}
LONGEST_K: Mapping[CarryForm, int] = {"direct": 0, "stochastic": MAX_DECIMATION, "sgn": 6, "exact": 6}
"""Transfers every 64 epochs cost little; rarer ones would only use up the tag's room, but they are what makes the
stochastic form better: it loses something at each."""
TAG_LIMIT = 255
OVERLAP = 4.0
"""Spikes that may overlap in a trace when room in the tag is estimated: about as many as fill it. With room for two only,
bursts saturate the tag, and the largest weights stay behind."""


@dataclass(frozen=True)
class Transfer:
    """Tag bits m, k, and the share of the tag's room that four overlapping spikes use."""

    form: CarryForm
    bits: int = 0
    k: int = 0
    used: float = 0.0


def threshold(bits: int) -> int:
    """What abs(tag) has to exceed in the sgn form: 7/8 of a weight unit."""
    return int(7 * 2 ** (bits - 3))


def transfer(form: CarryForm, bits: int, k: int, idle: str | None) -> tuple[tuple[Product, ...], tuple[Product, ...]]:
    """Products that move whole units from tag to weight: those of dw, and those of the tag."""
    if form == "direct":
        return (), ()
    if form == "stochastic":
        tag = (Factor("t"),)
        return (Product("u", 1, -bits, tag, k),), (Product("u", -1, 0, tag, k),)
    if form == "sgn":
        signs = [(Factor("t", h, sign=True),) for h in (-threshold(bits), threshold(bits))]
        moved = tuple(Product("u", 1, -1, sign, k) for sign in signs)
        return moved, tuple(Product("u", -1, bits - 1, sign, k) for sign in signs)
    divide = tuple(Factor(str(idle), c) for c in EXACT_FACTORS[bits])
    half = 2 ** (bits - 1)
    # The mantissa -1 is multiplied before the floor, so the constant is one more than the negated one would be.
    back = Product("u", -1, bits, (Factor("t", 1 - half), *divide), k)
    return (Product("u", 1, 0, (Factor("t", half), *divide), k),), (back,)


def possible_transfers(
    form: CarryForm,
    change: float,
    spikes_per_epoch: float,
    bits: int | None,
    k: int | None,
    rule: str,
    most_k: int | None = None,
    steadily: float = 0.0,
) -> list[Transfer]:
    """Transfers of a form for which the tag has room, most bits first, for each the longest period that leaves room.

    Parameters
    ----------
    change
        Weight units by which a spike that meets one other spike moves a synapse.
    bits, k
        What was asked for; None leaves it open. Bits that were asked for need room for one spike pair only.
    most_k
        The longest period; None takes the form's.
    steadily
        Weight units by which terms that act in every step move a synapse in one epoch, where each trace holds one spike:
        all that gathers between two transfers arrives at once.

    Raises
    ------
    ConversionRefused
        If four overlapping spikes would saturate the tag whatever is chosen, or one pair with the bits asked for.
    """
    if form == "direct":
        return [Transfer("direct")]

    last = LONGEST_K[form] if most_k is None else most_k

    def used(m: int, period: int) -> float:
        kept = {"sgn": threshold(m), "exact": 1 << (m - 1)}.get(form, 0)
        most = change * (1 + spikes_per_epoch * 2.0**period) + steadily * 2.0**period
        return float(OVERLAP * most * 2.0**m / (TAG_LIMIT - kept))

    def longest(m: int) -> int | None:
        return next((p for p in range(last, -1, -1) if used(m, p) <= 1), None)

    if bits is not None and used(bits, 0) <= OVERLAP:
        chosen = k if k is not None else longest(bits) or 0
        return [Transfer(form, bits, chosen, used(bits, chosen))]
    found = []
    for m in TAG_BITS[form] if bits is None else (bits,):
        period = longest(m)
        if period is not None:
            chosen = period if k is None else k
            found.append(Transfer(form, m, chosen, used(m, chosen)))
    if found:
        return found
    m = bits or TAG_BITS[form][-1]
    raise ConversionRefused(
        f"rule {rule!r}: one spike pair moves a weight by {change + steadily:.3g} units, {(change + steadily) * 2**m:.3g} of the {TAG_LIMIT} that the tag holds "
        f"in the {form} form with {m} tag bits, and bursts must fit too; use a larger weight_limit (or unit), or the direct form"
    )
