"""Deploy a network and look at its layers.

The shipped network reads handwritten digits. It goes to Loihi 2's integers, runs on the emulator, and every layer is
compared with the float model on the same input.
"""

import matplotlib.pyplot as plt

import neuroalign
from neuroalign.demo import load_demo
from neuroalign.recording import first_samples

network, stimulus = load_demo()  # a .nir file, and its test images as spikes
deployment = neuroalign.deploy(network, "loihi2", dt=1e-3, reset="zero", stimulus=first_samples(stimulus, 40))

agreement = next(a for a in deployment.agreements if a.candidate == deployment.chip_runs[0].label)
print(f"{agreement.candidate} against {agreement.reference}")
for layer in agreement.populations:
    print(f"  {layer.name}: {layer.text}")
for row in sorted(deployment.table.rows, key=lambda row: -row.relative_error)[:3]:
    print(f"  worst conversions: {row.quantity} of {row.where}, {row.relative_error:.2%}, {row.status}")

figure, axes = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
for run, style in ((deployment.reference, "-"), (agreement.candidate, "--")):
    recording = deployment.run(run).recording
    v = recording.aligned("readout", "v", stimulus.steps)[0]
    axes[0].plot(v[:, :4], style, label=None if style == "--" else [f"class {k}" for k in range(4)])
axes[0].set(title="Readout of one image: float (line), chip (dashed)", xlabel="step", ylabel="v (V)")
axes[0].legend(fontsize=8)
names = [layer.name for layer in agreement.populations]
shares = [100 * (layer.membrane.rms_share or 0) if layer.membrane else 0 for layer in agreement.populations]
axes[1].barh(names, shares)
axes[1].set(title="Membrane error by layer", xlabel="RMS, % of the layer's scale")
figure.savefig("01_deploy.png", dpi=130)
