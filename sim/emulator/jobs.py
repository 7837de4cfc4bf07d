"""Independent jobs over threads: the kernels release Python's lock, so jobs run side by side; results do not depend on it."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from neuroalign.errors import InputError

Job = TypeVar("Job")
Tell = Callable[[int], None]
"""Called by a job with the steps it has done since the last call; raises :class:`Stopped` where it is to end."""


class Stopped(Exception):
    """The run has been interrupted elsewhere: a job saves what it wants to keep and ends."""


def usable_threads(threads: int | None, jobs: int) -> int:
    """How many threads to start: no more than jobs or processors; None stands for one a processor."""
    if threads is not None and threads < 1:
        raise InputError(f"threads is {threads}; give 1 or more, or None for one a processor")
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(processors if threads is None else threads, processors, jobs))


def run_jobs(jobs: Sequence[Job], work: Callable[[Job, Tell], None], tell: Tell, threads: int) -> None:
    """Do ``work(job, tell)`` for every job, in the calling thread where ``threads`` is 0.

    Parameters
    ----------
    tell
        Is called in the calling thread only.

    Raises
    ------
    Exception
        The first that a job raised. An interrupt of the calling thread lets jobs end at the next call of their
        ``tell``, and passes on when all have.
    """
    if threads == 0:
        for job in jobs:
            work(job, tell)
        return
    _Threads(jobs, work, threads).run(tell)


class _Threads:
    def __init__(self, jobs: Sequence[Job], work: Callable[[Job, Tell], None], threads: int) -> None:
        self.waiting: Iterator[Job] = iter(jobs)
        self.work = work
        self.lock, self.stop = threading.Lock(), threading.Event()
        self.told: queue.SimpleQueue[int | None] = queue.SimpleQueue()  # steps done; None from a worker that ends
        self.failed: list[BaseException] = []
        self.threads = [threading.Thread(target=self._worker, name=f"emulator-{n}") for n in range(threads)]

    def run(self, tell: Tell) -> None:
        try:
            for thread in self.threads:
                thread.start()
            working = len(self.threads)
            while working:
                steps = self.told.get()
                if steps is None:
                    working -= 1
                else:
                    tell(steps)
        finally:
            self.stop.set()
            for thread in self.threads:
                if thread.ident is not None:
                    thread.join()
        if self.failed:
            raise self.failed[0]

    def _worker(self) -> None:
        try:
            while not self.stop.is_set():
                with self.lock:
                    job = next(self.waiting, None)
                if job is None:
                    return
                self.work(job, self._tell)
        except Stopped:
            pass
        except BaseException as error:  # whatever it is, the calling thread raises it
            self.failed.append(error)
            self.stop.set()
        finally:
            self.told.put(None)

    def _tell(self, steps: int) -> None:
        self.told.put(steps)
        if self.stop.is_set():
            raise Stopped
