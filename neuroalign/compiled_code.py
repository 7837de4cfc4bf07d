"""Where numba keeps compiled functions: a folder of last resort, where neither the package nor the home takes files.

numba keeps machine code beside the source, else in the user's cache folder, and where neither can be written (a package
installed by an administrator and a user without a home, a read-only container) its functions do not even load. Then, and
only then, a folder of the user's among the temporary files takes their place.
"""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from collections.abc import MutableMapping
from pathlib import Path

VARIABLE = "NUMBA_CACHE_DIR"


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
