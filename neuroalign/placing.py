"""``place_file``: from a trained network's file to a placement, without running anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from neuroalign.chip import ChipNetwork
from neuroalign.compile import compile_network
from neuroalign.energy import (
    EnergyReport,
    EventCounts,
    StepTime,
    energies,
    energy,
    expected_events,
    price_list,
    step_time,
    step_times,
)
from neuroalign.errors import ConversionRefused, InputError
from neuroalign.export.nir_graph import FileReset, read_nir
from neuroalign.network import Network
from neuroalign.placement import Placement, board_of, place, rates_of, with_remedies
from neuroalign.profile import Profile, load_profile, not_run

STAND_IN = "cpu"
"""Whose number formats weights take where nothing here computes as the target does."""


@dataclass(frozen=True, eq=False)
class Answer:
    """Whether a network fits on one profile, and what a step costs there.

    Parameters
    ----------
    placement
        None where the profile cannot hold the network at all; ``refusal`` then says why.
    events, energy, time
        Of one step, expected from rates; empty where no prices were asked for.
    """

    profile: Profile
    placement: Placement | None
    refusal: str | None = None
    events: EventCounts | None = None
    energy: tuple[EnergyReport, ...] = ()
    time: tuple[StepTime, ...] = ()

    @property
    def fits(self) -> bool:
        """Whether no limit that could be checked is exceeded."""
        return self.placement is not None and self.placement.verdict != "does not fit"


@dataclass(frozen=True)
class Wanted:
    """What is asked of every profile: a board, rates, price lists by name, and remedies where it does not fit."""

    board: str | None = None
    rates: Mapping[str, Any] | None = None
    lists: tuple[str, ...] = ()
    remedies: bool = True


def place_file(
    source: str | Path,
    profile: str | Path | Profile = "loihi2",
    *,
    board: str | None = None,
    rates: Mapping[str, Any] | None = None,
    dt: float | None = None,
    reset: FileReset | None = None,
    remedies: bool = True,
    **reading: object,
) -> Placement:
    """Quantise a NIR file as ``deploy`` does and place it on a target.

    Parameters
    ----------
    source
        A .nir file.
    profile
        Name of a built-in profile, a .toml file, or a Profile.
    board
        Name of a board of the profile; None takes as many chips as are needed.
    rates
        Spikes a step by population or input; None weighs all neurons alike.
    dt : s
        Time step; None infers it from the file where the file gives a clue.
    reset
        What a spike does to the membrane; None assumes "zero".
    remedies
        Whether to look for changes with which a network that does not fit would.
    reading
        Further keyword arguments of :func:`neuroalign.export.nir_graph.read_nir`.

    Raises
    ------
    NeuroalignError
        One line naming the thing, the value, the limit and the remedy.
    """
    target = profile if isinstance(profile, Profile) else load_profile(profile)
    network = read_nir(source, dt=dt, reset=reset, **reading).network  # type: ignore[arg-type]
    return _placed(network, target, Wanted(board, rates, remedies=remedies))[1]


def place_on_all(
    source: str | Path, profiles: Sequence[str | Path | Profile], wanted: Wanted | None = None, **reading: object
) -> tuple[Answer, ...]:
    """The same for several targets side by side, with the price of a step on each.

    A profile that cannot hold the network, or lacks a price list that another has, says so in its answer; a single one
    raises instead.

    Parameters
    ----------
    reading
        Keyword arguments of :func:`neuroalign.export.nir_graph.read_nir`.

    Raises
    ------
    NeuroalignError
        As :func:`place_file`; if price lists are asked for without rates; if no profile has a list of that name.
    """
    wanted = wanted or Wanted()
    targets = [p if isinstance(p, Profile) else load_profile(p) for p in profiles]
    _check(targets, wanted)
    network = read_nir(source, **reading).network  # type: ignore[arg-type]
    return tuple(_answer(network, target, wanted, alone=len(targets) == 1) for target in targets)


def _check(targets: Sequence[Profile], wanted: Wanted) -> None:
    if wanted.lists and wanted.rates is None:
        raise InputError(
            f"--energy {wanted.lists[0]} prices spikes, and there are none; give how often neurons spike with --rates, or count "
            "a run with 'neuroalign deploy'"
        )
    if wanted.board is not None and len(targets) > 1:
        raise InputError(
            f"--board {wanted.board} belongs to one profile, and there are {len(targets)}; give one --profile"
        )
    if wanted.board is not None:
        board_of(targets[0], wanted.board)  # before minutes of placing
    for name in wanted.lists:
        if not any(name in target.prices for target in targets):
            price_list(targets[0], name)


def _answer(network: Network, target: Profile, wanted: Wanted, *, alone: bool) -> Answer:
    try:
        chip, placement = _placed(network, target, wanted)
    except ConversionRefused as error:
        if alone:
            raise
        return Answer(target, None, str(error))
    if not wanted.lists or wanted.rates is None:
        return Answer(target, placement)
    events = expected_events(chip, placement, target, rates_of(chip, wanted.rates), 1)
    found = [name for name in wanted.lists if name in target.prices]
    if not target.prices:
        return Answer(target, placement, None, events, energies(events, target), step_times(events, target))
    return Answer(
        target,
        placement,
        None,
        events,
        tuple(energy(events, target, name) for name in found),
        tuple(step_time(events, target, name) for name in found),
    )


def _placed(network: Network, target: Profile, wanted: Wanted) -> tuple[ChipNetwork, Placement]:
    """What the target holds, and where; with the remedies that are wanted."""
    chip, note = chip_to_place(network, target)
    placement = place(chip, target, board=wanted.board, rates=wanted.rates)
    if wanted.remedies:
        placement = with_remedies(placement, chip, target, rates=wanted.rates)
    return chip, replace(placement, notes=(*placement.notes, *note))


def chip_to_place(network: Network, profile: Profile) -> tuple[ChipNetwork, tuple[str, ...]]:
    """What is placed, and a note where its number formats are another target's."""
    if not_run(profile) is None:
        return compile_network(network, profile)[0], ()
    stand_in = load_profile(STAND_IN)
    chip, _ = compile_network(network, stand_in)
    note = f"Nothing here computes as {profile.id} does: the network is laid out as profile {STAND_IN!r} holds it."
    return replace(chip, profile_id=profile.id), (note,)
