"""A rule file to begin with: a rule that runs, every line explained, and what else can be written."""

from __future__ import annotations

from pathlib import Path

from neuroalign.errors import OutputError, RuleError
from neuroalign.export.atomic import write_atomically
from neuroalign.rules import RULES

TEMPLATE = """\
rule {name}: pair STDP; put a title here
source: your paper, and the equation in it

# Parameters: a name, a number, a unit if it has one; what stands behind # is shown with the rule.
tau_plus = 20 ms         # window of potentiation
tau_minus = 20 ms        # window of depression
A_plus = 0.005           # amplitude of potentiation
A_minus = 0.00525        # amplitude of depression

# Traces decay with tau and grow by 1 at each spike of their neuron, or by another 'impulse 0.5'. A synapse has at most
# two of pre and three of post. A firing rate is a trace with a long tau.
x = trace of pre, tau tau_plus
y = trace of post, tau tau_minus

# Each product acts at a spike of 'pre' or 'post', or in every step: then with dt, and with a rate such as 0.1 Hz.
# w is the weight. A trace holds the present spike already: where a paper reads it just before the spike, write (y - 1).
dw = A_plus*post*x - A_minus*pre*y

limit = 1                # how large weights grow; it cuts nothing off: soft bounds are terms, as in A_plus*post*x*(1 - w)
rates = 20 Hz, 20 Hz     # of active pre and post neurons: what is predicted for the chip is predicted for them

# With an eligibility and a reward (then traces are of pre only, and dw above goes):
#   M = modulator from reward, up to 1
#   dtag = post*x - 0.4*post - tag*dt/(0.5 s)
#   dw = 0.1 Hz*M*tag*dt
#
# neuroalign rule show {name}.rule
# neuroalign rule check {name}.rule --forms
"""


def template(name: str) -> str:
    """The text of a rule called ``name``.

    Raises
    ------
    RuleError
        If the name has spaces or marks that files or commands cannot have.
    """
    if not name.replace("-", "_").isidentifier():
        raise RuleError(f"rule name {name!r}; letters, digits and - make one, as in my-stdp")
    if name in RULES:
        raise RuleError(f"rule {name!r} is built in; give yours another name, as in my-{name}")
    return TEMPLATE.format(name=name)


def write_template(name: str, folder: Path) -> Path:
    """Write NAME.rule into a folder; nothing is overwritten.

    Raises
    ------
    RuleError
        If the name is none.
    OutputError
        If the file exists or cannot be written.
    """
    text = template(name)
    path = folder / f"{name}.rule"
    if path.exists():
        raise OutputError(f"{path} exists already; give another name, or remove it")
    return write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))
