"""The backend's contract: results, errors, and that nothing is left behind."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from importlib.machinery import ModuleSpec
from pathlib import Path

import numpy as np
import pytest
from random_networks import Options, draw_fixed, draw_stimulus

from neuroalign.chip import ChipInput, ChipNetwork, first_difference
from neuroalign.errors import BackendFailed, BackendMissing, InputError
from neuroalign.recording import Probe, Stimulus
from neuroalign.sim.lava_processes import backend as module
from neuroalign.sim.lava_processes.backend import LavaBackend
from neuroalign.sim.lava_processes.holdable import check_stimulus
from neuroalign.sim.lava_processes.job import Case, read_job, write_job

needs_lava = pytest.mark.skipif(LavaBackend().missing() is not None, reason=LavaBackend().missing() or "")
pytestmark = [pytest.mark.lava]
HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]


def network_and_stimulus(seed: int = 5, samples: int = 3, steps: int = 15) -> tuple[ChipNetwork, Stimulus]:
    rng = np.random.default_rng(seed)
    network = draw_fixed(rng, Options(sizes=(3, 2)))
    return network, draw_stimulus(rng, network, samples=samples, steps=steps)


def all_states(network: ChipNetwork) -> list[Probe]:
    return [(p.name, state) for p in network.populations for state in module.STATES]


@needs_lava
def test_results_have_the_shapes_types_and_latencies_of_the_contract() -> None:
    network, stimulus = network_and_stimulus()
    seen: list[tuple[int, int]] = []
    recording = LavaBackend().run(network, stimulus, all_states(network), progress=lambda *at: seen.append(at))
    assert recording.backend == LavaBackend().name == "lava"
    assert recording.latency_steps == {p.name: p.latency_steps for p in network.populations}
    for p in network.populations:
        for state in module.STATES:
            array = recording.states[p.name, state]
            assert array.shape == (3, 15 + network.latency_steps, p.size)
            assert array.dtype == (np.bool_ if state == "s" else np.int32)
    assert seen == sorted(seen)
    assert all(total == 3 for _, total in seen)


@needs_lava
def test_parts_that_nothing_connects_and_networks_without_input_run_too() -> None:
    network, _ = network_and_stimulus()
    alone = replace(network, inputs=(), connections=())
    empty = Stimulus({"nothing": np.zeros((2, 20, 0))})
    driven = tuple(replace(p, bias_mant=np.full(p.size, 500), v0=p.v0 * 0) for p in network.populations)
    recording = LavaBackend().run(replace(alone, populations=driven), empty, all_states(network))
    for p in network.populations:
        assert np.ptp(recording.states[p.name, "v"]) > 0
        np.testing.assert_array_equal(*recording.states[p.name, "v"])


@needs_lava
def test_one_sample_alone_and_among_others_is_the_same() -> None:
    network, stimulus = network_and_stimulus()
    probes = all_states(network)
    together = LavaBackend().run(network, stimulus, probes)
    single = [(network, Stimulus({n: a[k : k + 1] for n, a in stimulus.inputs.items()}), probes) for k in range(3)]
    for k, alone in enumerate(LavaBackend().run_cases(single)):
        for probe in probes:
            np.testing.assert_array_equal(together.states[probe][k], alone.states[probe][0])


@needs_lava
def test_samples_that_do_not_fit_one_lava_run_are_divided() -> None:
    network, stimulus = network_and_stimulus()
    probes = all_states(network)
    steps, channels = stimulus.steps + network.latency_steps, network.inputs[0].size
    code = f"""
import sys
from pathlib import Path
from neuroalign.sim.lava_processes import worker
worker.LARGEST_INPUT = {2 * steps * channels}
worker.main(Path(sys.argv[1]))
"""
    divided = LavaBackend(worker=("-c", code)).run(network, stimulus, probes)
    together = LavaBackend().run(network, stimulus, probes)
    for probe in probes:
        np.testing.assert_array_equal(together.states[probe], divided.states[probe])


def test_a_job_survives_its_files(tmp_path: Path) -> None:
    network, stimulus = network_and_stimulus()
    write_job(tmp_path, [Case(network, stimulus, (("p0", "v"), ("p1", "s")))])
    (case,) = read_job(tmp_path)
    assert first_difference(network, case.network) is None
    assert case.probes == (("p0", "v"), ("p1", "s"))
    for name, values in stimulus.inputs.items():
        np.testing.assert_array_equal(case.stimulus.inputs[name], values)
    assert not any(file.suffix == ".pkl" for file in tmp_path.iterdir())


def absent(name: str) -> Callable[..., ModuleSpec | None]:
    found = importlib.util.find_spec

    def find_spec(wanted: str, *args: str) -> ModuleSpec | None:
        return None if wanted == name else found(wanted, *args)

    return find_spec


@pytest.mark.parametrize("package", ["lava", "asteval"])
def test_without_a_package_one_line_says_what_to_install(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if package != "lava" and LavaBackend().missing():
        pytest.skip("lava-nc is not installed, so what else it needs is not looked for")
    network, stimulus = network_and_stimulus()
    monkeypatch.setattr(module, "find_spec", absent(package))
    with pytest.raises(BackendMissing) as error:
        LavaBackend().run(network, stimulus, [])
    assert package in str(error.value)
    assert "pip install --no-deps --ignore-requires-python lava-nc==0.10.0" in str(error.value)
    assert "\n" not in str(error.value)


def test_looking_for_lava_does_not_import_it() -> None:
    code = """
import sys
from neuroalign.sim.lava_processes.backend import LavaBackend
from neuroalign.sim.lava_processes.holdable import check_stimulus
LavaBackend().missing()
print(sorted({"lava", "scipy", "networkx", "sklearn"} & {n.partition(".")[0] for n in sys.modules}))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, check=True
    )
    assert done.stdout.strip() == b"[]"


@needs_lava
def test_a_wrong_probe_or_input_is_refused_before_lava_starts() -> None:
    network, stimulus = network_and_stimulus()
    backend = LavaBackend(worker=("-c", "raise SystemExit(9)"))
    for probe in (("p0", "w"), ("p9", "v")):
        with pytest.raises(InputError, match=probe[0]):
            backend.run(network, stimulus, [probe])
    for inputs in (
        {},
        {"other": stimulus.inputs["in"]},
        {"in": stimulus.inputs["in"] * 2},
        {"in": np.zeros((1, 9, 1))},
    ):
        with pytest.raises(InputError):
            backend.run(network, Stimulus(inputs), [])
    with pytest.raises(BackendFailed, match="no message"):
        backend.run(network, stimulus, [])


def test_a_graded_input_takes_whole_numbers() -> None:
    network, stimulus = network_and_stimulus()
    graded = replace(network, inputs=(ChipInput("in", stimulus.inputs["in"].shape[2], message_bits=8),))
    check_stimulus(graded, Stimulus({"in": stimulus.inputs["in"] * 100}))
    with pytest.raises(InputError, match=r"holds 0\.5"):
        check_stimulus(graded, Stimulus({"in": stimulus.inputs["in"] * 0 + 0.5}))


# --- nothing is left behind ------------------------------------------------------------------------------------------


def faulty(how: str, traces: Path) -> LavaBackend:
    return LavaBackend(worker=(str(HERE / "faulty_worker.py"), how, str(traces)))


def left_behind(traces: Path, memory_is_mapped: bool = False) -> list[str]:
    """What is left of the groups and shared memory that the faulty models wrote down; they must have written some."""
    files = list(traces.glob("*.txt"))
    assert files, "no model came to the point of hanging or failing"
    lines = [line for file in files for line in file.read_text().splitlines()]
    groups = {int(line) for line in lines if line.isdigit()}
    memory = {line for line in lines if line.startswith("/")}
    assert bool(memory) == (memory_is_mapped and Path("/dev/shm").is_dir())
    return [m for m in memory if Path(m).exists()] + [f"group {g}" for g in groups if runs(g)]


def runs(group: int) -> bool:
    if not Path("/proc/self/stat").exists():
        try:
            os.killpg(group, 0)
        except (ProcessLookupError, PermissionError):
            return False
        return True
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, of_group = stat.read_text(errors="replace").rpartition(")")[2].split()[:3]
        except OSError:
            continue
        if int(of_group) == group and state != "Z":
            return True
    return False


def eventually(condition: Callable[[], bool], seconds: float = 60.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.1)
    return condition()


@needs_lava
@pytest.mark.parametrize("how", ["hang", "processes-hang", "processes-die"])
def test_a_model_that_hangs_is_ended_at_the_time_limit(tmp_path: Path, how: str) -> None:
    """Lava waits for ever, also for a process that is gone; its processes have shared memory."""
    network, stimulus = network_and_stimulus()
    for limit in (4.0, 20.0, 100.0):  # a loaded machine may need longer to start Lava
        with pytest.raises(BackendFailed, match=f"within {limit:g} s"):
            faulty(how, tmp_path).run(network, stimulus, [("p0", "v")], time_limit_s=limit)
        if list(tmp_path.glob("*.txt")):
            break
    assert left_behind(tmp_path, memory_is_mapped="processes" in how) == []


@needs_lava
def test_a_worker_that_dies_is_reported_at_once(tmp_path: Path) -> None:
    network, stimulus = network_and_stimulus()
    with pytest.raises(BackendFailed, match="no message"):
        faulty("die", tmp_path).run(network, stimulus, [("p0", "v")], time_limit_s=300.0)
    assert left_behind(tmp_path) == []


@needs_lava
@pytest.mark.parametrize("how", ["fail", "processes-fail"])
def test_a_model_that_fails_is_reported_in_its_own_words_and_leaves_nothing(tmp_path: Path, how: str) -> None:
    network, stimulus = network_and_stimulus()
    with pytest.raises(BackendFailed, match=r"ValueError: made to fail$") as error:
        faulty(how, tmp_path).run(network, stimulus, [("p0", "v")], time_limit_s=300.0)
    assert "\n" not in str(error.value)
    assert left_behind(tmp_path, memory_is_mapped="processes" in how) == []


@needs_lava
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_ending_the_caller_ends_the_group(tmp_path: Path, number: signal.Signals) -> None:
    """Ctrl-C, and even a kill that leaves the caller no time to clean up."""
    traces = tmp_path / "traces"
    traces.mkdir()
    network, stimulus = network_and_stimulus()
    write_job(tmp_path, [Case(network, stimulus, ())])
    code = f"""
import sys
from pathlib import Path
from neuroalign.sim.lava_processes.backend import LavaBackend
from neuroalign.sim.lava_processes.holdable import check_stimulus
from neuroalign.sim.lava_processes.job import read_job
(case,) = read_job(Path({str(tmp_path)!r}))
LavaBackend(worker=({str(HERE / "faulty_worker.py")!r}, "processes-hang", {str(traces)!r})).run(case.network, case.stimulus, [])
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)}
    caller = subprocess.Popen([sys.executable, "-c", code], env=environment, stderr=subprocess.DEVNULL)
    try:
        assert eventually(lambda: bool(list(traces.glob("*.txt"))))
        caller.send_signal(number)
        assert caller.wait(timeout=60) != 0
        if number == signal.SIGINT:  # the caller itself cleans up
            assert left_behind(traces, memory_is_mapped=True) == []
        assert eventually(lambda: left_behind(traces, memory_is_mapped=True) == [])
    finally:
        caller.kill()
