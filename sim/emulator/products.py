"""Sums of products on a whole synapse matrix, in both number formats.

Fixed, for the update of one synaptic variable z::

    A = z << 7;   for each product in order:   A := limit(A + limit(P))
    P = ((dependency * factors * mantissa, in int32) >> shift) << (exponent + 7)
    each factor: value + constant (or its sign), saturated at -2**bits and 2**bits - 1, truncated towards zero
    limit: -32769..32767, the lower end as Lava has it
    z := floor(A / 128) + (S < A/128 mod 1),  S one draw for all synapses (or one for each, beyond Lava)

``shift`` is not undone: a product with more than 11 bits of factors comes out 2**shift smaller than in Float64, where ::

    z := z + sum of mantissa * 2**exponent * dependency * factors

Source: Lava 0.10, ``magma/core/learning/learning_rule_applier.py``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from neuroalign.chip import Numbers
from neuroalign.microcode import ACCUMULATOR_BITS, Dependency, Factor, Product

ACCUMULATOR_MIN, ACCUMULATOR_MAX = -(2**ACCUMULATOR_BITS) - 1, 2**ACCUMULATOR_BITS - 1
FRACTION_BITS = 7

Values = Mapping[Dependency, Mapping[str, Numbers]]
"""Dependency to variable to values that broadcast to the synapses, (N_target, N_source) or (synapses,): the dependency itself (0 or 1, under its
own name), the spike flags, the traces at the dependency's time, and w, d, t."""


def accumulate(z: Numbers, products: Sequence[Product], values: Values) -> tuple[Numbers, NDArray[np.bool_]]:
    """The accumulator A after all products, and where it was limited on the way."""
    total = np.asarray(z, dtype=np.int64) << FRACTION_BITS
    limited = np.zeros(total.shape, dtype=bool)
    for product in products:
        change, excess = _limit(fixed_product(product, values[product.dependency], total.shape))
        total, excess_of_sum = _limit(total + change)
        limited |= excess | excess_of_sum
    return total, limited


def rounded(total: Numbers, draw: Numbers) -> Numbers:
    """A / 128 rounded down or up, up with the chance of its fraction; ``draw`` is one for all or one for each."""
    exact = total / (1 << FRACTION_BITS)
    return np.asarray((np.floor(exact) + (draw < exact % 1)).astype(np.int64))


def fixed_product(product: Product, values: Mapping[str, Numbers], shape: tuple[int, ...]) -> Numbers:
    """P before it is limited, int64. The multiplications wrap in int32, as Lava's do."""
    result = np.ones(shape, dtype=np.int32) * values[product.dependency].astype(np.int32)
    for factor in product.factors:
        result *= _fixed_factor(factor, values)
    result *= np.int32(product.mantissa)
    return np.asarray((result.astype(np.int64) >> product.shift) << (product.exponent + FRACTION_BITS))


def float_sum(products: Sequence[Product], values: Values) -> Numbers:
    """The sum of the products, multiplied and added from left to right."""
    terms = []
    for product in products:
        of_dependency = values[product.dependency]
        term = product.coefficient * of_dependency[product.dependency].astype(np.float64)
        for factor in product.factors:
            term = term * _factor(factor, of_dependency)
        terms.append(term)
    return np.asarray(sum(terms[1:], terms[0]))


def _factor(factor: Factor, values: Mapping[str, Numbers]) -> Numbers:
    value = values[factor.variable] + factor.constant
    return np.asarray(np.sign(value)) if factor.sign else np.asarray(value)


def _fixed_factor(factor: Factor, values: Mapping[str, Numbers]) -> NDArray[np.int32]:
    limit = 1 << factor.bits
    return np.clip(_factor(factor, values), -limit, limit - 1).astype(np.int32)


def _limit(x: Numbers) -> tuple[Numbers, NDArray[np.bool_]]:
    inside = np.clip(x, ACCUMULATOR_MIN, ACCUMULATOR_MAX)
    return inside, inside != x
