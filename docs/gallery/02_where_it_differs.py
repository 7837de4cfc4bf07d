"""Find where the chip differs.

The shipped network reads handwritten digits. On Loihi 2's integers it decides alike, but not every spike is the same. The
agreement says how much each layer differs, and where it begins; the picture is the neuron in which it begins, around the
step in which it does. The third run, "ideal", has the chip's order of steps without its rounding: it lies on the float
model, so rounding makes the difference, and not the order.
"""

import matplotlib.pyplot as plt
import numpy as np

import neuroalign
from neuroalign.demo import load_demo
from neuroalign.recording import first_samples

network, stimulus = load_demo()  # a .nir file, and its test images as spikes
deployment = neuroalign.deploy(network, "loihi2", dt=1e-3, reset="zero", stimulus=first_samples(stimulus, 40))

chip = deployment.chip_runs[0].label
agreement = next(a for a in deployment.agreements if a.candidate == chip)
print(f"{chip} against {agreement.reference}")
for layer in agreement.populations:
    print(f"  {layer.name}: {layer.text}")
hidden = next(layer for layer in agreement.populations if layer.spikes is not None)
first = hidden.spikes.first_divergence
print(f"first difference: sample {first.sample}, step {first.step}, neuron {first.neuron} of {hidden.name}")

names = [run.label for run in deployment.runs]
v, s = (
    {n: deployment.run(n).recording.aligned(hidden.name, x, stimulus.steps)[first.sample] for n in names} for x in "vs"
)
differ = np.asarray(s[chip] != s[agreement.reference])

figure, (raster, trace) = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained", width_ratios=(1, 1.3))
for mask, colour, what in ((s[chip] != 0, "0.8", "spikes on chip"), (differ, "C3", "differs from the float model")):
    step, neuron = np.nonzero(mask)
    raster.plot(step + 1, neuron, "|", color=colour, markersize=3, label=what)
raster.axhline(first.neuron, color="C0", linewidth=0.6)
raster.set(title=f"{hidden.name}, sample {first.sample}", xlabel="step", ylabel="neuron")
raster.legend(fontsize=8, loc="upper right")
for name, style in zip(names, ("k-", "C2:", "C0--"), strict=False):
    trace.plot(np.arange(1, stimulus.steps + 1), v[name][:, first.neuron], style, label=name)
trace.axhline(float(deployment.network.population(hidden.name).v_threshold[first.neuron]), color="0.6", linewidth=0.8)
trace.axvline(first.step + 1, color="C3", linewidth=0.8)
trace.set(title=f"Neuron {first.neuron}, in which it begins (red)", xlabel="step", ylabel="v (V)")
trace.legend(fontsize=8)
figure.savefig("02_where_it_differs.png", dpi=130)
