"""Reset by subtraction behind the decay of the next step, as snnTorch (``reset_delay=True``) and Spyx do it.

Their step is ``v[t] = b v[t-1] + x[t] - th s[t-1]``; subtraction at the spike gives ``b (v[t-1] - th s[t-1])``. The
difference, ``-(1 - b) th s[t-1]``, is what a connection from every neuron to itself with a delay of one step adds. It is
exact where input reaches the membrane unfiltered.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from neuroalign.errors import NetworkError
from neuroalign.network import Connection, Network, Population, euler
from neuroalign.pattern import SparsePattern


def with_late_reset(network: Network, filtered_at_once: bool = False) -> Network:
    """``network`` with a self-inhibition for each spiking population that leaks.

    Parameters
    ----------
    filtered_at_once
        Leave neurons with a synaptic filter as they are: Spyx subtracts from these before the decay.

    Raises
    ------
    NetworkError
        If a population filters its input: no connection reaches its membrane directly.
    """
    late = [p for p in network.populations if p.spiking and not (filtered_at_once and (p.tau_syn > 0).any())]
    added = [_inhibition(p, network.dt) for p in late]
    connections = (*network.connections, *(c for c in added if c is not None))
    return replace(network, connections=connections)


def _inhibition(p: Population, dt: float) -> Connection | None:
    of = euler(p, dt)
    if (p.tau_syn > 0).any() and of.decay_v.any():
        raise NetworkError(
            f"node {p.name!r}: a reset behind the decay cannot be said of neurons with a synaptic filter; "
            "--reset subtract is the nearest"
        )
    if not of.decay_v.any():  # without leak, before and behind the decay are the same
        return None
    itself = np.arange(p.size)
    pattern = SparsePattern(itself, itself, (p.size, p.size))
    return Connection(
        f"{p.name}->{p.name}#reset", p.name, p.name, -of.decay_v * p.v_threshold / of.gain_v, 1, pattern=pattern
    )
