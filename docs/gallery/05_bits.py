"""What a bit buys: the digits network with weights of 2 to 8 bits.

A profile is a file; one that changes a single figure says what it extends and what it changes. The same network goes to
seven such chips.
"""

from pathlib import Path

import matplotlib.pyplot as plt

import neuroalign
from neuroalign.demo import load_demo
from neuroalign.recording import first_samples

network, stimulus = load_demo()
some = first_samples(stimulus, 40)
found = {}
for bits in range(2, 9):
    profile = Path(f"bits-{bits}.toml")
    profile.write_text(
        f'schema = "hwprofile/1"\nid = "bits-{bits}"\nname = "Loihi 2 with {bits} bits"\nextends = "loihi2"\n'
        f"[synapse]\nweight_bits = [{bits}]\n"
    )
    deployment = neuroalign.deploy(network, profile, dt=1e-3, reset="zero", stimulus=some)
    label = deployment.chip_runs[0].label
    agreement = next(a for a in deployment.agreements if a.candidate == label)
    hidden = next(p for p in agreement.populations if p.spikes is not None)
    found[bits] = (agreement.outputs[0].agreement, hidden.spikes.f1_near)
    print(f"{bits} bits: {found[bits][0]:.1%} of the images decided alike, F1 of {hidden.name} {found[bits][1]:.3f}")

figure, axis = plt.subplots(figsize=(6, 3.4), layout="constrained")
axis.plot(list(found), [100 * alike for alike, _ in found.values()], "o-", label="images decided alike (%)")
axis.plot(
    list(found), [100 * f1 for _, f1 in found.values()], "s--", label=f"spikes of {hidden.name} that agree (F1, %)"
)
axis.set(title="What a bit buys", xlabel="bits of a weight", ylim=(0, 102))
axis.legend(fontsize=8)
figure.savefig("05_bits.png", dpi=130)
