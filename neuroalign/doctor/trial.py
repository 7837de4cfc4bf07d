"""Tries one thing and says what was seen: ``python -m neuroalign.doctor.trial NAME``.

Each trial runs in a Python of its own: a library that crashes, or hangs while it is imported, ends the trial and not the
examination. The last line printed is what was seen; an exception is the reason why it fails.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from neuroalign.chip import ChipNetwork
from neuroalign.compile import compile_network, float_model
from neuroalign.demo import load_demo
from neuroalign.errors import BackendFailed
from neuroalign.export.nir_graph import read_nir
from neuroalign.fidelity import equal_states
from neuroalign.network import Network
from neuroalign.profile import load_profile
from neuroalign.recording import Probe, Recording, Stimulus, first_samples

CLOSE_VOLTS = 1e-9
"""Two float forms of the same network differ by rounding alone."""


def model() -> tuple[Network, Stimulus]:
    """The network of the demonstration and one of its images."""
    file, stimulus = load_demo()
    return read_nir(file).network, replace(first_samples(stimulus, 1), labels=None)


def chip_and_probes(network: Network) -> tuple[ChipNetwork, list[Probe]]:
    """The network in the integers of loihi2, and all that is recorded of it."""
    chip, _ = compile_network(network, load_profile("loihi2"))
    return chip, [(p.name, state) for p in chip.populations for state in ("s", "v", "u")]


def try_numba() -> str:
    """Compile a function and call it."""
    import numba

    double = numba.njit(lambda number: 2 * number)
    if double(21) != 42:
        raise BackendFailed("a compiled function gave a wrong number")
    return "compiles"


def try_files() -> str:
    """Read a network and write it, with what the chip holds, to a NIR file and back."""
    from neuroalign.chip import first_difference
    from neuroalign.export.nir_graph.write import read_chip, write_nir

    network, _ = model()
    chip, _ = chip_and_probes(network)
    with tempfile.TemporaryDirectory(prefix="neuroalign-doctor-") as folder:
        difference = first_difference(chip, read_chip(write_nir(Path(folder) / "network.nir", chip, network=network)))
    if difference is not None:
        raise BackendFailed(f"a network differs after writing and reading: {difference}")
    return "a network was written and read back, unchanged"


def try_figures() -> str:
    """Draw a picture as the report does."""
    from neuroalign.export.figures.curves import curves

    if not curves("trial", "trial", "x", "y", [("line", [0.0, 1.0], [0.0, 1.0], [0.0, 0.0])]).png:
        raise BackendFailed("a picture came out empty")
    return "draws"


def try_emulator() -> str:
    """The digit network on one image, in the emulator and in its readable form."""
    from neuroalign.sim.emulator import Emulator

    network, stimulus = model()
    chip, probes = chip_and_probes(network)
    run = Emulator().run(chip, stimulus, probes)
    require_equal(run, Emulator().run(chip, stimulus, probes, implementation="reference"))
    return "ran the digit network; equals its readable form"


def try_norse() -> str:
    """The digit network on one image, in Norse and in the toolkit's own float form."""
    from neuroalign.sim.emulator import Emulator
    from neuroalign.sim.norse_reference.backend import NorseReference

    network, stimulus = model()
    probes = [(p.name, "v") for p in network.populations]
    norse = NorseReference().run_model(network, stimulus, probes)
    own = Emulator().run(float_model(network, load_profile("ideal")), stimulus, probes, implementation="reference")
    worst = max(float(np.abs(norse.states[p] - own.aligned(*p, stimulus.steps)).max(initial=0.0)) for p in norse.states)
    if not worst <= CLOSE_VOLTS:
        raise BackendFailed(f"membranes in Norse differ from the float model by up to {worst:.2g} V")
    return f"ran the digit network; membranes agree within {CLOSE_VOLTS:g} V"


def try_lava() -> str:
    """The digit network on one image, in Lava and in the emulator."""
    from neuroalign.sim.emulator import Emulator
    from neuroalign.sim.lava_processes.backend import LavaBackend
    from neuroalign.sim.lava_processes.lava_compat import measures

    network, stimulus = model()
    chip, probes = chip_and_probes(network)
    lava = LavaBackend().run(chip, stimulus, probes, time_limit_s=90.0)
    equal = require_equal(lava, Emulator().run(chip, stimulus, probes, implementation="reference"))
    mended = f" (mended here for {', '.join(measures())})" if measures() else ""
    return f"ran the digit network; {equal:,} values equal the emulator's{mended}"


def require_equal(one: Recording, other: Recording) -> int:
    """How many values that change are equal in both; BackendFailed unless all are."""
    states = equal_states(one, other)
    if states.mismatches or not states.compared:
        raise BackendFailed(f"{states.mismatches} of {states.compared} values differ")
    return states.compared


TRIALS: Mapping[str, Callable[[], str]] = {
    "numba": try_numba,
    "files": try_files,
    "figures": try_figures,
    "emulator": try_emulator,
    "norse": try_norse,
    "lava": try_lava,
}

if __name__ == "__main__":
    print(TRIALS[sys.argv[1]]())
