"""What ``doctor`` says about one thing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Status = Literal["works", "fails", "not installed"]


@dataclass(frozen=True)
class Finding:
    """One thing that was tried.

    Parameters
    ----------
    name
        A package, a backend, or what is done with files.
    status
        "works" was seen to work; "fails" is there and does not; "not installed" is not there.
    version
        Of what was tried; empty where it has none.
    text
        What was tried and seen, or why it fails.
    remedy
        A command that mends it, or what else to do; empty where nothing is to be done.
    needed
        Whether neuroalign does nothing useful without it.
    """

    name: str
    status: Status
    version: str = ""
    text: str = ""
    remedy: str = ""
    needed: bool = False

    @property
    def wrong(self) -> bool:
        """Whether something has to be done: a thing that is here fails, or one that is needed is missing."""
        return self.status == "fails" or (self.needed and self.status != "works")
