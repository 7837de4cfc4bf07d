"""Programs that change while a network runs: other impulses, time constants and products from a step on.

Lava offers the same through ``Var.set``, which cuts every impulse and every tau of the connection down to whole numbers,
whatever is set, and cannot be told the step. Here programs stay what they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from neuroalign.chip import ChipNetwork
from neuroalign.errors import InputError
from neuroalign.microcode import Program, check_integers
from neuroalign.sim.emulator.plastic_checks import check_program


@dataclass(frozen=True)
class ProgramChange:
    """From chip step ``step`` (from 1) on, ``connection`` runs ``program``.

    Synapses, traces, spike times within the epoch and random streams carry on. A spike before ``step`` in the same epoch
    is evaluated with the new program, as every spike is: at the end of its epoch.

    Parameters
    ----------
    step
        The first chip step with the new program.
    connection
        Name of a plastic connection.
    program
        With the t_epoch and the rng_seed of the one before.
    """

    step: int
    connection: str
    program: Program


def check_changes(
    network: ChipNetwork, changes: Sequence[ProgramChange], steps: int, *, seeds: bool = True
) -> tuple[ProgramChange, ...]:
    """The changes in the order of their steps; ``seeds`` false: the network's own rng_seed stands.

    Raises
    ------
    InputError
        If a change does not lie in steps 1 to ``steps``, names no plastic connection, alters t_epoch or rng_seed, or is
        not the only one of its connection and step; NetworkError or RuleError if the connection cannot run the program.
    """
    plastic = {c.name: c for c in network.connections if c.plasticity is not None}
    seen: set[tuple[str, int]] = set()
    for change in changes:
        what = f"change of {change.connection!r} at step {change.step}"
        connection = plastic.get(change.connection)
        if connection is None or connection.plasticity is None:
            raise InputError(
                f"{what}: no such plastic connection; the network has {', '.join(sorted(plastic)) or 'none'}"
            )
        if change.step != int(change.step) or not 1 <= change.step <= steps:
            raise InputError(f"{what}: the run has steps 1 to {steps}")
        if (change.connection, change.step) in seen:
            raise InputError(f"{what}: there are two; give one program")
        seen.add((change.connection, change.step))
        before = connection.plasticity.program
        for name in ("t_epoch", "rng_seed") if seeds else ("t_epoch",):
            if getattr(change.program, name) != getattr(before, name):
                raise InputError(
                    f"{what}: {name} is {getattr(change.program, name)}; it must stay {getattr(before, name)}"
                )
        check_program(f"connection {connection.name!r}", connection.plasticity, change.program)
        if network.is_fixed:
            check_integers(change.program)
    return tuple(sorted(changes, key=lambda change: (change.step, change.connection)))
