"""What a profile cannot do for a network, refused with what it would take or cost."""

from __future__ import annotations

from dataclasses import replace

from neuroalign.chip import ChipNetwork
from neuroalign.compile import float_model
from neuroalign.deployment import has_capacities, placement_in_words
from neuroalign.encoding import Encoded
from neuroalign.errors import ConversionRefused
from neuroalign.network import Network
from neuroalign.placement import place
from neuroalign.profile import Profile, load_profile
from neuroalign.quantise.legality import check_supported, resets_alike
from neuroalign.sim.emulator import Emulator


def refuse_what_does_not_fit(chip: ChipNetwork, profile: Profile, board: str | None = None) -> None:
    """Refuse a network that exceeds a limit of the profile, naming the limit."""
    if not has_capacities(profile):
        return
    found = place(chip, profile, board=board)
    if found.verdict == "does not fit":
        raise ConversionRefused(
            f"{placement_in_words(found)} --strict refuses it; 'neuroalign place' finds changes that would fit, or deploy "
            "without --strict"
        )


def refuse_other_reset(network: Network, profile: Profile, encoded: Encoded) -> None:
    """Refuse a reset that the profile does not have, with what taking the other would cost on this input (float model)."""
    if resets_alike(network, profile) or encoded.graded:
        return
    spikes = [(p.name, "s") for p in network.populations if p.spiking]
    wanted, found = (
        Emulator().run(float_model(replace(network, reset=mode), load_profile("ideal")), encoded.stimulus, spikes)
        for mode in ("subtract", "zero")
    )
    costs = []
    for name, _ in spikes:
        counts = [r.aligned(name, "s", encoded.stimulus.steps).sum(axis=1, dtype=int) for r in (wanted, found)]
        costs.append(f"{name} {abs(counts[1] - counts[0]).sum() / max(counts[0].sum(), 1):.1%}")
    try:
        check_supported(network, profile)
    except ConversionRefused as error:
        raise ConversionRefused(
            f"{error}; with --reset zero, in floats and on this input, spike counts change by: {', '.join(costs)}"
        ) from None
