"""Mistakes in using the command line, and packages that cannot be imported, as one line with the remedy."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from typing import Any

NEEDED = ("numpy", "numba", "llvmlite", "h5py", "scipy", "typer", "rich", "jinja2", "matplotlib", "bokeh", "tomli")
"""Packages without which nothing here works: the dependencies of the core, and what they stand on."""

WORDS = (
    ("Value error, ", ""),
    ("Input should be a valid number, unable to parse string as a number", "a number is needed"),
    ("Input should be a valid integer, unable to parse string as an integer", "a whole number is needed"),
    ("Input should be", "it should be"),
)
"""What the option parser says, and what is said in its place."""
QUOTES = "'\""


def usage_line(error: Any, arguments: Sequence[str]) -> str:
    """What is wrong with the arguments, and where the right ones are listed; ``error`` is the option parser's."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "neuroalign"
    told = " ".join(str(error.format_message()).split()).rstrip(".")
    for parser, plain in WORDS:
        told = told.replace(parser, plain)
    given = _given(getattr(error, "param", None), arguments)
    option, _, reason = told.removeprefix("Invalid value for ").partition(": ")
    if told.startswith("Invalid value for "):
        told = f"{option.strip(QUOTES)}{'' if given is None else ' ' + given}: {reason}"
    return f"{told}{'' if told.endswith('?') else ';'} see '{command} --help'"


def _given(param: Any, arguments: Sequence[str]) -> str | None:
    """The value of an option on the command line; None where it is not there, or not an option's."""
    for name in getattr(param, "opts", ()):
        for at, argument in enumerate(arguments):
            if name.startswith("-") and argument == name and at + 1 < len(arguments):
                return arguments[at + 1]
            if name.startswith("--") and argument.startswith(f"{name}="):
                return argument.removeprefix(f"{name}=")
    return None


def broken_package(error: ImportError) -> str | None:
    """The needed package that cannot be imported, why, and the command that mends it; None for any other module.

    A package that lies there but is broken raises inside itself: then the innermost file of the traceback names it.
    """
    package = (error.name or "").partition(".")[0].lower()
    if package not in NEEDED:
        package = _innermost(error)
    if package not in NEEDED:
        return None
    why = " ".join(str(error).split()).rstrip(".")
    missing = isinstance(error, ModuleNotFoundError) and error.name == package
    what = f"{package} is not installed" if missing else f"{package} cannot be imported ({why})"
    again = "" if missing else " --force-reinstall --no-deps"
    return f"{what}; install it: {sys.executable} -m pip install{again} '{_requirement(package)}'"


def _innermost(error: BaseException) -> str:
    """The package in whose folder the error was raised."""
    found, frame = "", error.__traceback__
    while frame is not None:
        parts = re.split(r"[/\\](?:site|dist)-packages[/\\]", frame.tb_frame.f_code.co_filename)
        found = re.split(r"[/\\.]", parts[-1])[0] if len(parts) > 1 else found
        frame = frame.tb_next
    return found.lower()


def _requirement(package: str) -> str:
    """The package with the versions that neuroalign takes; its name alone where that is not known."""
    import importlib.metadata

    try:
        stated = importlib.metadata.requires("neuroalign") or []
    except importlib.metadata.PackageNotFoundError:
        stated = []
    plain = (requirement.partition(";")[0].strip() for requirement in stated if "extra ==" not in requirement)
    return next((r for r in plain if re.split(r"[<>=!~ ]", r)[0].lower() == package), package)
