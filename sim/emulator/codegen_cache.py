"""Generated kernels on disk: a module for each rule, named by the hash of its source, which numba caches beside it.

numba caches machine code only of functions that lie in a file. So each source is written, once, to a folder of the
user's; the second process that wants the same rule loads machine code in some hundredths of a second. What a file says
is compared with the source wanted before it is run. Where the folder cannot be written, kernels are compiled in memory.
"""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import linecache
import os
import sys
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numba
import numpy as np

from neuroalign.sim.emulator import lanes

FOLDER = "kernels"


@dataclass(frozen=True, eq=False)
class Kernel:
    """A compiled kernel: where its machine code starts, and what keeps it in memory."""

    address: int
    owner: Any
    file: Path | None


def user_folder() -> Path | None:
    """Where the platform keeps what programs can make again; None where it does not say."""
    try:
        home = Path.home()
    except RuntimeError:
        return None
    if sys.platform == "darwin":
        base = home / "Library" / "Caches"
    elif sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")
    return base / "neuroalign" / FOLDER


def source_name(source: str) -> str:
    """Name of a source's module: a hash of it, of the operations it uses, and of the versions that compile it."""
    versions = f"{numba.__version__} {np.__version__} {sys.implementation.cache_tag}"
    text = "\n".join((source, inspect.getsource(lanes), versions))
    return "rule_" + hashlib.sha256(text.encode()).hexdigest()[:32]


@lru_cache(maxsize=256)
def kernel(source: str, folder: Path | None) -> Kernel:
    """Compile a source, or load its machine code from ``folder``; None for a kernel in memory alone."""
    name = source_name(source)
    file = None if folder is None else _written(source, folder / f"{name}.py")
    if file is not None:
        try:
            return _compiled(_imported(name, file).update, file)
        except (OSError, RuntimeError):  # numba cannot write beside the file, nor anywhere else
            pass
    return _compiled(_executed(name, source), None)


def is_cached(source: str, folder: Path | None) -> bool:
    """Whether the machine code of a source lies in ``folder``."""
    return folder is not None and any(folder.glob(f"__pycache__/{source_name(source)}.*.nbc"))


def _compiled(update: Any, file: Path | None) -> Kernel:
    compiled = numba.cfunc(lanes.ROUTINE, cache=file is not None, _nrt=False)(update)
    return Kernel(int(compiled.address), compiled, file)


def _written(source: str, file: Path) -> Path | None:
    """The file with this source in it, or None where it cannot be had."""
    try:
        if file.exists() and file.read_text(encoding="utf-8") == source:
            return file  # untouched: a new time stamp would make numba compile again
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor, temporary = tempfile.mkstemp(dir=file.parent, prefix=file.name, suffix=".tmp")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                stream.write(source)
            os.replace(temporary, file)
        except BaseException:
            os.unlink(temporary)
            raise
    except (OSError, UnicodeDecodeError):
        return None
    return file


def _imported(name: str, file: Path) -> Any:
    """The module in a file. numba finds cached functions by the name of their module, so it has to be a known one."""
    full_name = f"{__name__}.{name}"
    specification = importlib.util.spec_from_file_location(full_name, file)
    if specification is None or specification.loader is None:
        raise OSError(f"{file} cannot be imported")
    module = importlib.util.module_from_spec(specification)
    sys.modules[full_name] = module
    specification.loader.exec_module(module)
    return module


def _executed(name: str, source: str) -> Any:
    """The function of a source that lies in no file; its lines are known to tracebacks."""
    label = f"<{name}>"
    linecache.cache[label] = (len(source), None, source.splitlines(keepends=True), label)
    names: dict[str, Any] = {"__name__": label}
    exec(compile(source, label, "exec"), names)
    return names["update"]
