"""Parameters as frameworks mean them: rockpool's step written out here, the others against their own recorded spikes.

tests/interop/test_foreign_files.py has norse, snnTorch, sinabs and Spyx. Importing rockpool installs software, so its
arithmetic stands here as its source has it (``LIFNeuronTorch.forward``, ``LIFTorch.forward`` and ``to_nir`` of 3.1.0).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from interop_networks import output_spikes
from nir_files import affine, chain, lif, port, write_raw

from neuroalign.compile import compile_network
from neuroalign.errors import InputError, NetworkError
from neuroalign.export.nir_graph import read_nir
from neuroalign.network import euler
from neuroalign.profile import load_profile

DT = 1e-3
TAU = np.array([0.01, 0.02, 0.035])
WEIGHT = np.random.default_rng(3).uniform(0.0, 0.4, (3, 4))
EDGES = [("input", "0_LinearTorch"), ("0_LinearTorch", "1_LIFTorch"), ("1_LIFTorch", "output")]


def _rockpool_file(path: Path, tau_syn: float | None) -> Path:
    """What rockpool's ``to_nir`` writes: r from tau_mem, ports with batch (and time) in front, no v_reset, no w_in."""
    one = np.ones(3)
    fields: dict[str, Any] = {"r": TAU * np.exp(-DT / TAU) / DT, "v_leak": 0 * one, "v_threshold": one}
    if tau_syn is None:
        fields |= {"type": "LIF", "tau": TAU}
    else:
        fields |= {"type": "CubaLIF", "tau_mem": TAU, "tau_syn": tau_syn * one}
    nodes = {
        "input": port("Input", 1, 4),
        "0_LinearTorch": affine(WEIGHT),
        "1_LIFTorch": fields,
        "output": port("Output", 1, 1, 3),
    }
    return write_raw(path, {"type": "NIRGraph", "nodes": nodes, "edges": [list(e) for e in EDGES]})


def _rockpool_spikes(given: Any, tau_syn: float | None) -> Any:
    current, v = np.zeros(3), np.zeros(3)
    spikes = []
    for x in given:
        if tau_syn is None:
            v = v * np.exp(-DT / TAU) + WEIGHT @ x
        else:
            current = (current + WEIGHT @ x) * np.exp(-DT / tau_syn)
            v = v * np.exp(-DT / TAU) + current
        several = np.floor(v / 1.0) * (v >= 1.0)
        v = v - several
        spikes.append(several)
    return np.array(spikes)


@pytest.mark.parametrize("tau_syn", [None, 2e-3])
def test_rockpool_files_spike_as_rockpool(tau_syn: float | None, tmp_path: Path) -> None:
    path = _rockpool_file(tmp_path / "rockpool.nir", tau_syn)
    given = (np.random.default_rng(5).random((300, 4)) < 0.15).astype(np.uint8)
    found = read_nir(path, written_by="rockpool")
    assert any("batch dimension dropped" in line for line in found.repairs)
    assert "reset 'subtract', the default of rockpool; --reset otherwise" in found.assumptions
    assert found.network.dt == pytest.approx(DT, rel=1e-9)
    theirs = _rockpool_spikes(given, tau_syn)
    assert theirs.max() == 1
    assert theirs.sum() >= 20
    chip, _ = compile_network(found.network, load_profile("ideal"))
    np.testing.assert_array_equal(output_spikes(chip, given), theirs)


def test_rockpool_is_guessed_from_names_and_gains(tmp_path: Path) -> None:
    said = " ".join(read_nir(_rockpool_file(tmp_path / "a.nir", None)).assumptions)
    assert (
        "rockpool probably wrote this file (a guess: nodes named like '0_LinearTorch'; r = (tau/dt) exp(-dt/tau))"
        in said
    )


def test_a_file_without_traits_has_no_guess(tmp_path: Path) -> None:
    found = read_nir(write_raw(tmp_path / "a.nir", chain(lif(r=np.full(3, 2.5)))), dt=DT)
    assert "probably" not in " ".join(found.assumptions)


def test_infinite_tau_and_gain_neither_leak_nor_scale(tmp_path: Path) -> None:
    """SnnTorch writes beta = 1 so; in one layer some neurons may leak and others not."""
    endless = np.array([np.inf, 0.02, np.inf])
    gains = np.array([np.inf, 2.0, np.inf])
    for tau, gain in ((endless, gains), (np.full(3, np.inf), np.full(3, np.inf))):
        fields = lif(tau=tau, r=gain)
        network = read_nir(write_raw(tmp_path / "a.nir", chain(fields)), dt=DT).network
        of = euler(network.populations[0], DT)
        kept = np.isinf(tau)
        np.testing.assert_array_equal(1 - of.decay_v[kept], 1.0)
        np.testing.assert_allclose(of.gain_v[kept], 1.0, rtol=1e-15)
        np.testing.assert_allclose(of.gain_v[~kept], 0.1)


def test_a_late_reset_needs_an_unfiltered_membrane(tmp_path: Path) -> None:
    one = np.ones(3)
    fields = lif() | {"type": "CubaLIF", "tau_mem": 0.02 * one, "tau_syn": 0.005 * one, "w_in": one}
    path = write_raw(tmp_path / "a.nir", chain({k: v for k, v in fields.items() if k != "tau"}))
    with pytest.raises(NetworkError, match="cannot be said of neurons with a synaptic filter"):
        read_nir(path, dt=DT, reset="subtract-late")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"written_by": "norse"}, "norse does not write it; add --dt SECONDS"),
        ({"written_by": "brian"}, "writer 'brian' is unknown"),
        ({"written_by": "sinabs"}, "add --dt SECONDS"),
    ],
)
def test_what_the_user_has_to_give_is_said(options: dict[str, Any], words: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=words):
        read_nir(write_raw(tmp_path / "a.nir", chain()), **options)
