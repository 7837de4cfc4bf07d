"""A saved chip network whose large arrays stay in their file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from random_plastic import draw_plastic

from neuroalign.errors import FileFormatError
from neuroalign.export.hdf5 import FileArray
from neuroalign.export.nir_graph.write import read_chip, write_nir
from neuroalign.sim.emulator import Emulator


def test_a_chip_network_can_stay_in_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights and tags are read when asked for; they, and what a run makes of them, are the same."""
    rng = np.random.default_rng(0)
    run = draw_plastic(rng, 2, 30)
    path = write_nir(tmp_path / "net.nir", run.network)
    probes = [(p.name, "v") for p in run.network.populations] + [(c.name, "w") for c in run.plastic]
    expected = Emulator().run(run.network, run.stimulus, probes)
    monkeypatch.setattr("neuroalign.export.hdf5.LARGE", 0)
    monkeypatch.setattr("neuroalign.export.nir_graph.write.BLOCK_BYTES", 1)
    chip = read_chip(path, in_blocks=True)
    for c, stored in zip(chip.connections, run.network.connections, strict=True):
        assert isinstance(c.weight, FileArray)
        assert (c.weight.shape, c.weight.dtype, c.weight.ndim) == (stored.weight.shape, stored.weight.dtype, 2)
        np.testing.assert_array_equal(c.weight, stored.weight)
        np.testing.assert_array_equal(c.weight[1:3], stored.weight[1:3])
        assert c.plasticity is None or isinstance(c.plasticity.tag, FileArray)
        assert c.delays is None or isinstance(c.delays, np.ndarray)
    found = Emulator().run(chip, run.stimulus, probes)
    for probe in probes:
        np.testing.assert_array_equal(found.states[probe], expected.states[probe])
    path.unlink()
    with pytest.raises(FileFormatError, match=r"weight cannot be read .*was changed since"):
        Emulator().run(chip, run.stimulus, probes)
