"""What the command line prints: tables, progress, and the rows of ``--json``."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from rich.console import Console

if TYPE_CHECKING:
    from neuroalign.pipeline.options import Progress

PATIENCE_S = 3.0
"""Loading compiled code and preparing a network take less than this."""


def console() -> Console:
    """Standard output; colour only on terminals, and wide enough for the tables where it is not one."""
    out = Console(highlight=False)
    return out if out.is_terminal else Console(highlight=False, width=140)


@contextlib.contextmanager
def progress_bars(quiet: bool) -> Iterator[Progress | None]:
    """A callback that draws one bar per kind of work, on standard error where it is a terminal, with the time left."""
    errors = Console(stderr=True)
    if quiet or not errors.is_terminal:
        yield None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn
    from rich.text import Text

    class Compiling(ProgressColumn):
        """Why the emulator's bar may stand at nothing."""

        def render(self, task: Any) -> Text:
            return Text(compiling(task.description, task.completed, task.elapsed or 0.0))

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), Compiling())
    with Progress(*columns, console=errors, transient=True) as bars:
        tasks: dict[str, Any] = {}

        def tell(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total)
            bars.update(tasks[what], completed=done, total=total)

        yield tell


def compiling(what: str, done: float, elapsed_s: float) -> str:
    """What to say of work that has not begun: the emulator's step loop is compiled at its first use on a machine."""
    waits = what.startswith("emulator") and not done and elapsed_s > PATIENCE_S
    return "compiling the step loop, once on this machine" if waits else ""
