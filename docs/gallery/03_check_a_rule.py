"""Check a learning rule of your own.

A rule is five lines of text. The float model, the same without rounding, and the chip see the same spikes; the picture
shows where their weights part.
"""

import matplotlib.pyplot as plt

from neuroalign.profile import load_profile
from neuroalign.quantise.rule_choices import RuleChoices
from neuroalign.quantise.rule_sheet import program_lines
from neuroalign.rule.text import rule_from_text
from neuroalign.rule_check import CheckOptions, check_rule

rule = rule_from_text("""
rule mine: STDP whose depression needs no trace
A = 0.002
x = trace of pre, tau 20 ms
dw = A*post*x - A/8*pre*(1 + w)
limit = 1
rates = 20 Hz, 15 Hz
""")
check = check_rule(rule, load_profile("loihi2"), RuleChoices(), CheckOptions(backends=("emulator",), steps=1500))
print(program_lines(check.sheet.held.program))
print(check.question.text)
for share in check.shares:
    print(f"difference made by {share.what}: RMS {share.rms:.3g}")

figure, axis = plt.subplots(figsize=(7, 3.4), layout="constrained")
for run, style in zip(check.runs, ("-", ":", "--"), strict=False):
    for k in range(4):  # four weights of the first target, a colour each
        label = run.label if k == 0 else None
        axis.plot(check.read_steps, run.weights[:, 0, 3 * k], style, color=f"C{k}", label=label)
axis.set(title=f"{rule.title}: weights over time", xlabel="step", ylabel="weight")
axis.legend(fontsize=8)
figure.savefig("03_check_a_rule.png", dpi=130)
