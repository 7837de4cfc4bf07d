"""Lava's processes as threads of one process, its channels as queues between them.

Lava 0.10 runs each of its processes in a process of the operating system and starts a thread for either end of each
channel; forking, shared memory and the changes of thread then cost most of the time of a small network. Lava takes what
starts actors and carries messages from a factory, as a message infrastructure: here is one of threads. It also reads and
executes every file beside a process in search of models, anew for each process: here it keeps what it found.

What is sent, in which order, and who waits for whom remain Lava's; so do its compiler, runtime and models, none of which
has state that two processes would share. The workers that answer for Lava use it (``neuroalign bench`` does not: it
measures Lava as it is installed).
"""

from __future__ import annotations

import functools
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np

from neuroalign.sim.lava_processes import lava_compat
from neuroalign.sim.lava_processes.recorded import errors_reported

lava_compat.install()

from lava.magma.compiler.channels.interfaces import Channel, ChannelType  # noqa: E402
from lava.magma.compiler.channels.pypychannel import CspRecvPort, CspSelector, CspSendPort  # noqa: E402
from lava.magma.compiler.compiler_graphs import ProcGroupDiGraphs  # noqa: E402
from lava.magma.runtime import runtime  # noqa: E402
from lava.magma.runtime.message_infrastructure.factory import MessageInfrastructureFactory  # noqa: E402
from lava.magma.runtime.message_infrastructure.message_infrastructure_interface import (  # noqa: E402
    MessageInfrastructureInterface,
)

PAUSE_S = 1e-4
"""Between two looks at several channels, of which any may have a message."""


def install(error_file: str | Path | None = None) -> None:
    """Let every Lava run of this process, from now on, stay in it.

    What fails in a thread goes to ``error_file``: the run that waits for it hangs, or says no more than that.
    """
    MessageInfrastructureFactory.create = staticmethod(lambda kind: _Threads(error_file))
    runtime.Queue = SimpleQueue  # by which an actor tells the runtime that it was built
    CspSelector.select = _select
    if not hasattr(ProcGroupDiGraphs._find_proc_models, "__wrapped__"):
        ProcGroupDiGraphs._find_proc_models = staticmethod(_found_once(ProcGroupDiGraphs._find_proc_models))


class _Actor(threading.Thread):
    """What Lava starts for each process and runtime service; it asks for an exception as of a SystemProcess."""

    exception: tuple[Exception, str] | None = None
    error_file: str | Path | None = None

    def run(self) -> None:
        try:
            with errors_reported(self.error_file) if self.error_file else nullcontext():
                super().run()
        except Exception as error:
            self.exception = error, traceback.format_exc()


class _Threads(MessageInfrastructureInterface):
    """Lava's message infrastructure without processes and shared memory."""

    actors: Any = ()
    smm = None

    def __init__(self, error_file: str | Path | None = None) -> None:
        self.actors, self.error_file = [], error_file

    def start(self) -> None:
        """Nothing has to be there before the actors."""

    def build_actor(self, target_fn: Callable[..., Any], builder: Any, exception_q: Any = None) -> _Actor:
        """Start an actor."""
        options = {"builder": builder, "exception_q": exception_q}
        actor = _Actor(target=target_fn, kwargs=options, daemon=True)
        actor.error_file = self.error_file
        actor.start()
        self.actors.append(actor)
        return actor

    def stop(self) -> None:
        """Wait for the end of all actors."""
        for actor in self.actors:
            actor.join()

    def channel_class(self, channel_type: ChannelType) -> type[QueueChannel]:
        """The one kind of channel there is between Python models."""
        if channel_type != ChannelType.PyPy:
            raise TypeError(f"lava: channel {channel_type!r} is not one between Python models")
        return QueueChannel


class QueueChannel(Channel):
    """A channel whose messages wait in a queue."""

    src_port: Any = None
    dst_port: Any = None

    def __init__(
        self,
        message_infrastructure: Any,
        src_name: str,
        dst_name: str,
        shape: Any,
        dtype: Any,
        size: int,
        *watchdogs: Any,
    ) -> None:
        messages: SimpleQueue[Any] = SimpleQueue()
        self.src_port = _SendEnd(src_name, messages, shape, dtype, size)
        self.dst_port = _ReceiveEnd(dst_name, messages, shape, dtype, size)


class _End:
    """What both ends have; Lava's own classes are bases below since Lava asks which end is which."""

    def __init__(self, name: str, messages: SimpleQueue[Any], shape: Any, dtype: Any, size: int) -> None:
        self._name, self._messages, self._shape, self._size = name, messages, shape, size
        self._dtype = np.int32 if dtype == 4 else dtype  # Lava's own code for 32-bit integers
        self._held: list[Any] = []

    def start(self) -> None:
        """A queue has no threads to start."""

    def join(self) -> None:
        """A queue has no threads to end."""


class _SendEnd(_End, CspSendPort):
    def probe(self) -> bool:
        return True

    def send(self, data: Any) -> None:
        if data.shape != self._shape:
            raise AssertionError(f"{data.shape=} {self._shape=} Mismatch")
        message = np.empty(self._shape, self._dtype)
        message[:] = (data if isinstance(data, np.ndarray) else _explicit(data))[:]
        self._messages.put(message)


def _explicit(data: Any) -> Any:
    """The values of a sparse message, as Lava sends them."""
    from lava.utils.sparse import find
    from scipy.sparse import csr_matrix

    return find(data, explicit_zeros=True)[2] if isinstance(data, csr_matrix) else data


class _ReceiveEnd(_End, CspRecvPort):
    def probe(self) -> bool:
        return bool(self._held) or not self._messages.empty()

    def wait(self) -> None:
        """Return when a message is there."""
        if not self._held:
            self._held.append(self._messages.get())

    def peek(self) -> Any:
        self.wait()
        return self._held[0].copy()

    def recv(self) -> Any:
        return self._held.pop() if self._held else self._messages.get()


def _select(_: Any, *channel_actions: tuple[Any, Callable[[], Any]]) -> Any:
    """CspSelector.select: wait for any of several channels, then act."""
    if len(channel_actions) == 1 and hasattr(channel_actions[0][0], "wait"):
        channel_actions[0][0].wait()
    while True:
        for channel, action in channel_actions:
            if channel.probe():
                return action()
        time.sleep(PAUSE_S)


def _found_once(find: Callable[..., list[Any]]) -> Callable[..., list[Any]]:
    """``find`` for the first process of each class."""
    cache: dict[type, list[Any]] = {}

    @functools.wraps(find)
    def found(proc: Any) -> list[Any]:
        kind = type(proc)
        if kind not in cache:
            cache[kind] = find(proc)
        return list(cache[kind])

    return found
