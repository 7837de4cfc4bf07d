"""The door to torch and Norse: what is missing, and Norse's functional steps imported when first needed."""

from __future__ import annotations

import importlib
import importlib.util
import warnings
from typing import Any


def missing_packages(*names: str) -> str | None:
    """One line naming the packages of ``names`` that are not installed and how to install them, or None."""
    absent = [name for name in names if importlib.util.find_spec(name) is None]
    if not absent:
        return None
    known = {"sklearn": "scikit-learn"}
    extras = "'neuroalign[norse]'" + (" scikit-learn" if "sklearn" in absent else "")
    return f"{' and '.join(known.get(name, name) for name in absent)} not installed: pip install {extras}"


def norse_functional(room: str) -> Any:
    """The module ``norse.torch.functional.<room>``.

    Importing Norse 1.1 compiles functions with ``torch.jit.script``, which current torch calls deprecated; that one
    warning is silenced, since nobody here can act on it.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r".*torch\.jit\.script.*is deprecated", category=DeprecationWarning)
        return importlib.import_module(f"norse.torch.functional.{room}")
