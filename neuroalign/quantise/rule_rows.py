"""Conversion rows of a learning rule: its traces, its terms, and how small changes are kept."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from neuroalign.conversion import ConversionRow, Status
from neuroalign.microcode import Program
from neuroalign.microcode.text import to_text
from neuroalign.quantise.carry import Transfer, threshold
from neuroalign.quantise.coefficients import Held
from neuroalign.quantise.impulses import TRACE_MAX, peak
from neuroalign.quantise.prediction import Prediction
from neuroalign.quantise.rows import array_row, note_row
from neuroalign.quantise.third_factor import SLOT, Received
from neuroalign.rule import LearningRule, Term


def words(term: Term) -> str:
    """A term as it is written in rows and messages."""
    gate = "[every step]" if term.gate == "step" else f"[{term.gate} spike]"
    return " ".join([f"{term.coefficient:.4g}", gate, *term.factors])


def third_factor_rows(rule: LearningRule, where: str, received: Received | None) -> tuple[ConversionRow, ...]:
    """What stands for the third factor."""
    if rule.modulator is None or received is None:
        return ()
    name, largest = rule.modulator.name, rule.modulator.largest
    note = f"{SLOT}: received in every step; one unit stands for {received.unit:.4g}, {received.zero} for 0"
    if received.high == 1:
        note += ": 1 in a step with a spike of the population that sends it"
        return (note_row(where, f"third factor {name}", note),)
    note += f"; beyond {largest:g} it is cut"
    return (note_row(where, f"third factor {name}", note, "rounded"),)


def trace_rows(
    rule: LearningRule,
    where: str,
    slots: Mapping[str, str],
    impulses: Mapping[str, int],
    rates: tuple[float, float],
    dt: float,
) -> tuple[ConversionRow, ...]:
    """What stands for each trace, and whether it will saturate at the rates."""
    rows = []
    for name, slot in slots.items():
        trace, room = rule.traces[name], TRACE_MAX / impulses[name]
        note = (
            f"{slot}: impulse {impulses[name]} stands for {trace.impulse:g}, tau {trace.tau / dt:g} steps; "
            f"decays to whole numbers by stochastic rounding; saturates at {room:.3g} overlapping spikes"
        )
        rate = rates[trace.of == "post"]
        if peak(trace.tau, rate) > room:
            note += f", which a neuron at {rate:g} Hz exceeds"
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
    if term.gate == "step":
        note += f"; acts every {held.clocked:g} step(s), for all of them at once, by what is there then"
    elif held.clocked:
        note += (
            f"; too small to act at spikes, so clocked: it acts at every transfer, {held.clocked:.3g} times for each spike, which is the "
            "rule's mean for neurons at the rate given, and too fast for slower ones"
        )
    elif held.divided:
        note += (
            "; below 2^-7, so constants on an idle trace make the product shift divide it, to the nearest: "
            f"weights up to {held.dead:.3g} units round to no change"
        )
    elif any(p.shift for p in held.products):
        note += f"; the product shift of {held.products[0].shift} bits is made up for, and rounds down"
    meaning = np.array([held.coefficient * per_held])
    off = abs(meaning[0] - term.coefficient) > COARSE * abs(term.coefficient)
    if off:
        note += "; too coarse to be called the rule: "
        note += (
            "other tag bits, k or t_epoch hold it better"
            if held.clocked
            else "a carry form, or another weight_limit, holds it better"
        )
    clocked = held.clocked and term.gate != "step"
    status: Status | None = "approximate" if off else "substituted" if clocked else None
    wanted = np.array([term.coefficient])
    return array_row(where, f"term {words(term)}", wanted, stored, meaning, "", note, status=status)


def form_row(where: str, program: Program, transfer: Transfer, unit: float) -> ConversionRow:
    """How changes below one weight unit are kept."""
    form, bits = transfer.form, transfer.bits
    text = f"{form}: one weight unit is {unit:.4g} of the model's; "
    if form == "direct":
        text += "smaller changes exist through stochastic rounding only"
        return note_row(where, "carry", text, "rounded")
    steps = 2 ** (program.k or 0) * program.t_epoch
    text += f"a tag unit is 2^-{bits} of it; transferred every {steps} steps, "
    text += {
        "stochastic": "rounded with a draw, which throws the remainder away; portable: ",
        "sgn": f"one unit when abs(tag) > {threshold(bits)}, the remainder stays; portable: ",
        "exact": "by floor division, the remainder stays; it leans on the product shift and on odd constants of Lava's engine; ",
    }[form]
    text += "" if form == "exact" else "no product shift and no odd constant in the transfer; "
    text += f"four overlapping spikes use {transfer.used:.0%} of the tag's room"
    coarse = form == "stochastic" or transfer.used > 1
    return note_row(
        where, "carry", text, "approximate" if transfer.used > 1 else "rounded" if coarse else "substituted"
    )


HORIZON = 100.0
"""Seconds after which a walk is given."""
LOST = 0.01
"""Share of all change that the tag's limits may take before the row says "approximate"."""


def prediction_rows(where: str, predicted: Prediction) -> tuple[ConversionRow, ...]:
    """The walk that rounding is expected to make, beside the rule's own; and what is shared by synapses."""
    pre, post = predicted.rates
    own = math.sqrt(predicted.own * predicted.effective(HORIZON))
    text = (
        f"predicted for unrelated spikes at {pre:g} Hz (pre) and {post:g} Hz (post), after {HORIZON:g} s: rounding{' and rare sampling' if predicted.sampled else ''} moves a weight by "
        f"{predicted.walk(HORIZON):.3g} units RMS, the rule by itself by {own:.3g}; drift {predicted.drift:+.2g} units a second beyond the rule's"
    )
    if predicted.hidden:
        text += f"; the tag holds back {predicted.hidden:.2g} units RMS, and its limits take {_share(predicted.lost)} of all change"
    if predicted.clipped == predicted.clipped:
        text += f"; {_share(predicted.clipped)} of unrelated weights end beyond the range"
    rows = [note_row(where, "random walk", text, "approximate" if predicted.lost > LOST else "rounded")]
    if predicted.rounding > SHARED * predicted.own:
        note = (
            "one draw an epoch rounds all synapses, and every connection draws the same numbers (seed 2): the walks of synapses and "
            "connections are correlated, so a mean over them does not get rid of it, and in a loop it feeds back"
        )
        rows.append(note_row(where, "shared draw", note, "rounded"))
    return tuple(rows)


def _share(value: float) -> str:
    return f"{value:.2%}" if value >= 1e-4 else "less than 0.01%"


SHARED = 0.01
"""Walk of rounding over the rule's own beyond which it is worth a word that draws are shared."""


def epoch_rows(where: str, t_epoch: int) -> Sequence[ConversionRow]:
    """What epochs of several steps cost."""
    if t_epoch == 1:
        return ()
    note = (
        f"changes take place every {t_epoch} steps; of several spikes of a neuron within them only the last one's time counts, "
        "and terms act once"
    )
    return (note_row(where, "t_epoch", note, "approximate"),)
