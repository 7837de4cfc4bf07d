"""``place_file``: from a trained network's file to a placement, without running anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from neuroalign.chip import ChipNetwork
from neuroalign.compile import compile_network
from neuroalign.export.nir_graph import FileReset, read_nir
from neuroalign.network import Network
from neuroalign.placement import Placement, place, with_remedies
from neuroalign.profile import Profile, load_profile, not_run

STAND_IN = "cpu"
"""Whose number formats weights take where nothing here computes as the target does."""


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
    chip, note = chip_to_place(network, target)
    placement = place(chip, target, board=board, rates=rates)
    if remedies:
        placement = with_remedies(placement, chip, target, rates=rates)
    return replace(placement, notes=(*placement.notes, *note))


def chip_to_place(network: Network, profile: Profile) -> tuple[ChipNetwork, tuple[str, ...]]:
    """What is placed, and a note where its number formats are another target's."""
    if not_run(profile) is None:
        return compile_network(network, profile)[0], ()
    stand_in = load_profile(STAND_IN)
    chip, _ = compile_network(network, stand_in)
    note = f"Nothing here computes as {profile.id} does: the network is laid out as profile {STAND_IN!r} holds it."
    return replace(chip, profile_id=profile.id), (note,)
