"""The cases by name: what is measured, and the function that yields its results."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from neuroalign.bench.measured import Result
from neuroalign.bench.settings import Settings

Measure = Callable[[Settings], Iterator[Result]]


@dataclass(frozen=True)
class Case:
    """A case; its function lies in a module of this package, which is loaded when it is measured."""

    title: str
    module: str
    function: str
    needs: tuple[str, ...] = ()

    def measure(self) -> Measure:
        """The function that yields the results."""
        from importlib import import_module

        measure: Measure = getattr(import_module(f"neuroalign.bench.{self.module}"), self.function)
        return measure


CASES: Mapping[str, Case] = {
    "static": Case("LIF with recurrent Dense synapses, against Lava", "against_lava", "static_cases"),
    "plastic": Case("Pair STDP on all pairs at every step, against Lava", "against_lava", "plastic_cases"),
    "rivals": Case("Pair STDP on all pairs at every step, against brian2 and NEST", "rivals", "rival_cases"),
    "kernel": Case("Dense learning kernel against a sweep of int16 that reads and writes", "kernel", "kernel_cases"),
    "scaling": Case("Cost of an update over size and rate of spikes", "kernel", "scaling_cases"),
    "batch": Case("Batches", "batch", "batch_cases"),
    "first-step": Case("First step of a rule", "first_step", "first_step_cases"),
    "memory": Case("Resident memory, all-to-all plastic", "memory", "memory_cases"),
    "float64": Case("Compiled Float64 form against the reference", "float64", "float64_cases"),
}
TITLES: Mapping[str, str] = {name: case.title for name, case in CASES.items()}
