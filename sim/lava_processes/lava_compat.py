"""Lava 0.10 on Python >= 3.11 and numpy >= 2.4, and beside other users of multiprocessing.

Lava 0.10 declares Python 3.10 and numpy 1.24. Three things stop it on newer ones, and a fourth on all; :func:`install`
mends them as Lava's modules are imported, changes nothing where they work, and touches no other library:

1. Python 3.11 refuses dataclass defaults without a hash (``LogConfig()``): Lava's dataclasses get ``unsafe_hash=True``.
2. numpy 2.4 dropped ``np.reshape(newshape=...)``: ``ReshapePort`` uses ``shape=``.
3. numpy 2.4 refuses ``int()`` of an array of one element and one axis: the inverse square root uses ``.item()``.
4. Lava's runtime asks for the start method "fork" when it is imported, which fails where anything used multiprocessing
   before: the choice is open again when it asks.

Without 2 and 3 the failing model makes Lava hang rather than raise.
"""

from __future__ import annotations

import builtins
import dataclasses
import functools
import multiprocessing
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType
from typing import Any

import numpy as np

_HASH_IS_NEEDED = sys.version_info >= (3, 11)
_ASKS_FOR_FORK = "lava.magma.runtime.message_infrastructure.multiprocessing"
_NUMPY_2_4 = tuple(int(n) for n in np.__version__.split(".")[:2]) >= (2, 4)


def install() -> None:
    """Let ``import lava`` work on this Python and numpy.

    Call it before the first import of Lava; further calls do nothing. ``dataclasses`` itself is never changed: only modules of Lava see the changed ``dataclass``.
    """
    if not any(isinstance(finder, _LavaFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _LavaFinder())


def measures() -> tuple[str, ...]:
    """What of this Python and numpy has to be mended here, in a word or two each."""
    python, numpy = ".".join(map(str, sys.version_info[:2])), ".".join(np.__version__.split(".")[:2])
    return tuple([f"Python {python}"] * _HASH_IS_NEEDED + [f"numpy {numpy}"] * _NUMPY_2_4)


class _LavaFinder(MetaPathFinder):
    """Finds Lava's modules as usual and hands them to :class:`_LavaLoader`."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.partition(".")[0] != "lava":
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and type(spec.loader) is SourceFileLoader:
            spec.loader = _LavaLoader(spec.loader.name, spec.loader.path)
        return spec


class _LavaLoader(SourceFileLoader):
    """Executes a module of Lava with its own ``__import__``, then mends it if it is one of the two that need it."""

    def exec_module(self, module: ModuleType) -> None:
        if _HASH_IS_NEEDED:
            vars(module)["__builtins__"] = {**vars(builtins), "__import__": _import}
        if module.__name__ == _ASKS_FOR_FORK:
            multiprocessing.set_start_method(None, force=True)
        super().exec_module(module)
        if _NUMPY_2_4 and module.__name__ in _MENDED:
            _MENDED[module.__name__](module)


def _import(
    name: str,
    globals: Mapping[str, object] | None = None,
    locals: Mapping[str, object] | None = None,
    fromlist: Sequence[str] = (),
    level: int = 0,
) -> ModuleType:
    """``__import__`` as Lava's modules see it: ``dataclasses`` is a copy whose classes have a hash."""
    module = builtins.__import__(name, globals, locals, fromlist, level)
    return _dataclasses_with_hash() if module is dataclasses else module


@functools.cache
def _dataclasses_with_hash() -> ModuleType:
    copy = ModuleType("dataclasses", dataclasses.__doc__)
    vars(copy).update({**vars(dataclasses), "dataclass": _dataclass})
    return copy


def _dataclass(cls: type | None = None, /, **options: Any) -> Any:
    """``dataclasses.dataclass`` that gives a hash to a class that defines none."""

    def decorate(plain: type) -> type:
        hashed = options if "__hash__" in vars(plain) else {**options, "unsafe_hash": True}
        return dataclasses.dataclass(**hashed)(plain)

    return decorate if cls is None else decorate(cls)


def _mend_reshape_port(ports: Any) -> None:
    def forward(port: Any) -> Callable[..., Any]:
        return functools.partial(np.reshape, shape=port.shape)

    def backward(port: Any) -> Callable[..., Any]:
        return functools.partial(np.reshape, shape=port.old_shape)

    ports.ReshapePort.get_transform_func_fwd = forward
    ports.ReshapePort.get_transform_func_bwd = backward


def _mend_inverse_square_root(models: Any) -> None:
    original = models.inv_sqrt

    @functools.wraps(original)
    def inv_sqrt(s_fp: Any, *args: Any, **options: Any) -> Any:
        return original(np.asarray(s_fp).item(), *args, **options)

    models.inv_sqrt = inv_sqrt


_MENDED: dict[str, Callable[[Any], None]] = {
    "lava.magma.core.process.ports.ports": _mend_reshape_port,
    "lava.proc.graded.models": _mend_inverse_square_root,
}
