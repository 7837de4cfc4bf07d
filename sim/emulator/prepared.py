"""A network laid out for the kernels, the runs that start from it, and what of a run has to be kept to go on with it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from neuroalign.chip import ChipNetwork, Fixed, Numbers
from neuroalign.errors import BackendMissing
from neuroalign.microcode import SYNAPTIC
from neuroalign.recording import Probe
from neuroalign.sim.emulator import reference
from neuroalign.sim.emulator.changes import ProgramChange
from neuroalign.sim.emulator.layout import Layout, lay_out, probe_columns
from neuroalign.sim.emulator.plastic_connection import PLASTIC_STATES

if TYPE_CHECKING:
    from neuroalign.sim.emulator.kernels import KernelRun
    from neuroalign.sim.emulator.learning_kernels import ChunkedDraws
    from neuroalign.sim.emulator.routines import Chosen

Plastic = Literal["kernels", "generated", "interpreter"]
ENDLESS = 1 << 62
"""Steps of a run whose end is not known."""


class Prepared:
    """A checked network as the kernels take it; nothing in it changes, so that threads share it.

    Parameters
    ----------
    probes
        States to record: of populations in every step (columns of the record), of plastic connections on request.
    changes
        Of programs, checked.
    implementation, steps, folder
        What updates plastic connections, the length of all runs together, and where kernels are kept:
        :func:`~neuroalign.sim.emulator.routines.choose`.
    """

    def __init__(
        self,
        network: ChipNetwork,
        probes: Sequence[Probe],
        changes: Sequence[ProgramChange] = (),
        *,
        implementation: Plastic = "kernels",
        steps: int = ENDLESS,
        folder: Path | None = None,
    ) -> None:
        require_kernels()
        self.network = network
        neural = tuple(probe for probe in probes if probe[1] not in PLASTIC_STATES)
        self.layout: Layout = lay_out(network, neural, changes)
        self.columns = probe_columns(network, neural)
        self.learns = bool(self.layout.plastic.names)
        self.chosen = _chosen(network, implementation, steps, folder) if self.learns else ()

    def draws(self, steps: int = ENDLESS) -> ChunkedDraws | None:
        """The random numbers of runs of ``steps`` steps, for one thread; None where nothing learns."""
        from neuroalign.sim.emulator.learning_kernels import ChunkedDraws

        return ChunkedDraws(self.network, steps) if self.learns else None

    def start(self, draws: ChunkedDraws | None) -> KernelRun:
        """A run before step 1."""
        from neuroalign.sim.emulator.kernels import KernelRun
        from neuroalign.sim.emulator.learning_kernels import LearningRun

        return KernelRun(self.layout) if draws is None else LearningRun(self.network, self.layout, draws, self.chosen)

    def counts(self, run: KernelRun) -> dict[str, int]:
        """Counters of a run by name: see :meth:`~neuroalign.sim.emulator.driver.Emulator.run`."""
        counts: dict[str, int] = {}
        for p, row in zip(self.layout.order, run.counts, strict=True):
            if isinstance(p.u_format, Fixed) and isinstance(p.v_format, Fixed):
                counts[f"{p.name}.{reference.excess_counter('u', p.u_format)}"] = int(row[0])
                counts[f"{p.name}.{reference.excess_counter('v', p.v_format)}"] = int(row[1])
                if not p.spiking:
                    counts[f"{p.name}.nonspiking_spikes"] = int(row[2])
        limited = getattr(run, "limited", None)
        return counts if limited is None else counts | limited()


def _chosen(
    network: ChipNetwork, implementation: Plastic, steps: int, folder: Path | None
) -> tuple[Chosen | None, ...]:
    from neuroalign.sim.emulator.codegen_cache import user_folder
    from neuroalign.sim.emulator.routines import choose

    try:
        return choose(network, implementation, steps, folder)
    except Exception:  # damaged machine code raises whatever pickle, numba or LLVM make of it
        if not _forgotten(user_folder() if folder is None else folder):
            raise
    return choose(network, implementation, steps, folder)


def _forgotten(folder: Path | None) -> bool:
    """Remove the machine code of all rules from a folder of kernels; whether there was any that is gone now."""
    gone = False
    for kind in ("nbi", "nbc"):
        for file in () if folder is None else folder.glob(f"__pycache__/rule_*.{kind}"):
            with contextlib.suppress(OSError):
                file.unlink()
                gone = True
    return gone


def require_kernels() -> None:
    """Refuse to go on where numba is missing (BackendMissing)."""
    try:
        import neuroalign.sim.emulator.kernels
        import neuroalign.sim.emulator.learning_kernels  # noqa: F401
    except ImportError as error:
        raise BackendMissing(f"the emulator's kernels need numba ({error}): pip install numba") from error


def state_arrays(run: KernelRun) -> dict[str, Numbers]:
    """Every array that changes in a run, by name: with these restored, a run goes on bit by bit.

    They are found by what they are, not by a list: a state added to the kernels cannot be forgotten.
    """
    return dict(_arrays("", vars(run)))


def _arrays(path: str, fields: Mapping[str, Any]) -> Iterator[tuple[str, Numbers]]:
    for name, value in fields.items():
        if isinstance(value, np.ndarray):
            yield path + name, value
        elif isinstance(value, tuple) and hasattr(value, "_asdict"):
            yield from _arrays(f"{path}{name}.", value._asdict())


def restore(run: KernelRun, saved: Mapping[str, Numbers]) -> str | None:
    """Put saved arrays in their places; returns in words what does not fit, None where all does."""
    arrays = state_arrays(run)
    for name in sorted(arrays.keys() | saved.keys()):
        if name not in arrays or name not in saved:
            return f"state {name!r} is {'unknown' if name not in arrays else 'missing'}"
        own, given = arrays[name], saved[name]
        if (own.dtype, own.shape) != (given.dtype, given.shape):
            return f"state {name!r} is {given.dtype} {given.shape}, but {own.dtype} {own.shape} is needed"
    for name, array in arrays.items():
        array[...] = saved[name]
    return None


def carry_over(old: tuple[Prepared, KernelRun], new: tuple[Prepared, KernelRun]) -> None:
    """Bring a run to where another one is whose synapses hold less, since programs that change later were not known."""
    (before, source), (after, target) = old, new
    arrays, values = state_arrays(target), "synapses.values"
    for name, array in state_arrays(source).items():
        if name != values:
            arrays[name][...] = array
    for name in before.layout.plastic.names:
        row = before.layout.plastic.tables.connections[before.layout.plastic.names.index(name)]
        held = int(row["synapses"]) if row["sparse"] else int(row["sources"] * row["pitch"])
        for k in range(len(SYNAPTIC)):
            first, to = before.layout.plastic.place(name, k)[0], after.layout.plastic.place(name, k)[0]
            if first >= 0:
                arrays[values][to : to + held] = state_arrays(source)[values][first : first + held]
