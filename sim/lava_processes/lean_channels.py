"""Lava's channels between processes with the semaphores used directly, in place of a listening thread for each end.

Lava 0.10 starts a thread for either end of each channel, which waits on a semaphore and hands every message on to the
process's own thread through a queue. A message then costs four changes of thread, more than most models compute in a
step, and a model starts a dozen threads first. Here an end waits on its semaphore itself. What is sent, in which order,
into which memory, and who waits for whom remain Lava's; so do its compiler, runtime and models. The worker that answers
for Lava uses them (``neuroalign bench`` does not: it measures Lava as it is installed).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

PAUSE_S = 1e-4
"""Between two looks at several channels, of which any may have a message."""


def install() -> None:
    """Let Lava's channels work this way in this process and those it forks; after ``lava_compat.install()``."""
    from lava.magma.compiler.channels import pypychannel

    for ours, theirs in (
        (_SendEnd, pypychannel.CspSendPort),
        (_ReceiveEnd, pypychannel.CspRecvPort),
        (_Selector, pypychannel.CspSelector),
    ):
        for name, method in vars(ours).items():
            if callable(method):
                setattr(theirs, name, method)


def _slots(port: Any) -> list[Any]:
    """The messages that the channel has room for, each an array over the shared memory."""
    dtype = np.int32 if port._dtype == 4 else port._dtype  # Lava's own code for 32-bit integers
    return [
        np.ndarray(port._shape, dtype, port._shm.buf[port._nbytes * i : port._nbytes * (i + 1)])
        for i in range(port._size)
    ]


class _SendEnd:
    """Methods of CspSendPort; ``_free`` counts the slots that are known to be free."""

    def start(self: Any) -> None:
        self._array, self._free = _slots(self), self._size

    def probe(self: Any) -> bool:
        if not self._free and self._ack.acquire(False):
            self._free = 1
        return bool(self._free)

    def send(self: Any, data: Any) -> None:
        with self._io_watchdog:
            if data.shape != self._shape:
                raise AssertionError(f"{data.shape=} {self._shape=} Mismatch")
            if not isinstance(data, np.ndarray):
                data = _explicit(data)
            if self._free:
                self._free -= 1
            else:
                self._ack.acquire()
            self._array[self._idx][:] = data[:]
            self._idx = (self._idx + 1) % self._size
            self._req.release()

    def join(self: Any) -> None:
        self._done, self._ack, self._req = True, None, None


def _explicit(data: Any) -> Any:
    """The values of a sparse message, as Lava sends them."""
    from lava.utils.sparse import find
    from scipy.sparse import csr_matrix

    return find(data, explicit_zeros=True)[2] if isinstance(data, csr_matrix) else data


class _ReceiveEnd:
    """Methods of CspRecvPort; ``_ready`` counts the messages that are known to have come."""

    def start(self: Any) -> None:
        self._array, self._ready = _slots(self), 0

    def probe(self: Any) -> bool:
        if not self._ready and self._req.acquire(False):
            self._ready = 1
        return bool(self._ready)

    def wait(self: Any) -> None:
        if not self._ready:
            self._req.acquire()
            self._ready = 1

    def peek(self: Any) -> Any:
        self.wait()
        return self._array[self._idx].copy()

    def recv(self: Any) -> Any:
        with self._io_watchdog:
            self.wait()
            self._ready -= 1
            result = self._array[self._idx].copy()
            self._idx = (self._idx + 1) % self._size
            self._ack.release()
            return result

    def join(self: Any) -> None:
        self._done, self._ack, self._req = True, None, None


class _Selector:
    """The method of CspSelector: wait for any of several channels, then act."""

    def select(self: Any, *channel_actions: tuple[Any, Callable[[], Any]]) -> Any:
        if len(channel_actions) == 1 and hasattr(channel_actions[0][0], "wait"):
            channel_actions[0][0].wait()
        while True:
            for channel, action in channel_actions:
                if channel.probe():
                    return action()
            time.sleep(PAUSE_S)
