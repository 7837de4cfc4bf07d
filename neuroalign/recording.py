"""Arrays in, arrays out, the same for every backend: axis order (samples, steps, channels)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuroalign.errors import BackendMissing, InputError
from neuroalign.notebook import html_table, span

if TYPE_CHECKING:
    import xarray

Probe = tuple[str, str]
"""(population name, state) with state "s" (spikes), "u", "v" (after reset) or "a" (input received this step); or
(connection name, state) of a plastic connection with state "w", "t", "d" (weight, tag, learned delay, each
(N_target, N_source)), "x1", "x2" (N_source) or "y1", "y2", "y3" (N_target), read at the end of a step."""


SYNAPSES = frozenset({"w", "t", "d"})
SOURCE_SIDE, TARGET_SIDE = frozenset({"x1", "x2", "tx"}), frozenset({"y1", "y2", "y3", "ty"})
PLASTIC = SYNAPSES | SOURCE_SIDE | TARGET_SIDE
"""States of plastic connections, read at the end of chosen steps."""


def as_array(values: Any) -> NDArray[Any]:
    """A numpy array of whatever holds one; a tensor of torch is taken off its graph and its device first."""
    detach = getattr(values, "detach", None)
    return np.asarray(values if detach is None else detach().cpu().numpy())


TEST_SIGNAL = "test signal"
"""How the description of a stimulus begins that was made here, for want of the user's own."""


@dataclass(frozen=True, eq=False)
class Stimulus:
    """What enters a network.

    Parameters
    ----------
    inputs
        Input name to array (samples, steps, channels), tensors of torch included. Before ``quantise`` values of any kind; what a backend gets
        is 0/1 spikes or, for graded inputs, integers.
    labels : (samples,) or None
        Class of each sample, for accuracy.
    description
        Where the stimulus came from, for the report.

    Examples
    --------
    >>> import neuroalign
    >>> import numpy as np
    >>> neuroalign.Stimulus({"input": np.zeros((8, 40, 64))}).steps
    40
    """

    inputs: Mapping[str, NDArray[Any]]
    labels: NDArray[np.int64] | None = None
    description: str = ""

    def __post_init__(self) -> None:
        arrays = {name: as_array(values) for name, values in self.inputs.items()}
        object.__setattr__(self, "inputs", MappingProxyType(arrays))
        if self.labels is not None:
            object.__setattr__(self, "labels", as_array(self.labels))
        shapes = {name: a.shape[:2] for name, a in self.inputs.items()}
        for name, array in self.inputs.items():
            if array.ndim != 3:
                raise InputError(f"stimulus {name!r} has shape {array.shape}; (samples, steps, channels) is needed")
        if len(set(shapes.values())) > 1:
            raise InputError(f"stimulus arrays differ in samples or steps: {shapes}; they must agree")
        if self.labels is not None and self.inputs and len(self.labels) != self.samples:
            raise InputError(f"stimulus has {self.samples} samples but {len(self.labels)} labels")

    @property
    def samples(self) -> int:
        """Number of independent samples; states are reset before each."""
        return next(iter(self.inputs.values())).shape[0] if self.inputs else 0

    @property
    def steps(self) -> int:
        """Number of time steps of each sample."""
        return next(iter(self.inputs.values())).shape[1] if self.inputs else 0


@dataclass(frozen=True, eq=False)
class Recording:
    """What a backend recorded.

    Parameters
    ----------
    backend : str
        Name of the backend.
    states
        (population, state) to array (samples, steps, neurons); step index 0 is the state after the first step.
    latency_steps
        Population to the steps by which this recording lags the model (0 in a float reference).
    counts
        Backend's own counters by name, such as saturations.
    read_steps : chip steps, from 1
        When the states of plastic connections were read: entry k of such a state (samples, reads, ...) is the value
        after step ``read_steps[k]``.

    Examples
    --------
    >>> import neuroalign
    >>> deployment = neuroalign.deploy("network.nir", "loihi2", dt=1e-3, reset="zero", stimulus="spikes.npz")
    >>> recording = deployment.chip_runs[0].recording
    >>> recording.aligned("hidden", "s", 40).shape  # (samples, steps, neurons), the latency subtracted
    (8, 40, 100)
    >>> recording.to_xarray()["readout.v"].dims  # needs xarray
    ('sample', 'step', 'readout_neuron')
    """

    backend: str
    states: Mapping[Probe, NDArray[Any]]
    latency_steps: Mapping[str, int]
    counts: Mapping[str, int] = field(default_factory=dict)
    read_steps: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        for name in ("states", "latency_steps", "counts"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))

    def aligned(self, population: str, state: str, steps: int) -> NDArray[Any]:
        """``state`` of ``population`` over the model's first ``steps`` steps, the declared latency subtracted."""
        lag = self.latency_steps[population]
        return self.states[population, state][:, lag : lag + steps]

    def _repr_html_(self) -> str:
        rows = [
            (name, state, " x ".join(map(str, a.shape)), str(a.dtype), span(a), self.latency_steps.get(name, ""))
            for (name, state), a in self.states.items()
        ]
        note = "; ".join(f"{name}: {n:,}" for name, n in self.counts.items() if n)
        columns = ("of", "state", "shape (samples, steps, neurons)", "type", "values", "latency (steps)")
        return html_table(f"Recording by {self.backend}", columns, rows, note)

    def to_xarray(self) -> xarray.Dataset:
        """All states as a labelled Dataset, a variable "name.state" each; nothing is copied.

        Returns
        -------
        xarray.Dataset
            Dimensions (sample, step, name_neuron), or (sample, read, ...) of plastic connections; ``step`` counts from 1,
            ``read`` is the step at whose end a value was read. Attributes: backend, and latency_steps by population.

        Raises
        ------
        BackendMissing
            If xarray is not installed.
        """
        try:
            import xarray
        except ImportError:
            raise BackendMissing("Recording.to_xarray needs xarray: pip install xarray") from None
        variables = {f"{name}.{state}": (_dimensions(name, state), a) for (name, state), a in self.states.items()}
        steps = max((a.shape[1] for (_, s), a in self.states.items() if s not in PLASTIC), default=0)
        places = {"step": np.arange(1, steps + 1), "read": np.asarray(self.read_steps, dtype=int)}
        used = {d for dimensions, _ in variables.values() for d in dimensions}
        return xarray.Dataset(
            variables,
            coords={d: where for d, where in places.items() if d in used},
            attrs={"backend": self.backend, "latency_steps": dict(self.latency_steps)},
        )


def _dimensions(name: str, state: str) -> tuple[str, ...]:
    """Names of the axes of a state."""
    if state in SYNAPSES:
        return "sample", "read", f"{name}_target", f"{name}_source"
    if state in PLASTIC:
        return "sample", "read", f"{name}_source" if state in SOURCE_SIDE else f"{name}_target"
    return "sample", "step", f"{name}_neuron"


def first_samples(stimulus: Stimulus, samples: int) -> Stimulus:
    """The first ``samples`` samples of a stimulus, labels included."""
    if samples >= stimulus.samples:
        return stimulus
    labels = None if stimulus.labels is None else stimulus.labels[:samples]
    return Stimulus({name: a[:samples] for name, a in stimulus.inputs.items()}, labels, stimulus.description)


def first_recorded(recording: Recording, samples: int) -> Recording:
    """The first ``samples`` samples of a recording; counters, which are totals, are left out where samples are."""
    states = {probe: a[:samples] for probe, a in recording.states.items()}
    whole = all(len(a) <= samples for a in recording.states.values())
    counts = recording.counts if whole else {}
    return Recording(recording.backend, states, recording.latency_steps, counts, recording.read_steps)
