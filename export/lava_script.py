"""A quantised network as a Lava script of its own, with one switch between simulation and hardware.

The script builds standard Lava processes (LIF, TernaryLIF, LIFReset, Dense, Sparse, their forms with delays and learning,
Conv), and needs lava-nc and numpy only. Weights, states and input lie in an .npz beside it. What would need a process model
of our own is refused: it could not go to a chip either.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from neuroalign.chip import ChipNetwork, ChipPopulation
from neuroalign.errors import ConversionRefused, InputError
from neuroalign.export.atomic import write_atomically
from neuroalign.export.lava_script_lines import ScriptText, imports, input_lines, neuron_call, synapse_lines
from neuroalign.recording import Stimulus

__all__ = ["check_standard", "data_path", "write_lava_script"]


def write_lava_script(
    path: str | Path, chip: ChipNetwork, stimulus: Stimulus, *, writer: str = "neuroalign"
) -> tuple[Path, Path]:
    """Write the script and its data.

    Parameters
    ----------
    path
        The script, a name that ends in .py; the data go beside it under the same name with .npz.
    chip
        A network that Lava's bit-accurate models hold as it is (:mod:`neuroalign.sim.lava_processes.holdable` says which).
    stimulus
        What enters the chip: 0/1 spikes or whole numbers, waits of inputs included.
    writer
        Who wrote it, for the script's first lines.

    Returns
    -------
    tuple
        The two paths.

    Raises
    ------
    ConversionRefused
        If a part needs a process model of our own.
    InputError
        If the name does not end in .py.
    OutputError
        If a file cannot be written.
    """
    path = Path(path)
    if path.suffix != ".py":
        raise InputError(f"{path}: a Lava script is a .py file; give it that ending")
    check_standard(chip)
    text, arrays = _script(path, chip, stimulus, writer)
    data = write_atomically(data_path(path), lambda file: np.savez_compressed(file, **arrays))
    return write_atomically(path, lambda file: file.write_text(text, encoding="utf-8")), data


def data_path(script: Path) -> Path:
    """Where the arrays of a script lie."""
    return script.with_suffix(".npz")


def check_standard(chip: ChipNetwork) -> None:
    """Raise ConversionRefused for what only process models of our own hold in Lava; chips would need microcode for it."""
    for p in chip.populations:
        problem = _beyond_standard(p)
        if problem:
            raise ConversionRefused(
                f"population {p.name!r} has {problem}, which no standard Lava process has: neither a Lava script nor "
                "hardware takes it; run it on the emulator, or on --backend lava in simulation"
            )
    for c in chip.connections:
        if c.plasticity is not None and c.plasticity.phases:
            raise ConversionRefused(
                f"connection {c.name!r} learns {_when(c.plasticity.phases)} only, but Lava's learning processes always learn; let it "
                "learn all the time (no phases, and in each term with dt a trace of post), or use --backend lava in simulation"
            )


def _when(phases: Sequence[tuple[int, int]]) -> str:
    """Learning phases in words."""
    endless = 2**61  # steps that no run reaches
    return "in chip steps " + ", ".join(f"{a}..{b - 1 if b < endless else ''}" for a, b in phases)


def _beyond_standard(p: ChipPopulation) -> str | None:
    low = p.threshold_low
    alike = low is None or bool((low == low[:1]).all() and (p.threshold == p.threshold[:1]).all())
    found = {
        "refractory steps": p.refractory_steps > 0,
        "escape noise": p.escape is not None,
        "rectangular synapses (window_steps)": p.window_steps > 1,
        "a reset by subtraction": p.reset != "zero",
        "two thresholds and a periodic reset": low is not None and p.reset_interval > 0,
        "two thresholds that differ among neurons": not alike,
    }
    return next((name for name, there in found.items() if there), None)


def _script(path: Path, chip: ChipNetwork, stimulus: Stimulus, writer: str) -> tuple[str, dict[str, Any]]:
    import jinja2

    text = ScriptText()
    steps = stimulus.steps + chip.latency_steps
    entering = [line for port in chip.inputs for line in input_lines(text, port.name, stimulus)]
    neurons = [f"nodes[{p.name!r}] = {neuron_call(text, p)}" for p in chip.populations]
    synapses = [line for c in chip.connections for line in synapse_lines(text, chip, c)]
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )  # no autoescape: this is Python, and every name in it passes through repr
    environment.filters["pyrepr"] = repr
    template = resources.files("neuroalign.export").joinpath("templates", "lava_script.py.j2").read_text("utf-8")
    rendered = environment.from_string(template).render(
        title=_title(chip),
        writer=_plain(writer),
        script_name=_plain(path.name),
        data_name=data_path(path).name,
        shown_data_name=_plain(data_path(path).name),
        imports=imports(text.used),
        steps=steps,
        lag=chip.latency_steps,
        samples=stimulus.samples,
        populations=[{"name": p.name, "size": p.size, "latency": p.latency_steps} for p in chip.populations],
        learning=[
            c.name for c in chip.connections if c.plasticity is not None and c.pattern is None
        ],  # see the template
        sparse="csr_matrix" in text.used,
        spike_type="np.int8" if any(p.threshold_low is not None for p in chip.populations) else "bool",
        inputs=entering,
        neurons=neurons,
        synapses=synapses,
    )
    return rendered, text.arrays


def _title(chip: ChipNetwork) -> str:
    return f"{_plain(chip.name)} as profile {_plain(chip.profile_id)} holds it, in Lava."


def _plain(name: str) -> str:
    """A name within the docstring: nothing in it may end the string or escape."""
    return "".join(c if c.isalnum() or c in " ._->:,()[]/" else "_" for c in name)
