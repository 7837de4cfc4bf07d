r"""The float reference: a Network run through Norse's own functional steps, float64, at the model's dt and delays.

The model's step (:mod:`neuroalign.network`), with ``d_i = dt/tau_syn``, ``d_v = dt/tau_mem``::

    i[t] = (1 - d_i) i[t-1] + w_in d_i (x[t] + bias)
    v[t] = v[t-1] + d_v (v_leak - v[t-1] + r i[t])
    s[t] = v[t] > v_threshold, then the reset

Norse 1.1's ``lif_feed_forward_step`` for input ``y`` and state ``(v, I)``; its current has no resistance, and it decays
*after* it entered the membrane::

    J[t] = I[t-1] + y[t]
    v[t] = v[t-1] + d_v (v_leak - v[t-1] + J[t])
    I[t] = (1 - d_i) J[t]

With ``J = r i`` the membranes agree. Then ``I[t] = (1 - d_i) r i[t]``, and inserting it gives the mapping::

    y[t] = r w_in d_i (x[t] + bias)          I[-1] = (1 - d_i) r i0          v[-1] = v0          i[t] = J[t] / r

===================  =================================================================================================
kind                 Norse's step
===================  =================================================================================================
CubaLIF              ``lif_feed_forward_step``; reset "subtract": ``li_feed_forward_step`` (the same arithmetic), then
                     ``threshold`` and ``reset_subtract``, since Norse's LIF step has no choice of reset
CubaLI               ``li_feed_forward_step``
LIF                  ``lif_box_feed_forward_step`` with ``y = r w_in (x + bias)`` and Norse's ``reset_method``
LI                   ``li_box_feed_forward_step`` with the same input
IF                   ``iaf_feed_forward_step``, which adds its input as it is: ``y = r dt w_in (x + bias)``; reset
                     "subtract": the sum, then ``threshold`` and ``reset_subtract``
I                    the same sum without threshold (Norse has no such step)
Threshold            ``v = v_leak + r w_in (x + bias)``, Norse's ``threshold`` (heaviside, strict), then the reset
Linear               the same without threshold
===================  =================================================================================================

The step is chosen by the time constants rather than by the name alone: neurons with ``tau_syn = 0`` inside a filtered
population get ``tau_syn_inv = 1/dt``, which forgets the current after the step.

Time: populations are updated in topological order of the connections with ``delay_steps`` 0, so that a spike acts in
the same step; a connection with ``delay_steps`` d carries what its source gave d steps ago, and nothing before the first
step. Spiking populations give spikes, the others their ``v``; inputs give their values, 0/1 or graded. No population is
held still and the latency of every one is 0.

A connection with a learning rule is one of :mod:`neuroalign.sim.norse_reference.plasticity`.

Every parameter and state is a float64 tensor; Norse's defaults are float32 and none of them is used. torch's global
settings are neither read nor changed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuroalign.errors import BackendMissing
from neuroalign.network import Network, Population
from neuroalign.recording import Probe, Recording, Stimulus
from neuroalign.sim.backend import steps_to_read
from neuroalign.sim.norse_reference.checks import check_probe, checked_input
from neuroalign.sim.norse_reference.neurons import State, initial_state, parameters, step_function
from neuroalign.sim.norse_reference.norse_functional import missing_packages
from neuroalign.sim.norse_reference.plasticity import PlasticConnection
from neuroalign.sim.norse_reference.schedule import update_order
from neuroalign.sim.norse_reference.synapses import Weighing, weighing

if TYPE_CHECKING:
    from torch import Tensor

Progress = Callable[[int, int], None]
"""Called with (steps done, steps in all)."""


class NorseReference:
    """Runs a Network, in floats, on Norse's neurons."""

    name = "norse"

    def missing(self) -> str | None:
        """One line saying what to install, or None when Norse can run here."""
        return missing_packages("torch", "norse")

    def run_model(
        self,
        network: Network,
        stimulus: Stimulus,
        probes: Sequence[Probe],
        *,
        read_steps: Sequence[int] | None = None,
        progress: Progress | None = None,
    ) -> Recording:
        """Run ``stimulus.steps`` steps of every sample, all samples at once.

        Parameters
        ----------
        network
            The model; its equations are the module's.
        stimulus
            One array (samples, steps, channels) per input, 0/1 or graded.
        probes
            (population, state) with state "v" (volts, after reset), "s" (spikes, bool), "i" (current, in the model's
            units) or "a" (weighted input of the step, bias excluded); (plastic connection, state) with state "w", "t" or
            a trace of its rule by slot ("x1", "x2", "y1", "y2", "y3").
        read_steps
            Steps, from 1, at whose end plastic connections are read; None: the last one.
        progress
            Called after each step.

        Returns
        -------
        Recording
            float64 arrays (samples, steps, neurons), latency 0 for every population; of plastic connections
            (samples, reads, N_target, N_source), traces (samples, reads, N).

        Raises
        ------
        BackendMissing
            If torch or Norse is not installed.
        InputError
            If the stimulus does not fit the inputs, a probe names nothing, or a read step is not a step of the run.
        NetworkError
            If connections without delay form a cycle, or a population mixes leaky neurons and integrators.
        """
        line = self.missing()
        if line is not None:
            raise BackendMissing(line)
        import torch

        drives = {port.name: checked_input(port.name, port.size, stimulus) for port in network.inputs}
        for probe in probes:
            check_probe(network, probe)
        learnt = any(name not in {p.name for p in network.populations} for name, _ in probes)
        reads = steps_to_read(read_steps, stimulus.steps) if learnt else ()
        with torch.no_grad():
            states = _Run(network, drives, stimulus).record(probes, reads, progress)
        return Recording(self.name, states, {p.name: 0 for p in network.populations}, read_steps=reads)


class _Run:
    """One run: weights and parameters as tensors, the states, and what every node gave in the last steps."""

    def __init__(self, network: Network, drives: Mapping[str, NDArray[Any]], stimulus: Stimulus) -> None:
        self.drives = drives
        self.samples, self.steps = stimulus.samples, stimulus.steps
        self.order = update_order(network)
        self.dt = network.dt
        self.parameters = {p.name: parameters(p, network.dt, network.reset) for p in network.populations}
        self.steps_of = {p.name: step_function(p, self.parameters[p.name]) for p in network.populations}
        self.incoming: dict[str, list[tuple[str, int, Weighing]]] = {p.name: [] for p in network.populations}
        reach = {port.name: 1 for port in network.inputs} | {p.name: 1 for p in network.populations}
        self.plastic = {
            c.name: PlasticConnection(c, c.rule, network.dt, self.samples)
            for c in network.connections
            if c.rule is not None
        }
        for c in network.connections:
            if c.rule is not None:
                continue
            self.incoming[c.target].append((c.source, c.delay_steps, weighing(c)))
            reach[c.source] = max(reach[c.source], c.delay_steps + 1)
        self.past: dict[str, deque[Tensor]] = {name: deque(maxlen=length) for name, length in reach.items()}

    def record(
        self, probes: Sequence[Probe], reads: Sequence[int], progress: Progress | None
    ) -> dict[Probe, NDArray[Any]]:
        """Run all steps and return the probed states."""
        sizes = {p.name: p.size for p in self.order}
        recorded: dict[Probe, NDArray[Any]] = {
            (name, state): np.empty((self.samples, self.steps, sizes[name]), dtype=bool if state == "s" else np.float64)
            for name, state in probes
            if name in sizes
        }
        learnt: dict[Probe, NDArray[Any]] = {
            (name, state): np.empty((self.samples, len(reads), *self.plastic[name].read(state).shape[1:]))
            for name, state in probes
            if name not in sizes
        }
        read_at = {step: k for k, step in enumerate(reads)}
        states = {p.name: initial_state(p, self.parameters[p.name], self.dt, self.samples) for p in self.order}
        for step in range(self.steps):
            self._open_step(step)
            inputs = {}
            for population in self.order:
                name = population.name
                inputs[name] = self._weighted_sum(population)
                states[name] = self.steps_of[name](states[name], inputs[name])
                self.past[name][-1] = states[name].s if population.spiking else states[name].v
            for (name, state), array in recorded.items():
                array[:, step] = self._read(states[name], inputs[name], name, state)
            self._end_step(step + 1, {name: state.s for name, state in states.items()})
            if step + 1 in read_at:
                for (name, state), values in learnt.items():
                    values[:, read_at[step + 1]] = self.plastic[name].read(state)
            if progress is not None:
                progress(step + 1, self.steps)
        return recorded | learnt

    def _end_step(self, step: int, spikes: Mapping[str, Tensor]) -> None:
        """Let plastic connections send and learn."""
        for plastic in self.plastic.values():
            source, target = plastic.connection.source, plastic.connection.target
            given = self.past[source][-1]
            source_spikes = spikes[source] if source in spikes else (given != 0).to(given.dtype)
            sender = plastic.connection.third_factor
            plastic.end_step(
                step, given, source_spikes, spikes[target], self.past[sender][-1].double() if sender else None
            )

    def _open_step(self, step: int) -> None:
        """Open this step's slot of every node, so that ``past[node][-1 - d]`` is what it gave d steps ago."""
        import torch

        for name, past in self.past.items():
            if name in self.drives:
                values = np.ascontiguousarray(self.drives[name][:, step], dtype=np.float64)
                past.append(torch.from_numpy(values))
            else:
                past.append(torch.empty(0))

    def _weighted_sum(self, population: Population) -> Tensor:
        """Sum over the incoming connections of ``W s``, (samples, N)."""
        import torch

        total = torch.zeros(self.samples, population.size, dtype=torch.float64)
        for source, delay, weigh in self.incoming[population.name]:
            past = self.past[source]
            if delay < len(past):  # before the first step nothing was given
                total = total + weigh(past[-1 - delay])
        for plastic in self.plastic.values():
            if plastic.connection.target == population.name:
                total = total + plastic.arriving()
        return total

    def _read(self, state: State, given: Tensor, name: str, which: str) -> NDArray[Any]:
        """One probed state as an array (samples, N)."""
        if which == "a":
            return np.asarray(given.numpy())
        if which == "i":
            return np.asarray((state.i_jump / self.parameters[name].scale).numpy())
        return np.asarray((state.v if which == "v" else state.s).numpy())
