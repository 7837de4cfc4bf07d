"""Simpler rules from a rule: fewer products and factors, and constants that are easier to reckon with."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from neuroalign.errors import RuleError
from neuroalign.microcode import TRACES, Factor, Product, Program, Trace
from neuroalign.verify.case import Case
from neuroalign.verify.compare import Difference
from neuroalign.verify.rules import with_decimation

_TARGETS = ("dw", "dd", "tag_update")


def rules(case: Case, difference: Difference) -> Iterator[Case]:
    """Simpler rules, one at a time."""
    for k, connection in enumerate(case.network.connections):
        held = connection.plasticity
        if held is None:
            continue
        for program in _simpler_programs(held.program):
            changed = replace(connection, plasticity=replace(held, program=program))
            all_of_them = [changed if n == k else c for n, c in enumerate(case.network.connections)]
            yield replace(case, network=replace(case.network, connections=tuple(all_of_them)))


def _simpler_programs(program: Program) -> Iterator[Program]:
    yield from _fewer_products(program)
    yield from _simpler_products(program)
    plain: dict[str, Any] = {"t_epoch": 1, "rng_seed": 0}
    for name, value in plain.items():
        if getattr(program, name) != value:
            yield replace(program, **{name: value})
    if program.t_epoch > 2:
        yield replace(program, t_epoch=program.t_epoch // 2)
    if program.k:
        yield with_decimation(program, 0)
    for name in TRACES:
        for trace in _simpler_traces(program.trace(name)):
            changes: dict[str, Any] = {name: trace}
            yield replace(program, **changes)


def _fewer_products(program: Program) -> Iterator[Program]:
    for target in _TARGETS:
        products: tuple[Product, ...] = getattr(program, target)
        shorter = [(), *(products[:k] + products[k + 1 :] for k in range(len(products)))] if products else []
        for left in shorter:
            changes: dict[str, Any] = {target: left}
            try:
                yield replace(program, **changes)
            except RuleError:
                continue  # nothing would be left


def _simpler_products(program: Program) -> Iterator[Program]:
    for target in _TARGETS:
        products: tuple[Product, ...] = getattr(program, target)
        for k, product in enumerate(products):
            for simpler in _simpler(product):
                changes: dict[str, Any] = {target: (*products[:k], simpler, *products[k + 1 :])}
                yield replace(program, **changes)


def _simpler(product: Product) -> Iterator[Product]:
    if product.factors:
        yield replace(product, factors=())
    for k, factor in enumerate(product.factors):
        before, after = product.factors[:k], product.factors[k + 1 :]
        yield replace(product, factors=before + after)
        if factor.constant:
            yield replace(product, factors=(*before, Factor(factor.variable, 0, factor.sign), *after))
        if factor.constant != int(factor.constant):
            yield replace(
                product, factors=(*before, Factor(factor.variable, int(factor.constant), factor.sign), *after)
            )
        if factor.sign:
            yield replace(product, factors=(*before, Factor(factor.variable, factor.constant), *after))
    for mantissa, exponent in ((1, 0), (1, product.exponent), (product.mantissa, 0)):
        if (mantissa, exponent) != (product.mantissa, product.exponent) and mantissa != -8:
            yield replace(product, mantissa=mantissa, exponent=exponent)


def _simpler_traces(trace: Trace) -> Iterator[Trace]:
    if trace == Trace(0, 0):
        return
    yield Trace(0, 0)
    for impulse in {0.0, float(math.floor(trace.impulse)), 64.0} - {trace.impulse}:
        yield Trace(impulse, trace.tau or 1.0)
    if math.isfinite(trace.tau):
        for tau in {10.0, float(max(1, math.floor(trace.tau)))} - {trace.tau}:
            yield Trace(trace.impulse, tau)
