"""A training's state in a file, from which the same training goes on after an interruption."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neuroalign.errors import FileFormatError, InputError
from neuroalign.sim.norse_reference.training.digits import write

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """Where a training keeps its state; without a path nothing is kept.

    Parameters
    ----------
    said
        What the training is: a file of another one is refused.
    parameters
        Tensors, whose values are kept and brought back.
    machinery
        Optimiser and schedule.
    """

    path: Path | None
    said: Mapping[str, Any]
    parameters: Sequence[Tensor]
    machinery: Sequence[Any]

    def save(self, more: Mapping[str, Any]) -> None:
        """Replace the file, with ``more`` beside the state."""
        import torch

        if self.path is None:
            return
        state = {
            "said": dict(self.said),
            "parameters": [p.detach() for p in self.parameters],
            "machinery": [m.state_dict() for m in self.machinery],
            "more": dict(more),
        }
        write(self.path, lambda temporary: torch.save(state, temporary))

    def load(self) -> dict[str, Any] | None:
        """Bring the state back, and give what was kept beside it; None where there is no file.

        Raises
        ------
        FileFormatError
            If the file is no checkpoint.
        InputError
            If it is that of another training.
        """
        import torch

        if self.path is None or not self.path.exists():
            return None
        try:
            state = torch.load(self.path, weights_only=True)
            said, more = state["said"], dict(state["more"])
        except Exception as error:  # torch raises whatever the unpickler met
            raise FileFormatError(
                f"{self.path}: no checkpoint of a training ({type(error).__name__}); delete it to start again"
            ) from error
        if said != dict(self.said):
            raise InputError(f"{self.path}: the checkpoint of another training; give another file, or delete it")
        with torch.no_grad():
            for own, kept in zip(self.parameters, state["parameters"], strict=True):
                own.copy_(kept)
        for own, kept in zip(self.machinery, state["machinery"], strict=True):
            own.load_state_dict(kept)
        return more
