"""What the rows of a conversion table mean, for a reader who does not know the chip."""

from __future__ import annotations

from collections.abc import Mapping

from neuroalign.conversion import ConversionRow

EXPLANATIONS: Mapping[str, str] = {
    "weight": "How strongly a spike acts; the chip keeps few bits, so small weights lose most.",
    "initial weight": "Where a weight that learns starts; learning moves on from there.",
    "decay_u": "How fast the synaptic current fades; a rounded field stretches or shortens its time constant.",
    "decay_v": "How fast the membrane fades; a rounded field stretches or shortens its time constant.",
    "threshold": "What the membrane must exceed to spike; an error shifts every spike of the neuron.",
    "bias": "A constant drive; an error accumulates in the membrane at every step.",
    "u0": "Synaptic current before the first step; an error fades with its time constant.",
    "v0": "Membrane before the first step; an error fades with its time constant.",
    "latency": "Steps by which a population lags the model on chip; comparisons subtract it.",
    "delay": "Steps that a spike is on its way.",
    "reset": "What a spike does to the membrane.",
    "v_reset": "Where a spike leaves the membrane; chips reset to 0, so the voltage scale is shifted.",
    "headroom": "Room that the largest expected state leaves in its register.",
    "payload": "Size of a graded input value, kept as an integer.",
    "kernel": "A kernel shared by many synapses, written out where the chip shares none.",
    "escape chance": "The chance of a spike at each height of the membrane, kept as a table.",
    "learning time": "When a learning synapse sees the spikes of its two ends.",
    "third factor": "A value sent to synapses that learn, such as a reward; kept in few bits.",
    "third factor time": "When a third factor reaches the synapses that learn.",
    "trace": "A fading memory of spikes that learning reads; it has 7 bits.",
    "term": "One product of the learning rule; its constant is a small integer times a power of two.",
    "carry": "How weight changes smaller than one weight unit are kept until they add up to one.",
    "random walk": "How far rounding alone is expected to move a weight.",
    "shared draw": "Synapses that round with the same random number move together.",
    "t_epoch": "How often the learning engine updates weights.",
}
"""By quantity, or by the words that a quantity starts with ("trace x1")."""

STATUS_WORDS: Mapping[str, str] = {
    "exact": "exact",
    "rounded": "rounded",
    "saturated": "clipped at the format's limit",
    "substituted": "held in another way, same meaning",
    "approximate": "the chip does something else",
}


def explain(row: ConversionRow) -> str:
    """What the quantity is, then what was done to it here."""
    return " ".join(part for part in (what_is(row.quantity), row.note) if part)


def what_is(quantity: str) -> str:
    """The sentence about a quantity, or nothing where none is known."""
    words = quantity.split(" ")
    starts = (" ".join(words[:n]) for n in range(len(words), 0, -1))
    return next((EXPLANATIONS[start] for start in starts if start in EXPLANATIONS), "")
