"""Carry or no carry: what happens to changes smaller than one weight unit.

At the weight range of a long run, most changes of STDWI are smaller than one unit of an 8-bit weight. Rounded at once
("direct") they survive only on average; kept in the tag and carried over when they add up to a unit ("exact") they
survive as they are. The chip's weights against those of the float rule, on the same spikes.
"""

import matplotlib.pyplot as plt
import numpy as np

from neuroalign.experiments.stdwi import infer
from neuroalign.experiments.stdwi_activity import Protocol, record_activity
from neuroalign.learners import chip_learner
from neuroalign.profile import load_profile
from neuroalign.quantise.rule_choices import RuleChoices
from neuroalign.rules import stdwi
from neuroalign.sim.emulator import Emulator

activity = record_activity(Protocol(inputs=20, outputs=4), 4.0, seed=5)
rule = stdwi(learning_rate=3e-4, decay=0.0)


def learnt(profile, form):
    """The weights after four seconds."""
    learner = chip_learner(Emulator(), load_profile(profile), RuleChoices(form, weight_limit=0.05))
    return infer(learner, activity, 5, 4.0, bin_steps=4, rule=rule).estimates[-1].ravel()


wanted = learnt("ideal", "exact")
figure, axes = plt.subplots(1, 2, figsize=(8, 3.6), layout="constrained", sharey=True)
for axis, form in zip(axes, ("direct", "exact"), strict=True):
    held = learnt("loihi2", form)
    error = np.sqrt(np.mean((held - wanted) ** 2)) / np.ptp(wanted)
    print(f"{form}: RMS error {error:.1%} of the range of the learnt weights")
    axis.plot(wanted, held, ".")
    axis.axline((0, 0), slope=1, color="grey", linewidth=0.8)
    axis.set(title=f"form {form}: error {error:.1%}", xlabel="weight, float rule")
axes[0].set_ylabel("weight, chip")
figure.savefig("04_carry.png", dpi=130)
