"""``--help`` of a command with many options: in groups, what is used most first, as plain text."""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand

READING, INPUT, INTEGERS, RUN, RESULTS = (
    "How the file is read",
    "What goes in",
    "How it becomes integers",
    "How it is run",
    "What is written",
)
"""Groups that several commands share, as ``rich_help_panel`` of their options; options of no group come first."""


class Grouped(TyperCommand):
    """Lists options below the name that ``rich_help_panel`` gives them, each group where its first option stands."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write arguments, options of no group, then the groups."""
        groups: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": []}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is None:
                continue
            plain = "Arguments" if param.param_type_name == "argument" else "Options"
            groups.setdefault(getattr(param, "rich_help_panel", None) or plain, []).append(record)
        for name, records in groups.items():
            if records:
                with formatter.section(name):
                    formatter.write_dl(records)
