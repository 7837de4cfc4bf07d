"""Runs a .net file by lava-dl's own reader under Lava: FILE INPUT.npz RESULT.npz; the result holds s and v of the last layer."""

from __future__ import annotations

import sys
import types
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from neuroalign.sim.lava_processes import lava_compat

lava_compat.install()
for name in ("lava.lib.dl.slayer", "lava.lib.dl.slayer.neuron", "lava.lib.dl.slayer.neuron.rf"):
    stub = types.ModuleType(
        name
    )  # netx needs one function of it, for neurons that are not looked at here; torch is not
    stub.__dict__.update(__path__=[], neuron_params=None)
    sys.modules[name] = stub

from lava.lib.dl.netx.hdf5 import Network  # noqa: E402
from lava.magma.core.run_conditions import RunSteps  # noqa: E402
from lava.magma.core.run_configs import Loihi2SimCfg  # noqa: E402
from lava.proc.io.sink import RingBuffer as Sink  # noqa: E402
from lava.proc.io.source import RingBuffer  # noqa: E402
from lava.proc.monitor.process import Monitor  # noqa: E402


def main(file: str, given: str, result: str) -> None:
    """One run over all steps of the input, (channels..., steps)."""
    spikes = np.load(given)["x"]
    steps = spikes.shape[-1]
    network = Network(net_config=file)
    source = RingBuffer(data=spikes)
    sink = Sink(shape=network.out_layer.shape, buffer=steps)
    source.s_out.connect(network.inp)
    network.out.connect(sink.a_in)
    monitor = Monitor()
    monitor.probe(network.out_layer.neuron.v, steps)
    network.run(condition=RunSteps(num_steps=steps), run_cfg=Loihi2SimCfg(select_tag="fixed_pt"))
    (states,) = monitor.get_data().values()
    np.savez(result, s=sink.data.get(), v=next(iter(states.values())))
    network.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
