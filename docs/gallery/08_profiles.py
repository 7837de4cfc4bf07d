"""Compare profiles: one network, every target that it can be run on or placed on.

Loihi 1, Loihi 2, one with weights of four bits, and the chip's arithmetic without its capacities. What each does to the
network's spikes, and how full its tightest limit is; energy where a price list has been published.
"""

from pathlib import Path

import matplotlib.pyplot as plt

import neuroalign
from neuroalign.demo import load_demo
from neuroalign.recording import first_samples

narrow = Path("narrow.toml")
narrow.write_text(
    'schema = "hwprofile/1"\nid = "narrow"\nname = "Loihi 2 with 4 bits"\nextends = "loihi2"\n[synapse]\nweight_bits = [4]\n'
)
network, stimulus = load_demo()
some = first_samples(stimulus, 40)
rows = []
for profile in ("loihi1", "loihi2", "cpu", narrow):
    deployment = neuroalign.deploy(network, profile, dt=1e-3, reset="zero", stimulus=some)
    label = deployment.chip_runs[0].label
    agreement = next(a for a in deployment.agreements if a.candidate == label)
    wrong = next(100 * (1 - p.spikes.f1_near) for p in agreement.populations if p.spikes is not None)
    placed = deployment.placed
    limit = placed.placement.binding if placed else None
    energy = next((e.total_j for e in placed.energy if e.total_j is not None), None) if placed else None
    rows.append(
        (deployment.profile_id, wrong, 100 * limit.share if limit else 0.0, limit.name if limit else "no limits")
    )
    joule = f"{1e6 * energy / some.samples:.2f} µJ a sample" if energy is not None else "no price list"
    print(f"{deployment.profile_id}: {wrong:.2f}% of the spikes without partner; {rows[-1][3]}; {joule}")

names = [row[0] for row in rows]
figure, (errors, fullness) = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained", sharey=True)
errors.barh(names, [row[1] for row in rows], color="C1")
errors.set(title="Spikes without partner", xlabel="1 - F1 (%)")
fullness.barh(names, [row[2] for row in rows])
for k, (_, _, share, name) in enumerate(rows):
    fullness.annotate(f" {name}", (share, k), va="center", fontsize=8)
fullness.set(title="How full the tightest limit of a core is", xlabel="%", xlim=(0, 60))
errors.invert_yaxis()
figure.savefig("08_profiles.png", dpi=130)
