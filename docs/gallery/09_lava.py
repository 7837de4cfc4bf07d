"""Lava side by side: the emulator's integers, step for step.

The same chip network runs in Lava and in the emulator; every membrane, current and spike of every step is compared. Lava's
membranes are the broad lines, the emulator's lie on them. Needs Lava: `neuroalign doctor` says how to get it.
"""

import matplotlib.pyplot as plt
import numpy as np

import neuroalign
from neuroalign.demo import load_demo
from neuroalign.recording import first_samples
from neuroalign.sim.emulator import Emulator
from neuroalign.sim.lava_processes.backend import LavaBackend

file, images = load_demo()
some = first_samples(images, 2)
chip = neuroalign.deploy(file, "loihi2", dt=1e-3, reset="zero", stimulus=some).chip
probes = [(p.name, state) for p in chip.populations for state in "suv"]
ours = Emulator().run(chip, some, probes).states
lava = LavaBackend()
theirs = lava.run(chip, some, probes).states if lava.missing() is None else {}
if theirs:
    compared = sum(ours[probe].size for probe in probes)
    differ = sum(int((np.asarray(ours[probe]) != np.asarray(theirs[probe])).sum()) for probe in probes)
    found = f"{differ} of {compared:,} values differ"
else:
    found = f"nothing compared: {lava.missing()}"
print(f"Lava and the emulator: {found}")

figure, (membrane, current) = plt.subplots(2, 1, figsize=(8, 5), layout="constrained", sharex=True)
busiest = np.argsort(-np.ptp(ours["hidden", "v"][0], axis=0))[:3]
for axis, state in ((membrane, "v"), (current, "u")):
    for k, neuron in enumerate(busiest):
        if theirs:
            axis.plot(theirs["hidden", state][0, :, neuron], color=f"C{k}", linewidth=5, alpha=0.3)
        axis.plot(ours["hidden", state][0, :, neuron], color=f"C{k}", linewidth=1.2, label=f"neuron {neuron}")
    axis.set(ylabel=f"{state} (chip units)")
membrane.set(title=f"Hidden layer, Lava (broad) and emulator (thin): {found}"[:100])
membrane.legend(fontsize=8)
current.set(xlabel="step")
figure.savefig("09_lava.png", dpi=130)
