"""Draws docs/readme.png, the figure of README.md: ``python docs/readme_figure.py [FILE]``.

One image of the demonstration's test split, read by the float model and by the integers of loihi2 on the emulator.
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import numpy as np
from matplotlib.figure import Figure

import neuroalign
from neuroalign.demo import load_demo

IMAGE = 3


def draw(file: Path) -> None:
    """Deploy, and draw spikes and membranes of both sides."""
    network, images = load_demo()
    assert images.labels is not None
    deployment = neuroalign.deploy(network, "loihi2", stimulus=images.inputs["input"][IMAGE])
    steps = deployment.stimulus.steps
    model = deployment.run(deployment.reference).recording
    chip = deployment.chip_runs[0].recording
    figure = Figure(figsize=(9.0, 2.8), dpi=110, layout="constrained")
    left, right = figure.subplots(1, 2)
    ours, theirs = (r.aligned("hidden", "s", steps)[0].astype(bool) for r in (model, chip))
    for spikes, colour, size, label in (
        (ours & theirs, "0.55", 3, "both"),
        (ours & ~theirs, "tab:blue", 12, "float model alone"),
        (theirs & ~ours, "tab:red", 12, "chip alone"),
    ):
        step, neuron = np.nonzero(spikes)
        left.scatter(step, neuron, s=size, color=colour, label=label, linewidths=0)
    left.set(xlabel="step (1 ms)", ylabel="neuron", title="spikes of the hidden layer")
    left.legend(loc="upper right", fontsize=7, framealpha=0.9)
    volts, integers = (r.aligned("readout", "v", steps)[0] for r in (model, chip))
    for k in range(volts.shape[1]):
        colour = "tab:green" if k == images.labels[IMAGE] else "0.7"
        right.plot(volts[:, k], color=colour, linewidth=1.2, zorder=1 + (colour != "0.7"))
        right.plot(integers[:, k], ".", color=colour, markersize=3, zorder=1 + (colour != "0.7"))
    right.set(xlabel="step (1 ms)", ylabel="membrane (V)", title=f"readout: digit {images.labels[IMAGE]} in green")
    right.plot([], [], color="0.4", label="float model")
    right.plot([], [], ".", color="0.4", label="loihi2, integers")
    right.legend(loc="upper left", fontsize=7)
    figure.savefig(file, metadata={"Software": ""})


if __name__ == "__main__":
    draw(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("readme.png"))
