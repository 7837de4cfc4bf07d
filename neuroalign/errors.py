"""Every error a user can meet: one class per stage, each with the exit code the command line returns.

A message names the thing, the value, the limit and the remedy, in one line.
"""

from __future__ import annotations


class NeuroalignError(Exception):
    """The base of all errors that the toolkit raises on purpose.

    Examples
    --------
    >>> import neuroalign
    >>> try:
    ...     neuroalign.load_profile("loihi3")
    ... except neuroalign.NeuroalignError as error:
    ...     print(error.exit_code)
    2
    """

    exit_code: int = 1


class InputError(NeuroalignError):
    """A file, array or option from the user cannot be used as it is."""

    exit_code = 2


class FileFormatError(InputError):
    """A file is missing, truncated, or not in the format it should have."""


class NetworkError(InputError):
    """A network is inconsistent: shapes, names, units or non-finite numbers."""


class ProfileError(InputError):
    """A hardware profile is unknown, malformed or lacks a figure that is needed."""


class RuleError(InputError):
    """A learning rule, its microcode text, or a trace cannot be used.

    Parameters
    ----------
    message
        One line: what, where, why, and what to write instead.
    text, column
        The text being read and the character (from 1) the message is about; both are shown below the message.
    """

    def __init__(self, message: str, text: str = "", column: int = 0) -> None:
        self.message, self.text, self.column = message, text, column
        shown = text.translate({9: " ", 10: " ", 13: " "})
        super().__init__(f"{message}\n    {shown}\n    {'^':>{column}}" if column else message)


class ConversionRefused(NeuroalignError):
    """The profile cannot hold the network, or only with a change the user must agree to."""

    exit_code = 3


class BackendMissing(NeuroalignError):
    """A backend needs a package that is not installed here."""

    exit_code = 4


class BackendFailed(NeuroalignError):
    """A backend stopped with an error or ran out of time."""

    exit_code = 5


class OutputError(NeuroalignError):
    """A result cannot be written where it was asked for."""

    exit_code = 6
