"""The demonstration: a digit-reading network that this project trained, on every backend installed here."""

from __future__ import annotations

from neuroalign.demo import load_demo
from neuroalign.deployment import Deployment
from neuroalign.encoding import encode
from neuroalign.export.nir_graph import read_nir
from neuroalign.pipeline import deploy_network
from neuroalign.pipeline.options import BackendName, Options, Progress
from neuroalign.profile import load_profile
from neuroalign.sim.lava_processes.backend import LavaBackend
from neuroalign.sim.norse_reference.backend import NorseReference

DT = 1e-3
LAVA_SAMPLES = 10
"""Samples that also run on Lava: it takes about a tenth of a second to build its processes for each."""


def run_demo(progress: Progress | None = None) -> Deployment:
    """Deploy the shipped digits network to loihi2 over its whole test split."""
    file, stimulus = load_demo()
    backends: list[BackendName] = ["emulator"]
    if NorseReference().missing() is None:
        backends.append("norse")
    if LavaBackend().missing() is None:
        backends.append("lava")
    options = Options(backends=tuple(backends), lava_samples=LAVA_SAMPLES, command="neuroalign demo", progress=progress)
    imported = read_nir(file, dt=DT, reset="zero")
    return deploy_network(imported, load_profile("loihi2"), encode(stimulus, None), options)
