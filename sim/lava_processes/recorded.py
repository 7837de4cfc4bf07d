"""What a recording model does around Lava's own step: put states back, and write them down."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroalign.chip import Plasticity


@dataclass(frozen=True)
class Recorder:
    """What a process model is told about recording, as the process keyword ``recorder``.

    Parameters
    ----------
    steps : int
        Steps of a sample; the states are put back before step ``steps + 1``, ``2 * steps + 1``, ...
    files
        State ("u", "v", "s", "a") to the .npy file it goes to, of shape (samples, steps, neurons).
    first_sample : int
        Index in the files of the run's first sample.
    error_file : str
        Where a failing model leaves its traceback: Lava itself may hang instead of reporting it.
    progress_file : str
        A byte is appended after each sample; "" for none.
    plasticity : Plasticity or None
        Of a plastic connection: when it learns.
    rows
        Step of a sample (from 1) to its row in the files; None: every step has one.
    """

    steps: int
    error_file: str
    files: Mapping[str, str] = field(default_factory=dict)
    first_sample: int = 0
    progress_file: str = ""
    plasticity: Plasticity | None = None
    rows: Mapping[int, int] | None = None


@contextmanager
def errors_reported(file: str | Path) -> Iterator[None]:
    """Write the traceback of an exception to ``file`` (the first one keeps it), then let the exception pass."""
    try:
        yield
    except BaseException:
        try:
            with Path(file).open("x", encoding="utf-8") as stream:
                stream.write(traceback.format_exc())
        except FileExistsError:
            pass
        raise


class Recorded:
    """Runs the model's own step between putting states back and writing them down."""

    restored: tuple[str, ...]
    time_step: int
    proc_params: Any

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)  # type: ignore[call-arg]
        self._recorder: Recorder | None = proc_params.get("recorder")
        self._initial: dict[str, NDArray[Any]] = {}
        self._maps: dict[str, NDArray[Any]] = {}

    def run_spk(self) -> None:
        if self._recorder is None:
            super().run_spk()  # type: ignore[misc]
            return
        with errors_reported(self._recorder.error_file):
            sample, step = divmod(self.time_step - 1, self._recorder.steps)
            self._restore(sample, step)
            self._run_spk()
            self._write(self._recorder, sample, step)

    def _run_spk(self) -> None:
        super().run_spk()  # type: ignore[misc]

    @contextmanager
    def _time_of_sample(self) -> Iterator[None]:
        """Lets Lava count steps from the sample's first one."""
        whole = self.time_step
        if self._recorder is None or whole <= self._recorder.steps:
            yield
            return
        # not by Lava's __setattr__, which looks at every value whether it is a port
        vars(self)["time_step"] = (whole - 1) % self._recorder.steps + 1
        try:
            yield
        finally:
            vars(self)["time_step"] = whole

    def _restore(self, sample: int, step: int) -> None:
        if sample == 0 and step == 0:
            self._initial = {name: getattr(self, name).copy() for name in self.restored}
        elif step == 0:
            for name, value in self._initial.items():
                setattr(self, name, value.copy())

    def _write(self, recorder: Recorder, sample: int, step: int) -> None:
        row = step if recorder.rows is None else recorder.rows.get(step + 1)
        for state, file in recorder.files.items() if row is not None else ():
            if state not in self._maps:
                self._maps[state] = np.asarray(np.load(file, mmap_mode="r+"))  # a plain array is quicker to index
            self._maps[state][recorder.first_sample + sample, row] = self._state(state)
        if recorder.progress_file and step == recorder.steps - 1:
            with Path(recorder.progress_file).open("ab") as stream:
                stream.write(b".")

    def _state(self, state: str) -> NDArray[Any]:
        """The values of ``state`` now; every model says its own, this mixin has none."""
        raise NotImplementedError(state)
