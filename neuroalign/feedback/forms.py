"""Which forms each source of backward weights has: in float, and on chip; where a form cannot exist, why."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Forms:
    """One row: ``rule`` on chip as microcode of the feedback synapse, or "" where there is none.

    Parameters
    ----------
    name
        As in :func:`neuroalign.feedback.methods.methods`.
    chip
        What the chip form is, or why there is none.
    """

    name: str
    float_form: str
    rule: str
    chip: str


FORMS: tuple[Forms, ...] = (
    Forms(
        "bp",
        "B = W^T",
        "",
        "none: a synapse from above cannot read the weight of the synapse from below; a host would have to copy it after "
        "every update",
    ),
    Forms("fa", "fixed random B", "", "static connections; nothing to learn"),
    Forms("dfa", "fixed random D from the output", "", "static connections from the output; used by the part `local`"),
    Forms(
        "sign",
        "B = sign(W^T) |B|",
        "",
        "none: the sign of another synapse's weight is as far away as the weight; a host can copy it",
    ),
    Forms(
        "kp",
        "the changes of W^T, and its decay",
        "",
        "none here: the feedback synapse would need the error as its source's signed trace, and x1 counts spikes whatever "
        "their sign; two populations, of missing and of superfluous spikes, and the source's trace as third factor would do",
    ),
    Forms(
        "wm",
        "moving average of x y^T for noise x",
        "dw = x0 (x1 - x2) (y1 - y2) - D x0 w",
        "four trace products, 8-bit weights, exact carry; part `chip`",
    ),
    Forms("stdwi", "spiking phase", "dw = x0 y1 - x0 y2 - D x0 w", "8-bit weights, exact carry; part `chip`"),
    Forms(
        "rdd",
        "spiking phase",
        "dt = y1 (x1 - x2) - y2 t;  dw = y3 t",
        "Loihi 2: window neurons, third factors; part `chip`",
    ),
    Forms("sal", "spiking phase", "dw = -y0 x1 + x0 y1", "8-bit weights, exact carry; part `chip`"),
)


def forms_table() -> str:
    """The rows as a table of Markdown."""
    head = "| method | float | on the feedback synapse | chip |\n|---|---|---|---|"
    rows = (f"| `{f.name}` | {f.float_form} | {f'`{f.rule}`' if f.rule else '-'} | {f.chip} |" for f in FORMS)
    return "\n".join((head, *rows))
