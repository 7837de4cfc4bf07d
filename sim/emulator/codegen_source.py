"""The source of a kernel: all of an epoch's work on a plastic connection, for one rule.

::

    lines: for each product, what targets contribute, once
    for every source j:
        j spiked            all products act along the whole row, 16 or 32 synapses an instruction
        dense, or u acts    the products without x0, along the whole row
        otherwise           the products without x0, at targets that spiked, one by one

A synapse on its own costs as much as dozens in a row do together, so "dense" is when so many targets spiked.
Rows whose scalars are all 0, as at rest, are left out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from neuroalign.microcode import SYNAPTIC
from neuroalign.sim.emulator.codegen_halves import fits_half, fits_last, step_of
from neuroalign.sim.emulator.codegen_lanes import Synapse, Updated
from neuroalign.sim.emulator.codegen_lines import write_lines, write_scalars
from neuroalign.sim.emulator.codegen_real import RealSynapse
from neuroalign.sim.emulator.codegen_steps import in_steps, step_bits, write_step_limits
from neuroalign.sim.emulator.codegen_terms import Plan, Term
from neuroalign.sim.emulator.codegen_text import Text
from neuroalign.sim.emulator.products import ACCUMULATOR_MIN

GENERATOR = 3
"""Version of the generated source; part of the name of its file."""

ARGUMENTS = (
    "w", "d", "t", "x", "y", "spiked_x", "spiked_y", "limited", "scratch", "sources", "targets", "pitch", "t_epoch",
    "offset", "u_acts", "form",
)  # fmt: skip
"""What a kernel finds at the address it is called with, a 64-bit number each: addresses, then numbers. ``form`` is
:data:`CHOOSE`, :data:`DENSE` or :data:`EVENT`."""

CHOOSE, DENSE, EVENT = 0, 1, 2

ROW_NS, OPERATION_NS = 0.012, 0.0046
"""Of a synapse in a whole row: memory, and an operation of 16 bits (of 32: twice)."""
ALONE_NS, ALONE_OPERATION_NS = 1.7, 0.03
NEAR_BYTES = 1 << 20
"""Of weights up to which a synapse on its own costs no more than that: beyond, the caches miss it more and more often. Whole
rows are read ahead. Measured with 16-bit weights of 1024, 2048 and 4096 neurons a side: 1.8, 2.4 and 6 times as much."""
REAL_SHARE = 6
"""Synapses of a whole row in the time of one on its own, in Float64."""

HEAD = '''"""A learning rule compiled by neuroalign, which writes this file and may write it again."""

import numba
import numpy as np

from neuroalign.sim.emulator.lanes import *  # noqa: F403

h, i = np.int16, np.int32


'''

OPERATION = re.compile(r"\b(?!load_|store_)[a-z]\w*\((?!-?\d+\))")
WIDE = re.compile(r"\bi\(|_i\b")

Terms = tuple[tuple[Term, ...], tuple[Term, ...], tuple[Term, ...]]


def source_of(plan: Plan) -> str:
    """The module of a rule's kernel, whose function ``update`` a connection's epoch ends with."""
    text = Text()
    with text.block("def update(call):"):
        for slot, name in enumerate(ARGUMENTS):
            text.add(f"{name} = load_long(call, {slot}, 4)")
        _write_limits(text, plan)
        write_lines(text, plan)
        _write_choice(text, plan)
        for v in _updated(plan.terms):
            text.add(f"count{v} = 0")
        with text.block("for j in range(sources):"):
            _write_row(text, plan)
        for v in _updated(plan.terms):
            text.add(f"store_long(limited, {v}, 4, load_long(limited, {v}, 4) + count{v})")
    return HEAD + str(text)


def _updated(terms: Terms) -> tuple[int, ...]:
    return tuple(v for v in range(3) if terms[v])


def acting(plan: Plan, source_spiked: bool, u_acts: bool) -> Terms:
    """The products that can act in a row."""
    w, d, t = (
        tuple(term for term in own if (source_spiked or not term.needs_source) and (u_acts or not term.needs_u))
        for own in plan.terms
    )
    return w, d, t


def _write_limits(text: Text, plan: Plan) -> None:
    """What depends on the offset: see codegen_lanes.py."""
    if not plan.rule.fixed:
        return
    text.add("offset_h, offset_i, moves_h = h(offset), i(offset), h(offset > 0)")
    cases = [
        (v, own)
        for source_spiked in (True, False)
        for u_acts in (True, False)
        for v, own in enumerate(acting(plan, source_spiked, u_acts))
        if own
    ]
    for step in sorted({step_of(own) for v, own in cases if not in_steps(plan.rule, v, own)}):
        text.add(f"offset{step} = h(offset & {-step})")
    for bits in sorted({step_bits(own) for v, own in cases if in_steps(plan.rule, v, own)}):
        write_step_limits(text, bits)
    for v in _updated(plan.terms):
        name, mode = SYNAPTIC[v], plan.rule.sign_mode
        low, high = f"{ACCUMULATOR_MIN}", "32767 - offset"
        if name == "d" or (v == 0 and mode == "excitatory"):
            low = "0"
        elif v == 0:
            low, high = ("-32640 - offset", "0") if mode == "inhibitory" else ("-32768 - (offset > 0)", high)
        text.add(f"low, high = {low}, {high}")
        text.add(f"low_{name}_h, low_{name}_i = h(max(low, -32768)), i(low)")
        text.add(f"high_{name}_h, high_{name}_i, top_{name}_h = h(high), i(high), h(min(high, 32766))")


def _write_choice(text: Text, plan: Plan) -> None:
    """Whether rows of silent sources are run whole, in epochs without u."""
    quiet = acting(plan, False, False)
    share = REAL_SHARE
    if plan.rule.fixed and _updated(quiet):
        row = Text()
        _write_loop(row, plan, quiet)
        operations = _operations(row.lines)
        share = round((ALONE_NS + ALONE_OPERATION_NS * operations) / (ROW_NS + OPERATION_NS * operations))
    if any(term.has_gathered for own in quiet for term in own):
        share = max(1, share // 2)  # whole rows are gathered one by one too
    if not plan.rule.fixed:
        text.add(f"dense = form == {DENSE} or (form == {CHOOSE} and spiking * {share} > targets)")
        return
    text.add(f"far = np.sqrt(max(1.0, sources * pitch * 2 / {NEAR_BYTES}))")
    text.add(f"dense = form == {DENSE} or (form == {CHOOSE} and spiking * {share} * far > targets)")


def _operations(lines: Sequence[str]) -> int:
    """Operations on lanes in some lines; those of 32 bits are two."""
    calls = (len(OPERATION.findall(line)) * (2 if WIDE.search(line) else 1) for line in lines)
    return sum(calls)


def _write_row(text: Text, plan: Plan) -> None:
    """Everything that can happen to a row."""
    choices = [True] if plan.rule.always_u else [True, False] if plan.rule.uses_u else [False]
    for source_spiked in (True, False):
        with text.block("if load_word(spiked_x, j, 4) > 0:" if source_spiked else "else:"):
            for u_acts in choices:
                if len(choices) == 1:
                    _write_case(text, plan, source_spiked, u_acts)
                else:
                    with text.block("if u_acts:" if u_acts else "else:"):
                        _write_case(text, plan, source_spiked, u_acts)


def _write_case(text: Text, plan: Plan, source_spiked: bool, u_acts: bool) -> None:
    terms = acting(plan, source_spiked, u_acts)
    every = terms[0] + terms[1] + terms[2]
    if not every:
        return
    if all(term.needs_target for term in every):
        with text.block("if spiking == 0:"):
            text.add("continue")
    write_scalars(text, plan, every)
    if source_spiked or u_acts:
        _write_whole_row(text, plan, terms)
        return
    with text.block("if dense:"):
        _write_whole_row(text, plan, terms)
    with text.block("else:"):
        _write_events(text, plan, terms)


def _write_whole_row(text: Text, plan: Plan, terms: Terms) -> None:
    every = terms[0] + terms[1] + terms[2]
    for term in every:
        name = f"gathered{term.number}"
        if term.has_gathered:
            with text.block("for q in range(spiking):"):
                text.add("k = np.int64(load_word(spikes, q, 3))")
                letter, store = _letter_and_store(plan, name)
                value = (
                    f"load_{'long' if plan.rule.fixed else 'real'}(table{term.number}, load_word(spiked_y, k, 4), 3)"
                )
                text.add(f"{store}({name}, k, 3, {letter}({value}))")
            text.add(f"row_{name} = {name}")
        if term.has_line and term.kind in ("line", "general"):
            name = f"line{term.number}"
            line = next(line for line in plan.lines if line.name == name)
            shift = f" + (at - 1) * width * {line.item_bytes}" if line.for_each_step else ""
            at = "np.int64(load_word(spiked_x, j, 4))"
            text.add(f"row_{name} = {name}{shift.replace('at', at) if shift else ''}")
    if any(term.kind == "masked" for term in every):
        text.add("row_mask = mask")
    for v in _updated(terms):
        if plan.rule.fixed and in_steps(plan.rule, v, terms[v]):
            bits = step_bits(terms[v])
            for number in (term.number for term in terms[v] if term.kind in ("scalar", "masked")):
                # what it adds to an accumulator that is a multiple of 2^bits
                text.add(f"steps{number} = h(((np.int64(scalar{number}) + offset) >> {bits}) - (offset >> {bits}))")
    _write_loop(text, plan, terms)


def _letter_and_store(plan: Plan, name: str) -> tuple[str, str]:
    letter = next(line.letter for line in plan.lines if line.name == name)
    return ("np.float64" if letter == "r" else letter), {"h": "store_half", "i": "store_word", "r": "store_real"}[
        letter
    ]


def _write_loop(text: Text, plan: Plan, terms: Terms) -> None:
    """All synapses of a row."""
    counters: list[tuple[int, Updated]] = []
    head = len(text.lines)
    with text.block("for k in range(targets):"):
        counters = _write_synapse(text, plan, terms, alone=False)
        for v, updated in counters:
            text.add(f"some{v} = add(some{v}, {updated.counted})")
    text.lines[head:head] = ["    " * text.depth + f"some{v} = h(0)" for v, _ in counters]
    for v, updated in counters:
        surplus = f" - targets * {updated.surplus}" if updated.surplus else ""
        text.add(f"count{v} += (np.int64(some{v}){surplus}) & 65535")


def _write_events(text: Text, plan: Plan, terms: Terms) -> None:
    """The synapses of a row whose targets spiked."""
    for term in terms[0] + terms[1] + terms[2]:
        if term.has_line:
            text.add(f"row_line{term.number} = line{term.number}")
    with text.block("for q in range(spiking):"):
        text.add("k = np.int64(load_word(spikes, q, 3))")
        for term in terms[0] + terms[1] + terms[2]:
            if term.has_gathered:
                value = (
                    f"load_{'long' if plan.rule.fixed else 'real'}(table{term.number}, load_word(spiked_y, k, 4), 3)"
                )
                text.add(f"at_{term.number} = {f'i({value})' if plan.rule.fixed else value}")
        for v, updated in _write_synapse(text, plan, terms, alone=True):
            text.add(f"count{v} += np.int64({updated.counted})")


def _write_synapse(text: Text, plan: Plan, terms: Terms, alone: bool) -> list[tuple[int, Updated]]:
    """The update of w, d and t of synapse k of row j: all from the values before it."""
    real = not plan.rule.fixed
    size, load, store = (8, "load_real", "store_real") if real else (2, "load_half", "store_half")
    used = {SYNAPTIC[v] for v in _updated(terms)}
    used |= {f.variable for own in terms for term in own for f in term.synapse}
    held = {}
    for place, name in enumerate(SYNAPTIC):
        if name in used:
            held[name] = text.let(f"{load}({name} + j * pitch * {size}, k, {place})")
    writer = (RealSynapse if real else Synapse)(text, plan, alone)
    found = [(v, writer.update(v, terms[v], held)) for v in _updated(terms)]
    for v, updated in found:
        text.add(f"{store}({SYNAPTIC[v]} + j * pitch * {size}, k, {v}, {updated.value})")
    return [(v, updated) for v, updated in found if updated.counted]


def lanes_of(plan: Plan, source_spiked: bool, u_acts: bool = True) -> str:
    """Width of the lanes in a row: "16", "32", "64" (Float64), or "-" where nothing acts."""
    terms = acting(plan, source_spiked, u_acts)
    if not _updated(terms):
        return "-"
    if not plan.rule.fixed:
        return "64"
    forms = (fits_half, in_steps, fits_last)
    return "16" if all(any(form(plan.rule, v, terms[v]) for form in forms) for v in _updated(terms)) else "32"
