"""Generated kernels on disk: written once, found again by the next process, never in the way of a run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pytest
from small_chips import chip, neurons, wire

from neuroalign.chip import ChipConnection, ChipNetwork, Plasticity
from neuroalign.microcode import Trace
from neuroalign.microcode.text import program_from_text
from neuroalign.recording import Stimulus
from neuroalign.sim.emulator import Emulator
from neuroalign.sim.emulator.codegen_cache import is_cached, kernel, source_name, user_folder
from neuroalign.sim.emulator.codegen_source import source_of
from neuroalign.sim.emulator.codegen_terms import plan_of, rule_of
from neuroalign.sim.emulator.driver import Implementation
from neuroalign.sim.emulator.prepared import ENDLESS, Prepared
from neuroalign.sim.emulator.routines import WORTH_COMPILING, WORTH_LOADING, Calls, choose

TRACE = Trace(40.0, 8.0)


def learning(dw: str, t_epoch: int = 1, size: int = 6, tags: str = "") -> ChipNetwork:
    """Two populations that follow the input, and a connection that learns between them."""
    program = program_from_text(dw, dt=tags, t_epoch=t_epoch, x1=TRACE, y1=TRACE)
    weight = np.arange(size * size).reshape(size, size) % 90 * 2
    plasticity = Plasticity(program, weight - 40, 1.0)
    relays = [neurons(n, size, du=4095, dv=4095, threshold=0) for n in ("pre", "post")]
    into = 64 * np.eye(2 * size, dtype=np.int64)
    plastic = ChipConnection(
        "learns", "pre", "post", weight, wire("pre", "post", weight).weight_format, 0, "mixed", plasticity=plasticity,
        drives=False,
    )  # fmt: skip
    return chip(relays, [wire("in", "pre", into[:size]), wire("in", "post", into[size:]), plastic], 2 * size)


def run(network: ChipNetwork, implementation: Implementation, folder: Path) -> list[list[int]]:
    """Weights after some steps, and the counters."""
    spikes = np.random.default_rng(4).random((1, 60, network.inputs[0].size)) < 0.2
    recording = Emulator(folder).run(
        network, Stimulus({"in": spikes}), [("learns", "w"), ("learns", "t")], implementation=implementation
    )
    found = [recording.states["learns", state].ravel().tolist() for state in ("w", "t")]
    return [*found, sorted(recording.counts.values())]


def source(dw: str) -> str:
    """The source of a rule's kernel."""
    (connection,) = (c for c in learning(dw).connections if c.plasticity is not None)
    assert connection.plasticity is not None
    return source_of(plan_of(rule_of(connection.plasticity, "mixed", True)))


def test_a_run_with_generated_kernels_is_the_reference_and_leaves_them_in_its_folder(tmp_path: Path) -> None:
    network = learning("2^-2*y0*x1 - 2^-2*x0*y1", t_epoch=2, tags="2^-3*y0*t*x1 - 2*x0*y1")
    assert run(network, "generated", tmp_path) == run(network, "reference", tmp_path)
    (file,) = tmp_path.glob("*.py")
    assert list(tmp_path.glob(f"__pycache__/{file.stem}.*.nbc"))


def test_another_process_finds_the_machine_code(tmp_path: Path) -> None:
    text = source("2^-3*x0*y1")
    assert not is_cached(text, tmp_path)
    assert kernel(text, tmp_path).owner.cache_hits == 0
    assert is_cached(text, tmp_path)
    script = (
        "import sys, pathlib\n"
        "from neuroalign.sim.emulator.codegen_cache import kernel\n"
        "print(kernel(sys.stdin.read(), pathlib.Path(sys.argv[1])).owner.cache_hits)\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], input=text, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "1"


def test_the_name_tells_rules_and_versions_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    names = {source_name(source(rule)) for rule in ("x0*y1", "2*x0*y1", "y0*x1")}
    monkeypatch.setattr(numba, "__version__", "0.0.0")
    names |= {source_name(source(rule)) for rule in ("x0*y1", "2*x0*y1", "y0*x1")}
    assert len(names) == 6


def test_traces_and_epochs_of_several_steps_share_a_kernel(tmp_path: Path) -> None:
    """What a kernel does not depend on is not compiled again."""
    first, second = learning("x0*y1", t_epoch=2), learning("x0*y1", t_epoch=9, size=3)
    chosen = [choose(network, "generated", 1, tmp_path)[0] for network in (first, second)]
    assert chosen[0] is not None
    assert chosen[1] is not None
    assert chosen[0].kernel is chosen[1].kernel


def test_a_file_that_says_something_else_is_not_run(tmp_path: Path) -> None:
    text = source("3*x0*y1")
    file = tmp_path / f"{source_name(text)}.py"
    file.write_text("raise SystemExit('not what was generated')\n")
    assert kernel(text, tmp_path).address
    assert file.read_text() == text


@pytest.mark.parametrize("kind", ["nbi", "nbc"])
@pytest.mark.parametrize("harm", [b"", b"\x80\x05\x95", b"no machine code" * 99])
def test_damaged_machine_code_is_made_anew(kind: str, harm: bytes, tmp_path: Path) -> None:
    network = learning("2^-1*x1*y0 - 2^-3*x0*w")
    expected = run(network, "generated", tmp_path)
    for times in range(2):
        (damaged,) = tmp_path.glob(f"__pycache__/*.{kind}")
        if times == 0:
            damaged.write_bytes(harm)
        kernel.cache_clear()  # as in a new process
        assert run(network, "generated", tmp_path) == expected
    assert damaged.read_bytes() != harm


def test_a_folder_that_cannot_be_written_costs_nothing_but_time(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    network = learning("5*x0*y1")
    assert run(network, "generated", blocked / "kernels") == run(network, "reference", tmp_path)
    assert blocked.read_text() == "in the way"


def test_without_a_home_kernels_stay_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere() -> Path:
        raise RuntimeError("no home")

    monkeypatch.setattr(Path, "home", nowhere)
    assert user_folder() is None


@pytest.mark.parametrize("steps", [1, 100, ENDLESS])
def test_small_networks_wait_for_no_compilation(tmp_path: Path, steps: int) -> None:
    assert choose(learning("7*x0*y1"), "kernels", steps, tmp_path) == (None,)
    assert not list(tmp_path.iterdir())


def test_large_ones_are_worth_it_and_machine_code_at_hand_is_worth_it_sooner(tmp_path: Path) -> None:
    network = learning("6*x0*y1", size=64)
    pairs = 64 * 64
    some, many = int(WORTH_LOADING / pairs) + 1, int(WORTH_COMPILING / pairs) + 1
    assert choose(network, "kernels", some, tmp_path) == (None,)
    assert choose(network, "kernels", many, tmp_path)[0] is not None
    assert choose(network, "kernels", some, tmp_path)[0] is not None
    assert choose(network, "kernels", some // 2, tmp_path) == (None,)
    assert choose(network, "interpreter", many, tmp_path) == (None,)


def test_a_kernel_is_used_for_the_products_alone_that_it_was_written_for(tmp_path: Path) -> None:
    """Programs can change while a network runs: other traces are the same kernel's, other products or epochs of u not."""
    network = learning("u0*x1 - x0*y1")
    prepared = Prepared(network, (), implementation="generated", folder=tmp_path)
    tables = prepared.layout.plastic.tables
    calls = Calls(prepared.chosen, tables, prepared.layout.plastic.start)
    assert calls.routines(tables).addresses[0]
    assert calls.routines(tables._replace(decay=tables.decay / 2)).addresses[0]
    seldom = tables.connections.copy()
    seldom["period"] = 4
    assert not calls.routines(tables._replace(connections=seldom)).addresses[0]
    assert not calls.routines(tables._replace(coefficients=2 * tables.coefficients)).addresses[0]
    assert calls.routines(tables).addresses[0]
