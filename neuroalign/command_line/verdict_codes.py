"""Exit codes of an answer: 0 is yes, 3 is no, 7 says that there is no evidence for either."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from neuroalign.deployment import Deployment

NO, NO_EVIDENCE = 3, 7
CODES = {"deployable": 0, "not deployable": NO, "undecided": NO_EVIDENCE}
"""Of a deployment's verdict."""
COMPARED = {"equal": 0, "equal but for a known trait": 0, "different": NO, "no evidence": NO_EVIDENCE}
"""Of a recording's outcome."""
LEARNED = {"same": 0, "similar": 0, "other": NO, "no verdict": NO_EVIDENCE}
"""Of a rule's weights on chip beside the float model's."""

ExitZeroOption = Annotated[
    bool, typer.Option("--exit-zero", help="End with exit code 0 whatever the answer; errors keep theirs.")
]


def code_of(deployment: Deployment) -> int:
    """The code of a deployment's verdict; a control in floating point is asked nothing, so it answers yes."""
    from neuroalign.deployment import verdict

    if deployment.chip is not None and not deployment.chip.is_fixed:
        return 0
    return CODES[verdict(deployment).outcome]


def answer_with(code: int, exit_zero: bool) -> None:
    """End with ``code``, the last thing that a command does."""
    if code and not exit_zero:
        raise typer.Exit(code)
