"""On-chip learning that reaches the float rule: carry.

STDWI learns, in a feedback synapse, the weight of the forward synapse that it faces, from spike times alone. Most of its
changes are smaller than one unit of an 8-bit weight. Rounded at once ("direct") they survive only on average, as a random
walk; gathered in the tag and carried over when they make a unit ("exact"), they survive as they are, and 8-bit weights
come as close to the forward weights as those of the float rule. All three see the same spikes: 60 seconds of a small
network; the published protocol takes 2500.
"""

import matplotlib.pyplot as plt

from neuroalign.experiments.stdwi import infer
from neuroalign.experiments.stdwi_activity import Protocol, record_activity
from neuroalign.learners import chip_learner
from neuroalign.profile import load_profile
from neuroalign.quantise.rule_choices import RuleChoices
from neuroalign.rules import stdwi
from neuroalign.sim.emulator import Emulator

activity = record_activity(Protocol(inputs=40, outputs=6), 60.0, seed=5)
rule = stdwi(learning_rate=2e-4, decay=0.0)
found = {}
for name, profile, form in (
    ("float rule", "ideal", "exact"),
    ("Loihi 2, changes carried", "loihi2", "exact"),
    ("Loihi 2, changes rounded at once", "loihi2", "direct"),
):
    learner = chip_learner(Emulator(), load_profile(profile), RuleChoices(form, weight_limit=0.06))
    found[name] = infer(learner, activity, 5, 2.0, bin_steps=4, rule=rule)
    print(f"{name}: r = {found[name].r[-1]:.3f} with the forward weights after {found[name].times[-1]:.0f} s")

figure = plt.figure(figsize=(10, 4.2), layout="constrained")
over_time, *ends = figure.subplots(1, 3, width_ratios=(1.3, 1, 1))
for (name, result), style in zip(found.items(), ("k-", "C0--", "C1:"), strict=True):
    over_time.plot(result.times, result.r, style, linewidth=2, label=name)
over_time.set(title="Alignment over time", xlabel="time (s)", ylabel="Pearson r with the forward weights", ylim=(0, 1))
over_time.legend(loc="lower right", fontsize=8)
wanted, *held = (result.estimates[-1].ravel() for result in found.values())
for axis, name, weights, colour in zip(ends, list(found)[1:], held, ("C0", "C1"), strict=True):
    axis.axline((0, 0), slope=1, color="grey", linewidth=0.8)
    axis.plot(wanted, weights, ".", color=colour)
    axis.set(title=name, xlabel="weight, float rule", ylabel="weight, chip")
    axis.title.set_fontsize(9)
figure.savefig("04_carry.png", dpi=130)
