"""Learning rules in files of a user's own: as text, or as Python that defines one."""

from __future__ import annotations

import runpy
from pathlib import Path

from neuroalign.errors import FileFormatError, RuleError
from neuroalign.rule.learning_rule import LearningRule
from neuroalign.rule.text import rule_from_text


def rule_from_file(path: str | Path) -> LearningRule:
    """The rule that a text file says, as :func:`neuroalign.rule.text.rule_from_text` reads it.

    Raises
    ------
    FileFormatError
        If it cannot be read as text.
    RuleError
        As :func:`rule_from_text`, with the file's name before it.
    """
    try:
        return rule_from_text(Path(path).read_text(encoding="utf-8-sig"))
    except RuleError as error:
        raise RuleError(f"{path}: {error.message}", error.text, error.column) from None
    except OSError as error:
        raise FileFormatError(f"rule file {path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise FileFormatError(f"rule file {path} is no text (byte {error.start}); save it as UTF-8") from error


def rule_from_python(path: str | Path) -> LearningRule:
    """The one LearningRule that a Python file defines at its top level; the file is run.

    Raises
    ------
    FileFormatError
        If the file cannot be read or run.
    RuleError
        If it defines no rule, or several.
    """
    try:
        found = runpy.run_path(str(path))
    except RuleError:
        raise
    except (Exception, SystemExit) as error:  # whatever a user's own file raises
        if isinstance(error, SystemExit) and type(error) is not SystemExit:
            raise  # a signal that came meanwhile
        line = str(error).splitlines()[:1]
        raise FileFormatError(
            f"rule file {path} cannot be run: {type(error).__name__}: {''.join(line) or 'no message'}"
        ) from error
    rules = [value for value in found.values() if isinstance(value, LearningRule)]
    distinct = [rule for n, rule in enumerate(rules) if rule not in rules[:n]]
    if len(distinct) != 1:
        raise RuleError(
            f"{path} defines {len(distinct)} rules at its top level; one is needed, as in rule = LearningRule(...)"
        )
    return distinct[0]
