"""The text of a generated kernel as it grows: lines, blocks, and names for intermediate results."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Text:
    """Python source, line by line."""

    lines: list[str] = field(default_factory=list)
    depth: int = 0
    names: int = 0

    def add(self, *lines: str) -> None:
        """Append lines at the current depth."""
        self.lines += ["    " * self.depth + line for line in lines]

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """What follows lies below ``head``; an empty block passes."""
        self.add(head)
        self.depth += 1
        before = len(self.lines)
        yield
        if len(self.lines) == before:
            self.add("pass")
        self.depth -= 1

    def let(self, expression: str) -> str:
        """A new name for the value of an expression."""
        self.names += 1
        name = f"a{self.names}"
        self.add(f"{name} = {expression}")
        return name

    def __str__(self) -> str:
        return "\n".join(self.lines) + "\n"
