"""Tasks of RDD's experiments: the float phase and its forms, and the Loihi 2 form."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from neuroalign.experiments.alignment import checked_estimates, sign_chance
from neuroalign.experiments.rdd import IMPLAUSIBLE_DRIVE, Form, RddVariant, run_rdd, uniform_weights
from neuroalign.experiments.rdd_activity import Phase, RddProtocol, source_stretches
from neuroalign.experiments.rdd_chip import ChipChoices, RddOnChip, chip_layers, factors_of, feedback_network
from neuroalign.experiments.rdd_rule import rule_network, rule_stimulus
from neuroalign.experiments.rdd_steps import DT, GAIN, LEAK, RESET, THRESHOLD, kernel
from neuroalign.fidelity.learning import angle_degrees, pearson, sign_agreement
from neuroalign.reproduce.learners import Form as LearnerForm
from neuroalign.reproduce.learners import learner_for
from neuroalign.reproduce.task import Result
from neuroalign.rules import rdd

FloatArray = NDArray[np.float64]


def inferred(
    seed: int,
    seconds: float,
    form: Form = "sgd",
    *,
    backend: str = "emulator",
    driven: int = 192,
    above: int = 10,
    baseline: bool = True,
    nearest: float = IMPLAUSIBLE_DRIVE,
    protocol: Mapping[str, float] | None = None,
    report: Sequence[float] = (),
) -> Result:
    """Uniform random weights inferred in float.

    Parameters
    ----------
    form, baseline, nearest
        As of :class:`~neuroalign.experiments.rdd.RddVariant`.
    backend
        "norse": on Norse's neurons; anything else: compiled.
    driven, above
        Neurons of both layers.
    protocol
        Changes of :class:`~neuroalign.experiments.rdd_activity.RddProtocol`.
    report : s
        Times at which figures are named.
    """
    weight = uniform_weights(driven, above, seed)
    made = RddProtocol(**dict(protocol or {}))  # type: ignore[arg-type]
    times = read_times(seconds, report)
    phase = norse_phase() if backend == "norse" else None
    run = run_rdd(weight, times, seed, RddVariant(form, baseline, nearest), made, phase)
    found = judged(run.times, weight, run.estimates, report or (seconds,))
    found["figures"] |= {"windows, per neuron and s": run.windows / driven / seconds, "with a spike": run.above}
    return found


def on_chip(
    seed: int,
    seconds: float,
    *,
    backend: str = "emulator",
    driven: int = 192,
    above: int = 10,
    weight_exponent: int = -5,
    rounding_draws: Literal["shared", "synapse"] = "shared",
    synapse: Literal["tag", "traces"] = "tag",
    report: Sequence[float] = (),
) -> Result:
    """The same weights inferred by the Loihi 2 form, neurons and learning in integers.

    Parameters
    ----------
    backend
        "lava": neurons and learning in one Lava network, slowly; anything else: the emulator.
    weight_exponent, rounding_draws, synapse
        As of :class:`~neuroalign.experiments.rdd_chip.ChipChoices`.
    """
    weight = uniform_weights(driven, above, seed)
    choices = ChipChoices(weight_exponent=weight_exponent, rounding_draws=rounding_draws, synapse=synapse)
    times = read_times(seconds, report)
    run = _chip_in_lava if backend == "lava" else _chip_in_emulator
    estimates = run(weight, times, seed, choices)
    found = judged(np.array(times), weight, np.swapaxes(estimates, 1, 2), report or (seconds,))
    found["figures"]["weights at their limit"] = float(np.mean(np.abs(estimates[-1]) >= 255))
    return found


def by_rule(
    seed: int,
    seconds: float,
    form: LearnerForm = "float",
    *,
    backend: str = "emulator",
    driven: int = 192,
    above: int = 10,
    report: Sequence[float] = (),
) -> Result:
    """The same weights inferred by the local rule ``rdd``, from recorded spikes and third factors.

    Parameters
    ----------
    form
        "float", or how the rule is held on chip.
    backend
        As of the experiments with other rules: "norse" for float, "lava" for chip rows.
    """
    weight = uniform_weights(driven, above, seed)
    times = sorted({*(seconds * k / 5 for k in range(1, 6)), *report})
    network, stimulus = rule_network(driven, above, rdd()), rule_stimulus(weight, seconds, seed)
    found = learner_for(form, backend)(network, stimulus, [round(time / DT) for time in times])
    return judged(
        np.array(times), weight, checked_estimates(np.asarray(found), len(times), weight), report or (seconds,)
    )


def norse_phase() -> Callable[[FloatArray, RddProtocol], Phase]:
    """The spiking phase on Norse's neurons."""
    from neuroalign.sim.norse_reference.window_neurons import NorseWindowNeurons

    def phase(weight: FloatArray, protocol: RddProtocol) -> Phase:
        return NorseWindowNeurons(
            weight,
            scale=protocol.drive,
            kernel=kernel(),
            window=protocol.window,
            near=protocol.near,
            refractory=protocol.refractory,
            leak=LEAK,
            gain=GAIN,
            threshold=THRESHOLD,
            reset=RESET,
        ).run

    return phase


def _chip_in_emulator(weight: FloatArray, times: Sequence[float], seed: int, choices: ChipChoices) -> FloatArray:
    from neuroalign.sim.emulator import Emulator
    from neuroalign.sim.emulator.window_neurons import WindowRun

    chip = RddOnChip(np.ones(weight.T.shape), WindowRun, lambda net: Emulator().start(net, []), choices=choices)
    estimates: list[FloatArray] = []
    for done in chip.phase(weight, times[-1], seed):
        while len(estimates) < len(times) and done >= times[len(estimates)] - DT / 2:
            estimates.append(chip.beta.astype(np.float64))
    return np.array(estimates)


def _chip_in_lava(weight: FloatArray, times: Sequence[float], seed: int, choices: ChipChoices) -> FloatArray:
    from neuroalign.sim.lava_processes.window_circuit import WindowCircuit, run_circuit

    protocol = RddProtocol()
    layers = chip_layers(weight, protocol)
    above, driven = weight.shape
    circuit = WindowCircuit(
        layers.driven,
        layers.above,
        (layers.source_weight, layers.source_exponent),
        (layers.weight, layers.weight_exponent),
        feedback_network(driven, above, choices),
        factors_of(choices),
    )
    sources = np.concatenate(list(source_stretches(protocol, driven, times[-1], seed)))
    reads = [
        min(int(np.ceil(time / protocol.stimulus - 1e-9) * round(protocol.stimulus / DT)), len(sources))
        for time in times
    ]
    found = run_circuit(circuit, sources, reads, time_limit_s=24 * 3600.0)["w"]
    return np.asarray([found[sorted({*reads}).index(read)] for read in reads], dtype=np.float64)


def read_times(seconds: float, report: Sequence[float]) -> list[float]:
    """Twenty times up to ``seconds``, and those reported."""
    return sorted({*(seconds * k / 20 for k in range(1, 21)), *report})


def judged(times: FloatArray, weight: FloatArray, estimates: FloatArray, report: Sequence[float]) -> Result:
    """Figures of the estimates (reads, next, driven) at the reported times, and the curves over time."""
    found: dict[str, list[float]] = {"sign": [], "r": [], "angle": []}
    for estimate in estimates:
        found["sign"].append(sign_agreement(weight, estimate))
        found["r"].append(pearson(weight, estimate) or 0.0)
        found["angle"].append(angle_degrees(weight, estimate) or 90.0)
    figures: dict[str, Any] = {}
    for time in report:
        at = int(np.argmin(np.abs(times - time)))
        figures |= {f"{name}, {time:g} s": values[at] for name, values in found.items()}
    figures["sign of a constant guess"] = sign_chance(weight)
    return {"figures": figures, "curves": {name: [times.tolist(), values] for name, values in found.items()}}
