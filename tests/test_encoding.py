"""The test signal: whatever its length, the same spikes, and a refusal where memory cannot hold it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_entry_point import write_network

from neuroalign import encoding, pipeline
from neuroalign.encoding import bernoulli_signal
from neuroalign.errors import InputError

PORTS: Any = (type("Port", (), {"name": "a", "size": 3}), type("Port", (), {"name": "b", "size": 2}))


def test_spikes_do_not_depend_on_how_they_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoding, "STRETCH", 17)
    found = bernoulli_signal(PORTS, samples=2, steps=50, rate=0.3, seed=4).inputs
    generator = np.random.default_rng(4)
    for name, size in (("a", 3), ("b", 2)):
        np.testing.assert_array_equal(found[name], generator.random((2, 50, size)) < 0.3)


@pytest.mark.parametrize("steps", [10**14, 10**30])
def test_a_signal_that_numpy_cannot_make(steps: int) -> None:
    with pytest.raises(InputError, match=f"{steps} steps .* does not fit into memory; give fewer --steps"):
        bernoulli_signal(PORTS, steps=steps)


def test_a_signal_that_memory_does_not_hold(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(pipeline.stimulus, "available_bytes", lambda: 1000)
    with pytest.raises(InputError, match=r"126 steps needs .* are available; give fewer --steps"):
        pipeline.deploy(write_network(tmp_path / "a.nir"), "loihi2", dt=1e-3, steps=126)
