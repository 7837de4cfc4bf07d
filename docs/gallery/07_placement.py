"""Place and price: a larger network on the cores of Loihi 1 and Loihi 2.

Two hidden layers of 1500 neurons, put onto as few cores as the limits allow. The picture shows how full each core is of
what binds, and which cores talk to which. Each neuron is said to spike in one of
fifty steps; from that follow the messages, and an energy where somebody has published prices.
"""

from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np

from neuroalign.compile import compile_network
from neuroalign.energy import energies, expected_events
from neuroalign.network import Connection, InputPort, Network, Population
from neuroalign.placement import place
from neuroalign.profile import load_profile

rng = np.random.default_rng(0)


def layer(name, size):
    """Leaky neurons without synaptic filter."""
    one, zero = np.ones(size), np.zeros(size)
    return Population(name, "LIF", (size,), 0.02 * one, zero, one, one, zero, one, zero, zero, zero, zero)


sizes = {"input": 256, "first": 1500, "second": 1500, "output": 10}
names = list(sizes)
network = Network(
    name="two layers",
    dt=1e-3,
    inputs=(InputPort("input", (sizes["input"],)),),
    populations=tuple(layer(name, sizes[name]) for name in names[1:]),
    connections=tuple(
        Connection(f"{a} to {b}", a, b, rng.normal(0, 1, (sizes[b], sizes[a]))) for a, b in pairwise(names)
    ),
    outputs=(("class", "output"),),
)

rates = {name: np.full(size, 0.02) for name, size in sizes.items()}  # spikes a step
figure, axes = plt.subplots(2, 2, figsize=(9, 6), layout="constrained")
for row, chip in zip(axes, ("loihi1", "loihi2"), strict=True):
    profile = load_profile(chip)
    held = compile_network(network, profile)[0]
    placement = place(held, profile, rates=rates)
    binds = placement.binding_limit
    print(f"{chip}: {placement.verdict}, {len(placement.cores)} cores on {placement.chips} chip(s); {binds} binds")
    events = expected_events(held, placement, profile, rates, steps=100)
    for report in energies(events, profile):
        print(f"  {report.headline}")
    shares = [100 * core.shares[binds] for core in placement.cores]
    row[0].bar(range(len(shares)), shares)
    row[0].set(title=f"{chip}: how full of {binds}", xlabel="core", ylabel="%", ylim=(0, 100))
    drawn = row[1].imshow(placement.traffic.matrix(len(shares)), cmap="Blues")
    row[1].set(title="spikes from core to core", xlabel="to core", ylabel="from core")
    figure.colorbar(drawn, ax=row[1])
figure.savefig("07_placement.png", dpi=130)
