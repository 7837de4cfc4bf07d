"""How many bits the weights of each connection need, where memory is short.

For each connection the error of the whole network is measured with that connection alone at each narrower width. Then bits
are taken away one by one, where an error grows least for a bit saved, until the weights fit. The result runs once more,
beside the widest common width that fits, and the better of the two is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroalign.calibration.layers import float_given, network_error
from neuroalign.deployment.searched import Width
from neuroalign.errors import InputError
from neuroalign.network import Network
from neuroalign.profile import Profile
from neuroalign.recording import Stimulus

Given = Mapping[str, NDArray[Any]]
Widths = dict[str, int]
Progress = Callable[[str, int, int], None]


def with_bits(network: Network, bits: Mapping[str, int]) -> Network:
    """The network with a width for the connections named (InputError where there is no such connection)."""
    names = {c.name for c in network.connections}
    for name in bits:
        if name not in names:
            raise InputError(f"--bits: no connection {name!r}; there are {', '.join(sorted(names))}")
    connections = tuple(replace(c, weight_bits=bits.get(c.name, c.weight_bits)) for c in network.connections)
    return replace(network, connections=connections)


def weight_memory(network: Network, profile: Profile) -> int:
    """Bits that all weights take, shared kernels counted once."""
    most = max(profile.synapse.weight_bits)
    return sum(c.weight.size * (c.weight_bits or most) for c in network.connections)


def allot_bits(
    network: Network, profile: Profile, stimulus: Stimulus, share: float, progress: Progress | None = None
) -> tuple[Network, tuple[Width, ...]]:
    """Widths at which all weights take at most ``share`` of the memory that they take at full width.

    Parameters
    ----------
    stimulus
        Calibration input.
    share
        Above 0 and up to 1.

    Raises
    ------
    InputError
        If the share is out of range, or not even the narrowest widths fit.
    """
    if not 0 < share <= 1:
        raise InputError(f"--bits: a share of {share:g} of the memory; it lies above 0 % and up to 100 %")
    available = sorted(profile.synapse.weight_bits)
    budget = share * weight_memory(with_bits(network, _all(network, available[-1])), profile)
    if weight_memory(with_bits(network, _all(network, available[0])), profile) > budget:
        raise InputError(
            f"--bits: weights of {available[0]} bit(s), the narrowest of profile {profile.id!r}, take more than "
            f"{share:.0%} of those of {available[-1]}; give a larger share"
        )
    wanted = float_given(network, stimulus)
    table = _measured(network, profile, stimulus, wanted, available, progress)
    candidates = [_taken_away(network, profile, table, available, budget), _common(network, profile, available, budget)]
    errors = [network_error(with_bits(network, bits), profile, {}, stimulus, wanted) for bits in candidates]
    chosen = candidates[int(np.argmin(errors))]
    told = tuple(
        Width(c.name, c.weight.size, chosen[c.name], tuple(sorted(table[c.name].items()))) for c in network.connections
    )
    return with_bits(network, chosen), told


def _all(network: Network, bits: int) -> Widths:
    return {c.name: bits for c in network.connections}


def _measured(
    network: Network,
    profile: Profile,
    stimulus: Stimulus,
    wanted: Given,
    available: list[int],
    progress: Progress | None,
) -> dict[str, dict[int, float]]:
    """Connection to width to the network's error with that connection alone at that width."""
    full = network_error(with_bits(network, _all(network, available[-1])), profile, {}, stimulus, wanted)
    table: dict[str, dict[int, float]] = {}
    for done, c in enumerate(network.connections):
        if progress is not None:
            progress("bits of each connection", done, len(network.connections))
        errors = [
            network_error(with_bits(network, {c.name: bits}), profile, {}, stimulus, wanted) for bits in available[:-1]
        ]
        # A narrower weight can be right by chance; what counts is that wider ones never cost more.
        worst = np.maximum.accumulate([full, *errors[::-1]])[::-1]
        table[c.name] = dict(zip(available, map(float, worst), strict=True))
    return table


def _taken_away(
    network: Network, profile: Profile, table: Mapping[str, Mapping[int, float]], available: list[int], budget: float
) -> Widths:
    sizes = {c.name: c.weight.size for c in network.connections}
    bits = _all(network, available[-1])

    def price(name: str) -> float:
        below = available[available.index(bits[name]) - 1]
        saved = (bits[name] - below) * sizes[name]
        return (table[name][below] - table[name][bits[name]]) / saved if saved else np.inf

    while weight_memory(with_bits(network, bits), profile) > budget:
        name = min((n for n in bits if bits[n] > available[0]), key=price)
        bits[name] = available[available.index(bits[name]) - 1]
    return bits


def _common(network: Network, profile: Profile, available: list[int], budget: float) -> Widths:
    fitting = [b for b in available if weight_memory(with_bits(network, _all(network, b)), profile) <= budget]
    return _all(network, max(fitting))
