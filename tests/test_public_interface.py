"""The names of the package, what deploy takes beside files, and what recordings, tables and objects become elsewhere."""

from __future__ import annotations

import doctest
import inspect
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hand_made import deployment

import neuroalign
from neuroalign import pipeline
from neuroalign.command_line.deploy import deploy as deploy_command
from neuroalign.demo import load_demo
from neuroalign.errors import BackendMissing, InputError
from neuroalign.recording import Recording, Stimulus


@pytest.fixture(scope="module")
def spikes() -> Any:
    _, stimulus = load_demo()
    return np.asarray(stimulus.inputs["input"][:2, :10])


@pytest.fixture(scope="module")
def deployed(spikes: Any) -> neuroalign.Deployment:
    return neuroalign.deploy(load_demo()[0], stimulus=spikes)


def test_every_public_name_is_there_listed_and_loaded_when_used() -> None:
    for name in neuroalign.__all__:
        assert getattr(neuroalign, name) is not None
        assert name in dir(neuroalign)
    with pytest.raises(AttributeError, match="no attribute 'deplyo'; public are"):
        neuroalign.deplyo  # noqa: B018
    for names, heavy in (("import neuroalign", "numpy"), ("from neuroalign import deploy", "scipy")):
        code = f"{names}; import sys; print([n for n in ({heavy!r}, *{HEAVY}) if n in sys.modules])"
        assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


HEAVY = ("numba", "h5py", "torch", "lava", "matplotlib", "jinja2", "scipy", "pandas")
"""Packages that are loaded by what uses them, not by what might."""


IN_PYTHON: Mapping[str, str] = {
    "file": "source", "input": "stimulus", "encode": "encoding", "backend": "backends", "form": "options.choices",
    "samples": "options.lava_samples", "calibrate": "options.calibration", "save": "write_nir", "compat": "write_nir",
    "json": "write_rows", "quiet": "options.progress", "exit_zero": "verdict",
}  # fmt: skip
"""Options of the command that are called otherwise in Python."""


def test_deploy_takes_in_python_what_the_command_takes() -> None:
    call = set(inspect.signature(pipeline.deploy).parameters)
    call |= {f"options.{name}" for name in inspect.signature(neuroalign.Options).parameters} | {
        "write_nir",
        "write_rows",
        "verdict",
    }
    for option in inspect.signature(deploy_command).parameters:
        there = IN_PYTHON.get(option, option)
        assert there in call or f"options.{there}" in call, f"--{option} has no equal in neuroalign.deploy"


def test_arrays_tensors_and_stimuli_give_the_same(spikes: Any, deployed: neuroalign.Deployment) -> None:
    forms: list[Any] = [Stimulus({"input": spikes}), {"input": spikes.tolist()}]
    torch = sys.modules.get("torch")
    if torch is not None:
        forms.append(torch.tensor(spikes, dtype=torch.float32, requires_grad=True))
    for form in forms:
        again = neuroalign.deploy(load_demo()[0], stimulus=form)
        for label in (run.label for run in deployed.runs):
            for probe, states in deployed.run(label).recording.states.items():
                np.testing.assert_array_equal(again.run(label).recording.states[probe], states)


def test_tensors_are_taken_without_torch_being_asked_for() -> None:
    class Tensor:
        """What a tensor that needs a gradient does: numpy gets it only by way of detach and cpu."""

        def __array__(self) -> Any:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad")

        def detach(self) -> Any:
            return self

        def cpu(self) -> Any:
            return self

        def numpy(self) -> Any:
            return np.ones((1, 2, 3))

    given: Any = {"input": Tensor()}
    assert Stimulus(given).inputs["input"].shape == (1, 2, 3)


def test_a_network_takes_tensors() -> None:
    class Tensor:
        """A tensor that needs a gradient, in single precision."""

        def __init__(self, values: Any) -> None:
            self.values = np.asarray(values, dtype=np.float32)

        def detach(self) -> Any:
            return self

        def cpu(self) -> Any:
            return self

        def numpy(self) -> Any:
            return self.values

    one, none, weight = np.ones(3), np.zeros(3), np.array([[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]], dtype=np.float32)
    given: Any = {"weight": Tensor(weight), "v_threshold": Tensor(one)}
    connection = neuroalign.Connection("c", "in", "out", given["weight"])
    assert connection.weight.dtype == np.float64
    np.testing.assert_array_equal(connection.weight, weight.astype(np.float64))
    out = neuroalign.Population(
        "out", "LIF", (3,), one, none, one, one, none, given["v_threshold"], none, none, none, none
    )
    assert out.v_threshold.dtype == np.float64


def test_one_sample_may_lack_its_axis_and_a_network_may_lie_in_memory(
    spikes: Any, deployed: neuroalign.Deployment
) -> None:
    again = neuroalign.deploy(deployed.network, stimulus=spikes[0])
    assert again.stimulus.inputs["input"].shape == (1, 10, 64)
    assert again.source == "network 'digits', from memory"
    for probe, states in deployed.run("loihi2 (emulator)").recording.states.items():
        np.testing.assert_array_equal(again.run("loihi2 (emulator)").recording.states[probe], states[:1])


def test_what_does_not_fit_is_refused_in_a_line(spikes: Any, deployed: neuroalign.Deployment) -> None:
    file = load_demo()[0]
    with pytest.raises(InputError, match=r"shape \(2, 10, 63\); \(samples, steps, 64\) or \(steps, 64\) is needed"):
        neuroalign.deploy(file, stimulus=spikes[..., 1:])
    with pytest.raises(InputError, match="arrays were given for image; the network's inputs are input"):
        neuroalign.deploy(file, stimulus={"image": spikes})
    with pytest.raises(InputError, match="dt says how a file is read"):
        neuroalign.deploy(deployed.network, dt=1e-3)
    with pytest.raises(InputError, match=r"type dict; .*nir\.write"):
        neuroalign.deploy({})  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"backends=\['lava'\]"):
        neuroalign.deploy(file, backends="lava")  # type: ignore[arg-type]


@pytest.mark.usefixtures("without_figures")
def test_out_writes_the_report(spikes: Any, tmp_path: Path) -> None:
    neuroalign.deploy(load_demo()[0], stimulus=spikes, out=tmp_path / "report")
    assert (tmp_path / "report" / "report.html").exists()


def test_a_recording_becomes_a_dataset(deployed: neuroalign.Deployment) -> None:
    pytest.importorskip("xarray")
    raw = deployed.chip_runs[0].raw
    assert raw is not None
    found = raw.to_xarray()
    assert found["hidden.v"].dims == ("sample", "step", "hidden_neuron")
    np.testing.assert_array_equal(found["hidden.v"].sel(step=3), raw.states["hidden", "v"][:, 2])
    assert found.attrs["latency_steps"] == {"hidden": 1, "readout": 2}


def test_synapses_have_axes_of_their_own() -> None:
    pytest.importorskip("xarray")
    states = {("c", "w"): np.zeros((1, 2, 3, 4)), ("c", "x1"): np.zeros((1, 2, 4)), ("c", "y1"): np.zeros((1, 2, 3))}
    found = Recording("emulator", states, {}, read_steps=(5, 10)).to_xarray()
    assert dict(found.sizes) == {"sample": 1, "read": 2, "c_target": 3, "c_source": 4}
    assert found["read"].values.tolist() == [5, 10]


def test_a_conversion_table_becomes_a_frame(deployed: neuroalign.Deployment) -> None:
    pytest.importorskip("pandas")
    frame = deployed.table.to_frame()
    assert len(frame) == len(deployed.table.rows)
    assert frame.loc[0, "where"] == deployed.table.rows[0].where
    assert list(neuroalign.ConversionTable().to_frame().columns) == list(frame.columns)


@pytest.mark.parametrize("package", ["xarray", "pandas"])
def test_without_the_package_a_line_says_what_to_install(
    package: str, deployed: neuroalign.Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    convert = deployed.table.to_frame if package == "pandas" else deployed.runs[0].recording.to_xarray
    with pytest.raises(BackendMissing, match=f"pip install {package}"):
        convert()


def test_a_notebook_shows_tables_and_escapes_names(deployed: neuroalign.Deployment) -> None:
    shown = {
        "network": deployed.network._repr_html_(),
        "chip": deployed.chip._repr_html_() if deployed.chip else "",
        "table": deployed.table._repr_html_(),
        "deployment": deployed._repr_html_(),
        "rule": neuroalign.load_rule("sal")._repr_html_(),
        "placement": deployed.placed.placement._repr_html_() if deployed.placed else "",
        "agreement": deployed.agreements[0]._repr_html_(),
        "recording": deployed.runs[0].recording._repr_html_(),
        "profile": neuroalign.load_profile("loihi1")._repr_html_(),
    }
    for name, text in shown.items():
        assert text.count("<table") == text.count("</table>") >= 1, name
        assert text.count("<td") == text.count("</td>") > 3, name
    assert "hidden" in shown["network"]
    assert neuroalign.verdict(deployed).headline.split("<")[0] in shown["deployment"]
    made = deployment()
    hostile = type(made.network)(**{**vars(made.network), "name": "<script>"})
    assert "<script>" not in hostile._repr_html_()
    assert "&lt;script&gt;" in hostile._repr_html_()


@pytest.mark.parametrize("name", [name for name in neuroalign.__all__ if name != "__version__"])
def test_the_example_of_every_public_name_gives_what_it_says(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spikes: Any
) -> None:
    for package in ("pandas", "xarray"):
        pytest.importorskip(package)
    shutil.copy(load_demo()[0], tmp_path / "network.nir")
    _, images = load_demo()
    np.savez(tmp_path / "spikes.npz", input=np.asarray(images.inputs["input"][:8]))
    monkeypatch.chdir(tmp_path)
    (found,) = (t for t in doctest.DocTestFinder(recurse=False).find(getattr(neuroalign, name), name, globs={}))
    assert found.examples, f"{name} has no example"
    said: list[str] = []
    doctest.DocTestRunner().run(found, out=said.append)
    assert not said, "".join(said)


def test_help_of_the_package_names_everything_public() -> None:
    told = neuroalign.__doc__ or ""
    for name in set(neuroalign.__all__) - {"__version__"}:
        assert re.search(rf"\b{name}\b", told), f"help(neuroalign) does not name {name}"
