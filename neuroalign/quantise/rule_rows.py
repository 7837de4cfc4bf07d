"""Conversion rows of a learning rule: its traces, its terms, and how small changes are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from neuroalign.conversion import ConversionRow, Status
from neuroalign.microcode import Program
from neuroalign.microcode_text import to_text
from neuroalign.quantise.carry import SGN_THRESHOLD, CarryForm
from neuroalign.quantise.coefficients import Held
from neuroalign.quantise.impulses import RATE_HZ, TRACE_MAX, peak
from neuroalign.quantise.rows import array_row, note_row
from neuroalign.rule import LearningRule, Term


def words(term: Term) -> str:
    """A term as it is written in rows and messages."""
    return " ".join([f"{term.coefficient:.4g}", f"[{term.gate} spike]", *term.factors])


def trace_rows(
    rule: LearningRule, where: str, slots: Mapping[str, str], impulses: Mapping[str, int], dt: float
) -> tuple[ConversionRow, ...]:
    """What stands for each trace, and whether it will saturate at the assumed rate."""
    rows = []
    for name, slot in slots.items():
        trace, room = rule.traces[name], TRACE_MAX / impulses[name]
        note = (
            f"{slot}: impulse {impulses[name]} stands for {trace.impulse:g}, tau {trace.tau / dt:g} steps; "
            f"decays to whole numbers by stochastic rounding; saturates at {room:.3g} overlapping spikes"
        )
        if peak(trace.tau) > room:
            note += f", which a neuron at {RATE_HZ:g} Hz exceeds"
            rows.append(note_row(where, f"trace {name}", note, "approximate"))
        else:
            rows.append(note_row(where, f"trace {name}", note, "rounded"))
    return tuple(rows)


COARSE = 0.05
"""Relative error of a coefficient beyond which its row is "approximate", which ``strict`` refuses."""


def term_row(where: str, term: Term, held: Held, per_held: float, place: str) -> ConversionRow:
    """A term's coefficient in the model against what its products mean.

    Parameters
    ----------
    per_held
        What one unit of the coefficient on chip means in the model's unit.
    place
        What the term changes: "weight" or "tag".
    """
    stored = np.array([to_text(held.products)], dtype=object)
    note = f"changes the {place}; {len(held.products)} product(s)"
    if held.divided:
        note += (
            "; below 2^-7, so constants on an idle trace make the product shift divide it, to the nearest: "
            f"weights up to {held.dead:.3g} units round to no change"
        )
    elif any(p.shift for p in held.products):
        note += f"; the product shift of {held.products[0].shift} bits is made up for, and rounds down"
    meaning = np.array([held.coefficient * per_held])
    off = abs(meaning[0] - term.coefficient) > COARSE * abs(term.coefficient)
    if off:
        note += "; too coarse to be called the rule: a carry form, or another weight_limit, holds it better"
    status: Status | None = "approximate" if off else None
    wanted = np.array([term.coefficient])
    return array_row(where, f"term {words(term)}", wanted, stored, meaning, "", note, status=status)


def form_row(where: str, form: CarryForm, program: Program, bits: int, used: float, unit: float) -> ConversionRow:
    """How changes below one weight unit are kept."""
    text = f"{form}: one weight unit is {unit:.4g} of the model's; "
    if form == "direct":
        text += "smaller changes exist through stochastic rounding only"
        return note_row(where, "carry", text, "rounded")
    steps = 2 ** (program.k or 0) * program.t_epoch
    text += f"a tag unit is 2^-{bits} of it; transferred every {steps} steps, "
    if form == "exact":
        text += "by floor division that leans on the product shift and on odd constants; "
    else:
        text += f"one unit when abs(tag) > {SGN_THRESHOLD}; "
    text += f"four overlapping spikes use {used:.0%} of the tag's room"
    return note_row(where, "carry", text, "substituted" if used <= 1 else "approximate")


def epoch_rows(where: str, t_epoch: int) -> Sequence[ConversionRow]:
    """What epochs of several steps cost."""
    if t_epoch == 1:
        return ()
    note = (
        f"changes take place every {t_epoch} steps; of several spikes of a neuron within them only the last one's time counts, "
        "and terms act once"
    )
    return (note_row(where, "t_epoch", note, "approximate"),)
