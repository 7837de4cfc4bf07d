"""Where numba keeps compiled functions: a folder of last resort, where neither the package nor the home takes files.

numba keeps machine code beside the source, else in the user's cache folder, and where neither can be written (a package
installed by an administrator and a user without a home, a read-only container) its functions do not even load. Then, and
only then, a folder of the user's among the temporary files takes their place.
"""

from __future__ import annotations

import functools
import os
import stat
import sys
import tempfile
from collections.abc import Callable, MutableMapping
from pathlib import Path
from typing import ParamSpec, TypeVar

VARIABLE = "NUMBA_CACHE_DIR"
LOADER = ("numba", "core", "caching.py")
"""The end of the path of the module in which numba reads compiled functions."""
MOST_REPAIRS = 20
Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def ensure_cache_folder(package: Path, environment: MutableMapping[str, str]) -> None:
    """Name a folder of last resort in ``environment`` if numba would find none that can be written.

    Parameters
    ----------
    package
        Folder of the sources.
    environment
        That of the process; what a user has set there stays.
    """
    if environment.get(VARIABLE) or _writable(package / "__pycache__") or _writable(_user_folder(environment)):
        return
    environment[VARIABLE] = str(_temporary_folder())


def _user_folder(environment: MutableMapping[str, str]) -> Path | None:
    """Where numba looks next; None where the platform does not say."""
    try:
        home = Path.home()
    except RuntimeError:
        return None
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "numba"
    if sys.platform == "win32":
        return Path(environment.get("LOCALAPPDATA") or home / "AppData" / "Local") / "numba"
    return Path(environment.get("XDG_CACHE_HOME") or home / ".cache") / "numba"


def _writable(folder: Path | None) -> bool:
    """Whether files can be made in a folder, or in the one in which it would be made."""
    while folder is not None and not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder is not None and folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)


def _temporary_folder() -> Path:
    """A folder that this user alone can write: machine code in it is run."""
    number = os.getuid() if hasattr(os, "getuid") else 0
    folder = Path(tempfile.gettempdir()) / f"neuroalign-compiled-{number}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        if stat.S_ISDIR(found.st_mode) and found.st_uid == number and not found.st_mode & 0o077:
            return folder
    except OSError:
        pass
    return Path(tempfile.mkdtemp(prefix="neuroalign-compiled-"))


def with_repairs(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """A function that is called again where it fails since compiled code on the disk is damaged, which is removed."""

    @functools.wraps(function)
    def repaired(*arguments: Arguments.args, **more: Arguments.kwargs) -> Result:
        for _ in range(MOST_REPAIRS):
            try:
                return function(*arguments, **more)
            except Exception as error:  # whatever pickle makes of damaged bytes
                if not forget_damaged(error):
                    raise
        return function(*arguments, **more)

    return repaired


def forget_damaged(error: BaseException) -> bool:
    """Remove the index of compiled code during whose reading ``error`` was raised; whether there was one."""
    place = error.__traceback__
    while place is not None:
        reader = place.tb_frame.f_locals.get("self")
        index = getattr(reader, "_index_path", None)
        if index and Path(place.tb_frame.f_code.co_filename).parts[-3:] == LOADER:
            try:
                os.unlink(index)
            except OSError:
                return False
            return True
        place = place.tb_next
    return False
