"""Running many tasks: in worker processes under Dask, each result kept in a file as soon as it is there.

A task whose result is in the folder is not run again, so a sweep that was stopped goes on where it was. When a worker
dies, Dask gives its task to another.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from neuroalign.errors import BackendFailed, BackendMissing, InputError, OutputError
from neuroalign.export.atomic import write_atomically
from neuroalign.reproduce.task import Result, Task, run_task

Progress = Callable[[str, int, int], None]
"""Called with (the task that was finished, tasks done, tasks in all)."""
CONNECT_SECONDS = 20


def run_tasks(
    tasks: Sequence[Task],
    store: Path,
    *,
    workers: int = 1,
    scheduler: str | None = None,
    progress: Progress | None = None,
) -> list[Result]:
    """Results of the tasks, in their order.

    Parameters
    ----------
    store
        Folder of the results; made where there is none.
    workers
        Local processes; 1 runs the tasks here.
    scheduler
        Address of a Dask scheduler whose workers are used instead.
    progress
        See :data:`Progress`.

    Raises
    ------
    BackendMissing
        If Dask is needed and not installed.
    BackendFailed
        If a task was lost with several workers.
    InputError, OutputError
        If the scheduler cannot be reached, or the folder cannot be used.
    """
    _make(store)
    done = {task.digest: kept for task in tasks if (kept := _kept(store, task)) is not None}
    waiting = list({task.digest: task for task in tasks if task.digest not in done}.values())
    total = len({task.digest for task in tasks})
    if progress is not None:
        progress("", len(done), total)
    if waiting:
        with _runner(workers, scheduler, len(waiting)) as run:
            for task, result in run(waiting):
                _keep(store, task, result)
                done[task.digest] = result
                if progress is not None:
                    progress(task.label, len(done), total)
    return [done[task.digest] for task in tasks]


Runner = Callable[[Sequence[Task]], Iterator[tuple[Task, Result]]]


@contextmanager
def _runner(workers: int, scheduler: str | None, tasks: int) -> Iterator[Runner]:
    if scheduler is None and min(workers, tasks) <= 1:
        yield lambda waiting: ((task, run_task(task.function, task.arguments)) for task in waiting)
        return
    try:
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise BackendMissing(
            "several workers need Dask: pip install 'neuroalign[sweep]', or use --workers 1"
        ) from error
    if scheduler is not None:
        try:
            client = Client(scheduler, timeout=CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError, TimeoutError) as error:
            raise InputError(
                f"no Dask scheduler at {scheduler!r} ({type(error).__name__}); start one with 'dask scheduler', or leave out --scheduler"
            ) from error
        with client:
            yield lambda waiting: _under_dask(client, waiting)
        return
    count = min(workers, tasks)
    cluster = LocalCluster(n_workers=count, threads_per_worker=1, dashboard_address=None, silence_logs=50)
    with cluster, Client(cluster, set_as_default=False) as client:
        yield lambda waiting: _under_dask(client, waiting)


def _under_dask(client: Any, waiting: Sequence[Task]) -> Iterator[tuple[Task, Result]]:
    from distributed import as_completed
    from distributed.scheduler import KilledWorker

    futures = {
        client.submit(run_task, task.function, dict(task.arguments), key=f"neuroalign-{task.digest}", pure=False): task
        for task in waiting
    }
    for future in as_completed(list(futures), loop=client.loop):
        task = futures[future]
        try:
            yield task, future.result()
        except KilledWorker as error:
            raise BackendFailed(
                f"{task.label}: several workers died with it, for want of memory perhaps; use fewer --workers"
            ) from error


def _make(store: Path) -> None:
    try:
        store.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {store}: {error.strerror}; choose another --out") from error


def _kept(store: Path, task: Task) -> Result | None:
    """The result in the folder; a damaged file counts as none and is written again."""
    path = store / f"{task.digest}.json"
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    result = stored.get("result") if isinstance(stored, dict) else None
    return result if isinstance(result, dict) and "figures" in result else None


def _keep(store: Path, task: Task, result: Result) -> None:
    stored = {"function": task.function, "arguments": dict(task.arguments), "label": task.label, "result": result}
    text = json.dumps(stored, indent=1)
    write_atomically(store / f"{task.digest}.json", lambda path: path.write_text(text, encoding="utf-8"))
