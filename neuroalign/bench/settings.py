"""How much to measure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Tell = Callable[[str, int, int], None]
"""Called with (what is under way, done, total)."""


@dataclass(frozen=True)
class Settings:
    """How much to measure.

    Parameters
    ----------
    sizes
        Neurons a population where a case has several; empty: all that the case has.
    chunks : int
        A side; 5 or more for a ratio to be quoted.
    chunk_seconds : s
        That a chunk takes on the slower side, about.
    quick : bool
        Small sizes and short chunks: to see that everything works and what the machine is like.
    seed : int
        Of networks and of what kernels are fed.
    pythons
        Interpreters in which brian2 and NEST are looked for before this one.
    tell
        Progress.
    """

    sizes: tuple[int, ...] = ()
    chunks: int = 7
    chunk_seconds: float = 1.0
    quick: bool = False
    seed: int = 1
    pythons: tuple[str, ...] = ()
    tell: Tell | None = None

    def chosen(self, full: tuple[int, ...], quick: tuple[int, ...]) -> tuple[int, ...]:
        """The sizes of a case: those asked for, or all, or in a quick run a few."""
        return self.sizes or (quick if self.quick else full)

    def report(self, what: str, done: int, total: int) -> None:
        """Tell the progress where somebody listens."""
        if self.tell is not None:
            self.tell(what, done, total)
