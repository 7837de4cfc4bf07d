"""What a plastic connection is made of, checked before anything runs: one line for each way in which it can be wrong."""

from __future__ import annotations

from collections.abc import Mapping

from neuroalign.chip import ChipConnection, Convolution, Plasticity
from neuroalign.errors import NetworkError
from neuroalign.microcode import POST_TRACES, Program, check_integers
from neuroalign.sim.emulator.blocks import extent
from neuroalign.sim.emulator.learning_reference import LARGEST_INITIAL


def check_plasticity(connection: ChipConnection, plasticity: Plasticity, fixed: bool, sizes: Mapping[str, int]) -> None:
    """Refuse what a connection cannot learn with (NetworkError, RuleError); arrays and shapes are known to be right.

    Parameters
    ----------
    sizes
        Number of neurons or channels of each population and input.
    """
    what = f"connection {connection.name!r}"
    if isinstance(connection.pattern, Convolution):
        raise NetworkError(
            f"{what}: a convolution shares its weights among places and cannot learn; use a SparsePattern"
        )
    for start, stop in plasticity.phases:
        if not start < stop:
            raise NetworkError(f"{what}: learning phase ({start}, {stop}); steps start < stop are needed")
    if plasticity.graded != "impulse" and not connection.message_bits:
        raise NetworkError(
            f"{what}: graded is {plasticity.graded!r}, but message_bits 0 carries no payload; give it message_bits, or "
            "graded 'impulse'"
        )
    _check_modulators(what, connection, plasticity, sizes)
    check_program(what, plasticity, plasticity.program)
    if fixed:
        check_integers(plasticity.program)
        for label, values in (("weight", connection.weight), ("tag", plasticity.tag)):
            largest = max(abs(int(end)) for end in extent(values))
            if largest > LARGEST_INITIAL:
                raise NetworkError(
                    f"{what}: a plastic {label} of magnitude {largest}; at most {LARGEST_INITIAL} is possible"
                )


def check_program(what: str, plasticity: Plasticity, program: Program) -> None:
    """Refuse a program with post traces of its own beside modulators (NetworkError)."""
    for name in POST_TRACES if plasticity.modulators else ():
        if program.trace(name).impulse:
            raise NetworkError(
                f"{what}: trace {name} has impulse {program.trace(name).impulse:g}, but with modulators post traces are "
                "received; give it impulse 0"
            )


def _check_modulators(what: str, connection: ChipConnection, plasticity: Plasticity, sizes: Mapping[str, int]) -> None:
    targets = connection.shape[0]
    named = [trace for trace, _ in plasticity.modulators]
    for trace, sender in plasticity.modulators:
        if trace not in POST_TRACES:
            raise NetworkError(f"{what}: a modulator sets {trace!r}; it can set {', '.join(POST_TRACES)}")
        if named.count(trace) > 1:
            raise NetworkError(f"{what}: two modulators set {trace}; one sender is possible")
        if sender not in sizes:
            raise NetworkError(f"{what}: modulator {sender!r} of {trace} is no input and no population of the network")
        if sizes[sender] not in (1, targets):
            raise NetworkError(
                f"{what}: modulator {sender!r} of {trace} sends {sizes[sender]} values; 1 or {targets}, one for each "
                "target, is needed"
            )
