"""Guarded reading of HDF5 files into plain dicts, and writing them; the only file that imports h5py.

A file from elsewhere may be missing, cut off, or made to exhaust memory; whatever is wrong with it leaves here as
one :class:`FileFormatError` line.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from neuroalign.errors import FileFormatError, InputError
from neuroalign.export.atomic import write_atomically
from neuroalign.export.hdf5_heap import heaps_end, longest_text

__all__ = [
    "MAX_BYTES",
    "MAX_DEPTH",
    "MAX_OBJECTS",
    "FileArray",
    "Tree",
    "Value",
    "read_tree",
    "write_atomically",
    "write_tree",
]

Value = Any
"""A numpy array, a str, None (an empty dataset) or a nested dict of these."""
Tree = dict[str, Value]

MAX_BYTES = 2**31
"""Limit on the size of all datasets together once unpacked: 2 GiB, a fully connected layer of 16,000 x 16,000."""
MAX_OBJECTS = 20_000
"""Limit on groups and datasets together; also stops files whose links fan out without end."""
MAX_DEPTH = 32
"""Limit on nested groups; also stops groups that contain themselves."""

LARGE = 1 << 20
"""Bytes from which on an array may stay in its file."""

SMALL = 2048
"""Bytes up to which an array is stored as it is: an index of compressed blocks would take more."""

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
# What h5py raises on damaged content, by experiment: it maps HDF5's error classes onto nearly all of Python's.
_DAMAGE = (OSError, RuntimeError, ValueError, TypeError, KeyError, AttributeError, MemoryError, OverflowError)


class FileArray:
    """A dataset that stays in its file: shape, type, and the rows that are asked for, read when they are.

    Parameters
    ----------
    path
        The file; it must stay as it is.
    name
        Of the dataset.
    shape, dtype
        As stored.
    """

    def __init__(self, path: Path, name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.path, self.name, self.shape, self.dtype = path, name, shape, dtype

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of values."""
        return int(np.prod(self.shape, dtype=np.int64))

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> Any:
        """The values at a numpy index, as an array in memory (FileFormatError if they cannot be read)."""
        import h5py

        try:
            with h5py.File(self.path, "r") as file:
                return np.asarray(file[self.name][key])
        except _DAMAGE as error:
            raise FileFormatError(
                f"{self.path}: {self.name} cannot be read ({_one_line(error)}); the file is damaged or was changed since"
            ) from error

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.asarray(self[()], dtype=dtype)


def read_tree(
    path: str | Path, *, attributes: bool = False, max_bytes: int = MAX_BYTES, in_blocks: bool = False
) -> Tree:
    """Read a whole HDF5 file into nested dicts.

    Parameters
    ----------
    path
        The file. Groups become dicts; numeric datasets numpy arrays (scalars 0-d); text str, or object arrays of str;
        empty datasets None.
    attributes
        Also read the attributes of groups, as entries "@name".
    max_bytes : bytes
        Limit on the unpacked size of all datasets.
    in_blocks
        Leave datasets of numbers above :data:`LARGE` bytes in the file, as :class:`FileArray`.

    Raises
    ------
    FileFormatError
        If the file is missing, a directory, empty, not HDF5, truncated, damaged, links to other files, or exceeds the
        limits on size, number of objects or nesting.
    """
    import h5py

    path = Path(path)
    _check_file(path)
    try:
        with h5py.File(path, "r") as file:
            return _Reader(path, max_bytes, attributes, in_blocks).group(file, "", 0)
    except FileFormatError:
        raise
    except _DAMAGE as error:
        raise FileFormatError(
            f"{path}: the HDF5 file is truncated or damaged ({_one_line(error)}); fetch or export it again"
        ) from error


def write_tree(path: str | Path, tree: Tree) -> Path:
    """Write nested dicts as an HDF5 file, whole or not at all; the same tree gives the same bytes.

    Parameters
    ----------
    path
        Where the file goes.
    tree
        Values are dicts (groups), str, bool, int, float, numeric arrays (large ones compressed) and lists of tuples of str. Names
        without "/".

    Raises
    ------
    InputError
        If a name or value cannot be stored.
    OutputError
        If the file cannot be written.
    """
    import h5py

    def write(temporary: Path) -> None:
        with h5py.File(temporary, "w") as file:
            _fill(file, tree, "")

    return write_atomically(path, write)


def _fill(group: Any, tree: Tree, where: str) -> None:
    import h5py

    for name, value in sorted(tree.items()):
        at = f"{where}/{name}"
        if not name or name == "." or "/" in name or "\0" in name:
            raise InputError(f"{at!r} cannot be a name in an HDF5 file; use one without '/'")
        if isinstance(value, dict):
            _fill(group.create_group(name), value, at)
        elif isinstance(value, str | list):
            if "\0" in (value if isinstance(value, str) else "".join(text for row in value for text in row)):
                raise InputError(f"{at}: a text holds the character NUL, which HDF5 cannot store; remove it")
            group.create_dataset(name, data=value, dtype=h5py.string_dtype(), track_times=False)
        elif isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
            packing = {"compression": "gzip"} if value.nbytes > SMALL else {}
            group.create_dataset(name, data=value, track_times=False, **packing)
        elif isinstance(value, bool | int | float):
            group.create_dataset(name, data=value, track_times=False)
        else:
            raise InputError(f"{at}: a {type(value).__name__} cannot be stored; numbers, text and dicts of them can")


def _check_file(path: Path) -> None:
    """Refuse what is not a readable, non-empty file starting with (or holding, after a user block) HDF5's signature."""
    import h5py

    if path.is_dir():
        raise FileFormatError(f"{path} is a directory; give the name of a file")
    if not path.exists():
        raise FileFormatError(f"{path}: no such file; check the name")
    if not path.is_file():
        raise FileFormatError(f"{path} is not a regular file; save it to disk first")
    try:
        with path.open("rb") as stream:
            head = stream.read(len(_SIGNATURE))
    except OSError as error:
        raise FileFormatError(f"{path} cannot be read: {error.strerror or error}; check its permissions") from error
    if not head:
        raise FileFormatError(f"{path} is empty; export it again")
    if head != _SIGNATURE and not h5py.is_hdf5(path):
        raise FileFormatError(f"{path} is not an HDF5 file (it starts with {head[:8]!r}); NIR files are HDF5")
    if not heaps_end(path):
        raise FileFormatError(f"{path}: the HDF5 file is damaged (a text heap without end); fetch or export it again")


class _Reader:
    """Walks one file, counting what it has unpacked so far."""

    def __init__(self, path: Path, max_bytes: int, attributes: bool, in_blocks: bool) -> None:
        self.path = path
        self.in_blocks = in_blocks
        self.attributes = attributes
        self.max_bytes = max_bytes
        self.bytes = 0
        self.objects = 0

    def group(self, group: Any, where: str, depth: int) -> Tree:
        """One group with all that is below it."""
        if depth > MAX_DEPTH:
            raise FileFormatError(
                f"{self.path}: groups are nested deeper than {MAX_DEPTH} at {where[:80]}...; no NIR network needs that"
            )
        tree = {name: self.item(group, name, f"{where}/{name}", depth) for name in group}
        if self.attributes:
            tree |= {f"@{name}": _plain(value) for name, value in group.attrs.items()}
        return tree

    def item(self, group: Any, name: str, where: str, depth: int) -> Value:
        """One member of a group."""
        import h5py

        self.objects += 1
        if self.objects > MAX_OBJECTS:
            raise FileFormatError(f"{self.path}: more than {MAX_OBJECTS} groups and datasets; the file is damaged")
        if isinstance(group.get(name, getlink=True), h5py.ExternalLink):
            raise FileFormatError(f"{self.path}: {where} links to another file; export the network into one file")
        try:
            item = group[name]
            return self.group(item, where, depth + 1) if isinstance(item, h5py.Group) else self.dataset(item, where)
        except FileFormatError:
            raise
        except _DAMAGE as error:
            raise FileFormatError(
                f"{self.path}: {where} cannot be read ({_one_line(error)}); the file is truncated or damaged"
            ) from error

    def dataset(self, dataset: Any, where: str) -> Value:
        """One dataset as array, text or None."""
        import h5py

        if not isinstance(dataset, h5py.Dataset):
            raise FileFormatError(f"{self.path}: {where} is neither a group nor a dataset")
        if dataset.external or dataset.is_virtual:
            raise FileFormatError(f"{self.path}: {where} is stored in another file; export the network into one file")
        # Before reading, since the library crashes on some other types where a damaged file claims to hold them.
        if dataset.dtype.kind not in "biufcS" and h5py.check_string_dtype(dataset.dtype) is None:
            raise FileFormatError(
                f"{self.path}: {where} holds neither numbers nor text ({dataset.dtype}); the file is damaged"
            )
        if dataset.shape is None:
            return None
        text = h5py.check_string_dtype(dataset.dtype)
        if text is not None and text.length is None and longest_text(self.path, dataset) > self.path.stat().st_size:
            raise FileFormatError(f"{self.path}: {where} holds a text longer than the file; the file is damaged")
        size = int(np.prod(dataset.shape, dtype=object)) * dataset.dtype.itemsize
        if self.in_blocks and size > LARGE and dataset.dtype.kind in "biuf" and dataset.ndim > 0:
            return FileArray(self.path, where, dataset.shape, dataset.dtype)
        self.bytes += size
        if self.bytes > self.max_bytes:
            raise FileFormatError(
                f"{self.path}: {where} has shape {dataset.shape}; with it the file unpacks to more than "
                f"{self.max_bytes} bytes; the limit is there to protect memory"
            )
        return _plain(dataset[()])


def _plain(value: Any) -> Value:
    """Text as str, everything else as an array."""
    if isinstance(value, bytes):
        return value.decode("utf-8")
    if isinstance(value, str):
        return value
    array = np.asarray(value)
    if array.dtype.kind in "OS":
        text = np.array([_plain_text(v) for v in array.ravel().tolist()], dtype=object).reshape(array.shape)
        return text if text.ndim else str(text[()])
    return array


def _plain_text(value: Any) -> Any:
    return value.decode("utf-8") if isinstance(value, bytes) else value


def _one_line(error: BaseException) -> str:
    return (" ".join(str(error).split()) or type(error).__name__)[:160]
