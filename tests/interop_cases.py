"""Files that frameworks exported, and how each is to be read; the expectations are the frameworks' own recorded spikes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from interop_networks import output_spikes

from neuroalign.compile import compile_network
from neuroalign.export.nir_graph import ImportedNetwork, read_nir
from neuroalign.profile import load_profile

FILES = Path(__file__).parent / "interop" / "files"
"""NAME.nir and NAME.npz as ``SIDE.py export`` wrote them."""
LATE = "Spyx emits a spike one step after the membrane crossed, in each layer"
SEVERAL = "sinabs emits several spikes in a step; the chip emits one"
Spikes = np.ndarray[tuple[int, ...], np.dtype[np.uint8]]


@dataclass(frozen=True)
class Case:
    """How one file is read.

    Parameters
    ----------
    options
        Of ``read_nir``.
    steps_late
        By how many steps the framework's spikes come later: known from its layers, not fitted.
    differs
        Why the spikes are not the same, where they are not.
    refused
        Part of the line with which the file is refused, whatever the options.
    link
        The upstream issue.
    """

    options: Mapping[str, Any] = field(default_factory=dict)
    steps_late: int = 0
    differs: str = ""
    refused: str = ""
    link: str = ""


def _by(writer: str, **options: Any) -> dict[str, Any]:
    return {"written_by": writer, **options}


NORSE_DT = "https://github.com/norse/norse/issues/411"
SNNTORCH_SHAPES = "https://github.com/jeshraghian/snntorch/issues/410"
UNFINISHED = "the top node has no type"
DT_1MS = {"dt": 1e-3}
"""norse's, which its files do not state; sinabs and Spyx count time in steps, and any dt stands for one."""

CASES: Mapping[str, Case] = {
    "norse_lif_box": Case(_by("norse"), link=NORSE_DT),
    "norse_lif_box_dt1": Case(_by("norse", **DT_1MS)),
    "norse_lif": Case(_by("norse"), link=NORSE_DT),
    "norse_lif_dt1": Case(_by("norse", **DT_1MS)),
    "norse_iaf": Case(_by("norse", **DT_1MS)),
    "norse_batched": Case(_by("norse"), link=NORSE_DT),
    "norse_scalar": Case(refused=UNFINISHED),
    "norse_recurrent": Case(refused=UNFINISHED),
    "norse_flatten": Case(refused=UNFINISHED),
    "snntorch_leaky": Case(),
    "snntorch_leaky_subtract": Case({"reset": "subtract"}),
    "snntorch_leaky_subtract_late": Case({"reset": "subtract-late"}),
    "snntorch_leaky_beta1": Case(_by("snntorch", reset="subtract")),
    "snntorch_synaptic": Case(),
    "snntorch_synaptic_subtract_late": Case(
        {"reset": "subtract"}, differs="snnTorch subtracts behind the decay, which no input to filtered neurons can do"
    ),
    "snntorch_rleaky": Case(),
    "sinabs_lif": Case(_by("sinabs", **DT_1MS)),
    "sinabs_lif_zero": Case(_by("sinabs", reset="zero", **DT_1MS)),
    "sinabs_lif_sum": Case(_by("sinabs-sum", reset="zero", **DT_1MS)),
    "sinabs_lif_multi": Case(_by("sinabs", **DT_1MS), differs=SEVERAL),
    "sinabs_lif_tau_syn": Case(
        _by("sinabs", reset="zero", **DT_1MS), differs="sinabs leaves tau_syn out of the file; nothing in it says so"
    ),
    "sinabs_iaf": Case(_by("sinabs", **DT_1MS)),
    "sinabs_iaf_floor": Case(
        _by("sinabs", **DT_1MS), differs="the file does not hold min_v_mem, at which sinabs stops the membrane"
    ),
    "sinabs_iaf_multi": Case(_by("sinabs", **DT_1MS), differs=SEVERAL),
    "sinabs_scalar": Case(_by("sinabs", **DT_1MS)),
    "sinabs_conv": Case(refused=UNFINISHED),
    "sinabs_flatten": Case(refused=UNFINISHED),
    "spyx_lif": Case(_by("spyx", **DT_1MS), steps_late=2),
    "spyx_cuba": Case(_by("spyx", **DT_1MS), steps_late=2),
    "spyx_if": Case(_by("spyx", **DT_1MS), steps_late=2),
    "spyx_rlif": Case(_by("spyx", **DT_1MS), steps_late=2),
    "spyx_psu": Case(_by("spyx", **DT_1MS), refused="never spikes, and a chip connection carries spikes only"),
}
"""Exports that leave no file (snnTorch's batched, scalar and RSynaptic models, sinabs' recurrent one) are not here."""


@dataclass(frozen=True)
class Comparison:
    """Spikes of a framework and ours, in the same steps."""

    theirs: Spikes
    ours: Spikes

    @property
    def differing(self) -> int:
        """Places (step, neuron) that differ; several spikes in a step count as a difference."""
        return int((self.theirs != self.ours).sum())


def imported(name: str, **more: Any) -> ImportedNetwork:
    """One of :data:`CASES`, read as it says."""
    return read_nir(FILES / f"{name}.nir", **CASES[name].options, **more)


def compared(name: str) -> Comparison:
    """The float model of a file on the recorded input, beside the framework's own recorded spikes."""
    network = imported(name).network
    chip, _ = compile_network(network, load_profile("ideal"))
    with np.load(FILES / f"{name}.npz") as stored:
        given, theirs = stored["input"], stored["spikes"]
    late = CASES[name].steps_late
    return Comparison(theirs[late:], output_spikes(chip, given)[: len(given) - late])
