"""Standalone Lava scripts: run in a process that knows nothing of neuroalign, they give what the emulator gives."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_chips import chip, neurons, spikes_at, wire

from neuroalign.chip import ChipNetwork, EscapeNoise
from neuroalign.errors import ConversionRefused, InputError
from neuroalign.export.lava_script import write_lava_script
from neuroalign.recording import Probe, Recording, Stimulus
from neuroalign.sim.emulator import Emulator
from neuroalign.sim.lava_processes.backend import LavaBackend
from neuroalign.sim.lava_processes.holdable_synapses import without_shared_exponent
from neuroalign.verify.draw import draw_case

needs_lava = pytest.mark.skipif(LavaBackend().missing() is not None, reason=LavaBackend().missing() or "")
SEED = 3
CASES = {
    182: ("DelayDense(", "Dense(", "Sparse(", "Conv(", "LearningDense("),
    200: ("LearningSparse(", "LearningDense(", "Loihi2FLearningRule(", "Loihi3FLearningRule(", "s_in_y"),
    174: ("LIFReset(",),
    73: ("TernaryLIF(",),
}
"""Numbers of drawn networks, and what their scripts hold."""


def drawn(number: int) -> tuple[ChipNetwork, Stimulus]:
    case = draw_case(SEED, number)
    held = tuple(without_shared_exponent(c) for c in case.network.connections)
    return replace(case.network, connections=held), case.stimulus


def executed(script: Path) -> dict[str, np.ndarray]:
    """The script's recording; Python is isolated, so neither the checkout nor PYTHONPATH is looked at."""
    # A None among the modules lets no import of the package through, wherever it is installed.
    check = "import runpy, sys; sys.modules['neuroalign'] = None; sys.argv = ['net.py', '--out', 'r.npz']; runpy.run_path('net.py', run_name='__main__')"
    command = ["timeout", "-s", "TERM", "-k", "5", "60", sys.executable, "-I", "-c", check]
    ended = subprocess.run(command, cwd=script.parent, capture_output=True, text=True, start_new_session=True)
    assert ended.returncode == 0, ended.stderr[-2000:]
    with np.load(script.parent / "r.npz") as file:
        return dict(file)


def emulated(network: ChipNetwork, stimulus: Stimulus) -> Recording:
    probes: list[Probe] = [(p.name, state) for p in network.populations for state in "svu"]
    probes += [(c.name, state) for c in network.connections if c.plasticity and not c.pattern for state in "wt"]
    return Emulator().run(network, stimulus, probes)


@pytest.mark.lava
@needs_lava
@pytest.mark.parametrize("number", CASES)
def test_a_script_without_neuroalign_does_what_the_emulator_does(number: int, tmp_path: Path) -> None:
    network, stimulus = drawn(number)
    script, _ = write_lava_script(tmp_path / "net.py", network, stimulus)
    found, reference = executed(script), emulated(network, stimulus)
    assert set(found) == {
        *(f"{name}.{state}" for name, state in reference.states),
        *(f"{name}.input" for name in stimulus.inputs),
    }
    changing = 0
    for (name, state), values in reference.states.items():
        if state in "wt":
            values = values[:, -1]
        np.testing.assert_array_equal(found[f"{name}.{state}"], values, err_msg=f"{name}.{state}")
        changing += int(values.size and values.min() != values.max())
    assert changing >= 4


def test_every_kind_of_process_is_among_the_scripts(tmp_path: Path) -> None:
    for number, kinds in CASES.items():
        text = write_lava_script(tmp_path / "net.py", *drawn(number))[0].read_text()
        assert [kind for kind in kinds if kind not in text] == []
        assert "import neuroalign" not in text
        assert "from neuroalign" not in text
        compile(text, "net.py", "exec")


def test_the_same_network_gives_the_same_script_and_other_names_do_no_harm(tmp_path: Path) -> None:
    network = chip([neurons('a"""\n\\', 1)], [wire("in", 'a"""\n\\', [[2]])], channels=1)
    network = replace(network, name='x"""\nimport os')
    texts = [write_lava_script(tmp_path / "n.py", network, spikes_at(3, {}))[0].read_text() for _ in range(2)]
    assert texts[0] == texts[1]
    compile(texts[0], "n.py", "exec")
    assert "\nimport os" not in texts[0]


def test_what_standard_processes_do_not_have_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    noise = EscapeNoise("logistic", np.ones(1), np.array([0, 65536]))
    low = np.array([-3])
    refused: list[tuple[dict[str, Any], str]] = [
        ({"refractory_steps": 2}, "refractory"),
        ({"escape": noise}, "escape"),
        ({"window_steps": 3}, "window_steps"),
        ({"reset": "subtract"}, "subtraction"),
        ({"threshold_low": low, "reset_interval": 5}, "periodic"),
    ]
    for changes, word in refused:
        network = chip([neurons("p", 1, **changes)], [], channels=1)
        with pytest.raises(ConversionRefused, match=word):
            write_lava_script(tmp_path / "n.py", network, spikes_at(3, {}))
    with pytest.raises(InputError, match=r"\.py"):
        write_lava_script(tmp_path / "n.txt", chip([neurons("p", 1)], [], channels=1), spikes_at(3, {}))
    assert not list(tmp_path.iterdir())
