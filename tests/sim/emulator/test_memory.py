"""Memory: stated beforehand, refused where it would not fit, and no more than two bytes for a weight."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import memory_worker
import numpy as np
import pytest
from small_chips import chip, neurons, silence, wire

from neuroalign.chip import ChipNetwork, Fixed, Plasticity
from neuroalign.errors import InputError, NetworkError
from neuroalign.export.hdf5 import write_tree
from neuroalign.microcode.text import program_from_text
from neuroalign.sim.emulator import Batch, Emulator, memory, memory_needed
from neuroalign.sim.emulator.blocks import BLOCK_BYTES, extent, narrowed, row_blocks
from neuroalign.sim.emulator.prepared import Prepared, state_arrays

ROOT = Path(__file__).resolve().parents[3]
SIZE = 1792


class Rows:
    """An array that can only be read by rows, and says how many it was asked for at once."""

    def __init__(self, array: Any) -> None:
        self._array, self.shape, self.dtype, self.most = array, array.shape, array.dtype, 0

    def __getitem__(self, key: slice) -> Any:
        assert isinstance(key, slice)
        self.most = max(self.most, key.stop - key.start)
        return self._array[key]


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux's /proc")
@pytest.mark.parametrize(("tagged", "bytes_a_synapse"), [(False, 3), (True, 5)])
def test_a_plastic_network_read_in_blocks_takes_few_bytes_a_synapse(
    tmp_path: Path, tagged: bool, bytes_a_synapse: int
) -> None:
    weight = (np.arange(SIZE * SIZE, dtype=np.int16) % 100 * 2).reshape(SIZE, SIZE)
    path = write_tree(tmp_path / "weight.h5", {"weight": weight})
    paths = [str(ROOT), str(ROOT / "tests"), os.environ.get("PYTHONPATH", "")]
    done = subprocess.run(
        [sys.executable, memory_worker.__file__, str(path), str(SIZE), str(int(tagged))],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))},
        capture_output=True,
        text=True,
        check=True,
    )
    grown, stated = (int(number) for number in done.stdout.split())
    # a block as it is read, and as it is compared; another copy of the weights would not go unnoticed
    assert grown <= bytes_a_synapse * SIZE * SIZE + 2 * BLOCK_BYTES
    assert 0.5 * stated < grown


def held_by(network: ChipNetwork, steps: int) -> int:
    """What a run holds, by the arrays that it holds."""
    prepared = Prepared(network, ())
    draws = prepared.draws(steps)
    run = prepared.start(draws)
    held = sum(array.nbytes for array in state_arrays(run).values())
    layout = prepared.layout
    if draws is not None:
        held += sum(array.nbytes for array in draws.chunk(0)[1])
    static = [a for a in [*vars(layout).values(), *layout.static] if isinstance(a, np.ndarray)]
    return held + sum(array.nbytes for array in static)


@pytest.mark.parametrize("delayed", [False, True])
@pytest.mark.parametrize("bits", [8, 24])
@pytest.mark.parametrize("tagged", [False, True])
def test_what_is_stated_is_what_is_held(delayed: bool, bits: int, tagged: bool) -> None:
    """Nothing large is forgotten, and nothing is stated that is not there, but for static synapses being laid out."""
    size, rng = 150, np.random.default_rng(0)
    weight = rng.integers(-100, 100, (size, size)) * 2
    program = program_from_text("x0", dt="x0" if tagged else "")
    delays = rng.integers(0, 3, weight.shape) if delayed else None
    static = wire("n", "m", weight << (bits - 8), delays=delays, weight_format=Fixed(bits))
    plastic = wire("m", "m", weight, plasticity=Plasticity(program, weight, 1.0))
    for wires, most in ([plastic], 1.1), ([static, plastic], 1.8):
        network = chip([neurons("n", size), neurons("m", size)], wires)
        stated, held = memory_needed(network, 1, 2000, []).total, held_by(network, 2000)
        assert held * 0.97 < stated < held * most


def test_runs_that_do_not_fit_name_what_takes_most_and_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    zero = np.zeros((60, 60), dtype=np.int64)
    plasticity = Plasticity(program_from_text("x0"), zero, 1.0)
    network = chip([neurons("n", 60)], [wire("n", "n", zero, plasticity=plasticity)])
    monkeypatch.setattr(memory, "available_bytes", lambda: 1)
    monkeypatch.setattr("neuroalign.sim.emulator.jobs.os.sched_getaffinity", lambda _: range(8), raising=False)
    cases: list[tuple[Any, str]] = [
        ({}, "for the synapses of 'n->n', .*; use a machine with more memory"),
        ({"threads": 2, "batch": Batch(4)}, "for the synapses of 'n->n', .*; use fewer than 2 threads"),
        ({"probes": [("n", "v")], "stimulus": silence(1000)}, "for the recording, .*; record fewer populations"),
    ]
    for changes, message in cases:
        call = {"network": network, "stimulus": silence(3), "probes": []} | changes
        with pytest.raises(InputError, match=message) as caught:
            Emulator().run(**call)
        assert "\n" not in str(caught.value)


def test_weights_may_be_anything_with_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neuroalign.sim.emulator.blocks.BLOCK_BYTES", 8 * 7 * 2)
    rng = np.random.default_rng(0)
    weight, static, tag = (rng.integers(-50, 50, (9, 7)) * 2 for _ in range(3))
    program = program_from_text("2^-2*x0*t", dt="x0")
    sources = neurons("m", 7, bias_mant=60, threshold=1, dv=400)

    def network(wrap: Any) -> ChipNetwork:
        plasticity = Plasticity(program, wrap(tag), 1.0)
        learns = replace(wire("m", "n", 0), weight=wrap(weight), plasticity=plasticity)
        return chip([sources, neurons("n", 9)], [learns, replace(wire("m", "n", 0), name="s", weight=wrap(static))])

    probes = [("n", "u"), ("m->n", "w"), ("m->n", "t")]
    expected = Emulator().run(network(np.asarray), silence(20), probes)
    in_rows = network(Rows)
    for implementation in ("kernels", "reference"):
        found = Emulator().run(in_rows, silence(20), probes, implementation=implementation)
        for probe in probes:
            np.testing.assert_array_equal(found.states[probe], expected.states[probe])
    assert expected.states["m->n", "w"].any()
    assert [c.weight.most for c in in_rows.connections] == [2, 2]  # type: ignore[attr-defined]


def test_values_are_refused_in_whichever_block_they_lie(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neuroalign.sim.emulator.blocks.BLOCK_BYTES", 1)
    weight = np.zeros((9, 2), dtype=np.int64)
    for value, message in [(3, r"weight\[7, 1\] = 3 is not held"), (1 << 31, r"weight\[7, 1\] is 2147483648; 32 bits")]:
        weight[7, 1] = value
        with pytest.raises(NetworkError, match=message):
            Emulator().run(chip([neurons("m", 2), neurons("n", 9)], [wire("m", "n", weight)]), silence(2), [])


def test_blocks_make_up_the_array(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neuroalign.sim.emulator.blocks.BLOCK_BYTES", 8 * 3 * 2)
    array = np.arange(-6, 15).reshape(7, 3)
    assert [first for first, _ in row_blocks(array)] == [0, 2, 4, 6]
    np.testing.assert_array_equal(np.concatenate([block for _, block in row_blocks(array)]), array)
    assert extent(array) == (-6, 14)
    assert extent(array[:0]) == (0, 0)
    assert narrowed(array) is array
    np.testing.assert_array_equal(narrowed(Rows(array)), array)
    assert narrowed(Rows(array)).dtype == np.int16
    assert narrowed(Rows(array * 10_000)).dtype == np.int64


GROUPS = {
    "version 2": ("0::/a/b", "a", ("memory.max", "memory.current"), "inactive_file"),
    "version 2, seen from a container": ("0::/x/y", "", ("memory.max", "memory.current"), "inactive_file"),
    "version 1": ("5:memory:/a", "memory/a", ("memory.limit_in_bytes", "memory.usage_in_bytes"), "total_inactive_file"),
}


@pytest.mark.parametrize("kind", GROUPS)
def test_the_limit_of_a_container_counts(kind: str, tmp_path: Path) -> None:
    line, folder, (limit, used), reclaimable = GROUPS[kind]
    own, group = tmp_path / "own", tmp_path / "root" / folder
    own.write_text(f"{line}\n", encoding="ascii")
    (group / "b").mkdir(parents=True)
    assert memory._free_in_group(tmp_path / "root", own) is None
    (group / used).write_text("700\n", encoding="ascii")
    (group / "memory.stat").write_text(f"anon 3\n{reclaimable} 40\n", encoding="ascii")
    (group / limit).write_text("max\n", encoding="ascii")
    assert memory._free_in_group(tmp_path / "root", own) is None
    (group / limit).write_text("1000\n", encoding="ascii")
    assert memory._free_in_group(tmp_path / "root", own) == 340
    assert memory._free_in_group(tmp_path / "root", tmp_path / "none") is None
