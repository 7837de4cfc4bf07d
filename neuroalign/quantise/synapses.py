"""Which synapses of the model the chip can hold as they are laid out."""

from __future__ import annotations

from dataclasses import replace

from neuroalign.conversion import ConversionRow
from neuroalign.network import Connection
from neuroalign.pattern import Convolution, as_sparse, shares_kernel
from neuroalign.quantise.normal_form import NormalPopulation
from neuroalign.quantise.rows import note_row


def chip_synapses(c: Connection, form: NormalPopulation, extra: int) -> tuple[Connection, tuple[ConversionRow, ...]]:
    """The connection in a layout that a chip has: a convolution whose places differ becomes single synapses.

    A kernel is shared only while all neurons of a channel hold it in the same unit, and while no delay slots are needed:
    shared synapses have none.

    Parameters
    ----------
    extra
        Steps of delay that the connection needs beyond the chip's own.

    Returns
    -------
    tuple
        The connection, and a conversion row where it changed.
    """
    if not isinstance(c.pattern, Convolution):
        return c, ()
    if extra:
        reason = f"it waits {extra} step(s) in delay slots, which shared synapses do not have"
    elif not (shares_kernel(form.kernel_gain, c.pattern) and shares_kernel(form.threshold, c.pattern)):
        reason = "neurons of a channel differ in gain or threshold, and so in what a weight unit means"
    else:
        return c, ()
    pattern, weight = as_sparse(c.pattern, c.weight)
    note = f"the shared kernel becomes {weight.size} single synapses: {reason}"
    return replace(c, weight=weight, pattern=pattern), (note_row(c.name, "kernel", note, count=weight.size),)
