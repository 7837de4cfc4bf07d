"""STDWI finds the forward weights, in floats and on the emulator.

Spike-timing-dependent weight inference learns, in a feedback synapse, the weight of the forward synapse it faces. Here
it does so twice on the same spikes: with float weights, and with 8-bit weights and the microcode of Loihi 2. Four
seconds on a small network; the published protocol takes 2500.
"""

import matplotlib.pyplot as plt

from neuroalign.experiments.stdwi import infer
from neuroalign.experiments.stdwi_activity import Protocol, record_activity
from neuroalign.learners import chip_learner
from neuroalign.profile import load_profile
from neuroalign.quantise.rule_choices import RuleChoices
from neuroalign.rules import stdwi
from neuroalign.sim.emulator import Emulator

activity = record_activity(Protocol(inputs=20, outputs=4), 4.0, seed=5)
rule = stdwi(learning_rate=3e-4, decay=0.0)
found = {
    name: infer(
        chip_learner(Emulator(), load_profile(profile), RuleChoices("exact", weight_limit=0.05)),
        activity, 5, 0.5, bin_steps=4, rule=rule,
    )
    for name, profile in (("float", "ideal"), ("Loihi 2", "loihi2"))
}  # fmt: skip

figure, (over_time, ends) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
for name, result in found.items():
    print(f"{name}: r = {result.r[-1]:.3f} with the forward weights after {result.times[-1]:.0f} s")
    over_time.plot(result.times, result.r, label=name)
    ends.plot(activity.weight.ravel(), result.estimates[-1].ravel(), ".", label=name)
over_time.set(title="Alignment", xlabel="time (s)", ylabel="Pearson r with the forward weights", ylim=(0, 1))
ends.set(title="At the end", xlabel="forward weight", ylabel="learnt weight")
over_time.legend()
figure.savefig("03_stdwi.png", dpi=130)
