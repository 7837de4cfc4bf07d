"""What a run consists of: samples, each run by every member of a batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from neuroalign.chip import ChipNetwork
from neuroalign.errors import InputError
from neuroalign.sim.emulator.batch import Batch
from neuroalign.sim.emulator.checks import check_network


class Entry(NamedTuple):
    """One entry of axis 0 of the recording: a sample run by a member of the batch."""

    row: int
    member: int
    sample: int


def entries_of(samples: int, batch: Batch | None) -> tuple[Entry, ...]:
    """What is run, all samples of a member after each other: a member is laid out once."""
    if batch is None:
        return tuple(Entry(sample, 0, sample) for sample in range(samples))
    if batch.inputs == "own":
        if samples != batch.size:
            raise InputError(
                f"a batch of {batch.size} members with inputs 'own' needs as many samples; there are {samples}"
            )
        return tuple(Entry(member, member, member) for member in range(batch.size))
    return tuple(
        Entry(sample * batch.size + member, member, sample) for member in range(batch.size) for sample in range(samples)
    )


def members_of(network: ChipNetwork, batch: Batch | None) -> Callable[[int], ChipNetwork]:
    """The n-th network of a batch, all of them checked."""
    if batch is None:
        return lambda _: network

    for number in range(batch.size):
        check_network(batch.member(network, number))
    return lambda number: batch.member(network, number)
