"""The update of one synapse as text, under Float64: the sum of products of products.py, from left to right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from neuroalign.microcode import SYNAPTIC, Factor
from neuroalign.sim.emulator.codegen_lanes import Updated
from neuroalign.sim.emulator.codegen_terms import Plan, Term
from neuroalign.sim.emulator.codegen_text import Text


class RealSynapse:
    """As :class:`~neuroalign.sim.emulator.codegen_lanes.Synapse`."""

    def __init__(self, text: Text, plan: Plan, alone: bool) -> None:
        self.text, self.plan, self.alone = text, plan, alone

    def update(self, variable: int, terms: Sequence[Term], held: Mapping[str, str]) -> Updated:
        """Write the update of a variable; nothing is ever limited but the sign."""
        total = self._product(terms[0], held)
        for term in terms[1:]:
            total = self.text.let(f"{total} + {self._product(term, held)}")
        value = self.text.let(f"{held[SYNAPTIC[variable]]} + {total}")
        mode = self.plan.rule.sign_mode
        if SYNAPTIC[variable] == "d" or (variable == 0 and mode == "excitatory"):
            return Updated(f"{value} if {value} > 0.0 else 0.0", "")
        if variable == 0 and mode == "inhibitory":
            return Updated(f"{value} if {value} < 0.0 else 0.0", "")
        return Updated(value, "")

    def _product(self, term: Term, held: Mapping[str, str]) -> str:
        if not term.has_gathered:
            parts = [f"scalar{term.number}"]
        elif self.alone:
            parts = [f"at_{term.number}"]
        else:
            parts = [f"load_real(row_gathered{term.number}, k, 3)"]
        if term.has_line and (term.target or not self.alone):
            parts.append(f"load_real(row_line{term.number}, k, 3)")
        parts += [self._factor(factor, held[factor.variable]) for factor in term.synapse]
        return self.text.let(" * ".join(parts))

    def _factor(self, factor: Factor, held: str) -> str:
        value = f"({held} + {float(factor.constant)!r})" if factor.constant else held
        if not factor.sign:
            return value
        name = self.text.let(value)
        return f"((1.0 if {name} > 0.0 else 0.0) - (1.0 if {name} < 0.0 else 0.0))"
