"""dt inferred from clues, and units of time constants."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from nir_files import chain, lif, write_raw

from neuroalign.errors import InputError
from neuroalign.export.nir_graph import read_nir


def _leaky(beta: Any, dt: float) -> dict[str, Any]:
    """What snnTorch writes for Leaky(beta), in float32 as it does."""
    tau = (np.float32(dt) / (1 - np.asarray(beta, dtype=np.float32))) * np.ones(3, dtype=np.float32)
    return lif(tau=tau, r=(tau / np.float32(dt)).astype(np.float32))


def _rockpool(tau: Any, dt: float) -> dict[str, Any]:
    tau = np.asarray(tau, dtype=np.float32) * np.ones(3, dtype=np.float32)
    return lif(tau=tau, r=(tau / dt * np.exp(-dt / tau)).astype(np.float32))


def _cuba(tau_syn: Any, tau_mem: Any, **gains: Any) -> dict[str, Any]:
    full = np.ones(3)
    fields = {"type": "CubaLIF", "tau_syn": full * tau_syn, "tau_mem": full * tau_mem, "r": full, "v_leak": full * 0}
    return fields | {"v_threshold": full} | {k: full * v for k, v in gains.items()}


def _read_dt(tmp_path: Path, fields: dict[str, Any], **options: Any) -> float:
    return read_nir(write_raw(tmp_path / "net.nir", chain(fields)), **options).network.dt


@pytest.mark.parametrize("dt", [1e-4, 1e-3, 5e-4])
@pytest.mark.parametrize("beta", [0.5, 0.9, [0.6, 0.85, 0.99]])
def test_snntorch_gains_give_dt(tmp_path: Path, beta: Any, dt: float) -> None:
    assert _read_dt(tmp_path, _leaky(beta, dt), tau_unit="s") == dt


@pytest.mark.parametrize("dt", [1e-4, 1e-3])
@pytest.mark.parametrize("tau", [0.0025, [0.002, 0.02, 0.7]])
def test_rockpool_gains_give_dt(tmp_path: Path, tau: Any, dt: float) -> None:
    assert _read_dt(tmp_path, _rockpool(tau, dt)) == dt


def test_gains_of_both_filters_must_agree(tmp_path: Path) -> None:
    assert _read_dt(tmp_path, _cuba(0.004, 0.01, r=10, w_in=4)) == 1e-3
    with pytest.raises(InputError, match=r"0\.001 to 0\.002 s, which is no believable"):
        _read_dt(tmp_path, _cuba(0.004, 0.01, r=10, w_in=2))


def test_a_dt_that_is_not_round_needs_two_ratios(tmp_path: Path) -> None:
    dt = 1 / 3000
    with pytest.raises(InputError, match="no believable"):
        _read_dt(tmp_path, lif(tau=np.full(3, 0.02), r=np.full(3, 0.02 / dt)))
    tau = np.array([0.01, 0.02, 0.03])
    assert _read_dt(tmp_path, lif(tau=tau, r=tau / dt)) == pytest.approx(dt, rel=1e-12)


@pytest.mark.parametrize("r", [1.0, 0.5, 7.3])
def test_a_resistance_is_no_clue(tmp_path: Path, r: float) -> None:
    with pytest.raises(InputError, match=r"time step is unknown.*--dt 1e-3 \(norse's default\).*0\.02 s"):
        _read_dt(tmp_path, lif(r=np.full(3, r)))


def test_a_given_dt_wins_over_the_clue_aloud(tmp_path: Path) -> None:
    path = write_raw(tmp_path / "net.nir", chain(_leaky(0.9, 1e-4)))
    imported = read_nir(path, dt=5e-5)
    assert imported.network.dt == 5e-5
    (warning,) = [a for a in imported.assumptions if a.startswith("WARNING")]
    assert "dt = 5e-05 s is used" in warning
    assert "dt = 0.0001 s from r = tau/dt" in warning
    agreeing = read_nir(path, dt=1e-4)
    assert not any(a.startswith("WARNING") for a in agreeing.assumptions)


@pytest.mark.parametrize("dt", [0.0, -1e-3, np.nan, np.inf])
def test_dt_must_be_a_positive_number(tmp_path: Path, dt: float) -> None:
    with pytest.raises(InputError, match="positive number of seconds"):
        _read_dt(tmp_path, lif(), dt=dt)


def test_time_constants_in_ms_are_caught_and_can_be_read(tmp_path: Path) -> None:
    path = write_raw(tmp_path / "net.nir", chain(lif(tau=np.full(3, 20.0))))
    with pytest.raises(InputError, match=r"tau = 20 s.*--tau-unit ms, --tau-unit steps"):
        read_nir(path, dt=1e-3)
    for unit, expected in (("ms", 20e-3), ("steps", 20 * 5e-4), ("s", 20.0)):
        imported = read_nir(path, dt=5e-4, tau_unit=unit)  # type: ignore[arg-type]
        np.testing.assert_allclose(imported.network.populations[0].tau_mem, expected, rtol=1e-15)
        assert any(f"read in {unit}, as asked" in a for a in imported.assumptions) == (unit != "s")


def test_time_constants_times_dt_are_caught_and_can_be_read(tmp_path: Path) -> None:
    path = write_raw(tmp_path / "net.nir", chain(lif(tau=np.full(3, 1e-5))))
    with pytest.raises(InputError, match=r"tau = 1e-05 s is below dt = 0.001 s.*--tau-unit dt reads it as 0.01 s"):
        read_nir(path, dt=1e-3)
    with pytest.raises(InputError, match=r"time step is unknown.*norse 1.1.0.*--tau-unit dt"):
        read_nir(path)
    imported = read_nir(path, dt=1e-3, tau_unit="dt")
    np.testing.assert_allclose(imported.network.populations[0].tau_mem, 0.01, rtol=1e-15)
    assert imported.repairs == ("time constants are divided by dt = 0.001 s, as files of norse 1.1.0 need",)
    with pytest.raises(InputError, match="--strict"):
        read_nir(path, dt=1e-3, tau_unit="dt", strict=True)


def test_a_synaptic_time_constant_below_dt_is_caught_too(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"tau_syn = 0\.0005 s is below dt = 0\.001 s"):
        _read_dt(tmp_path, _cuba(5e-4, 0.02), dt=1e-3)


def test_units_that_need_dt_ask_for_it(tmp_path: Path) -> None:
    for unit in ("steps", "dt"):
        with pytest.raises(InputError, match="needs the time step"):
            _read_dt(tmp_path, lif(), tau_unit=unit)
    with pytest.raises(InputError, match="'min' is unknown"):
        _read_dt(tmp_path, lif(), dt=1e-3, tau_unit="min")


def test_a_time_constant_of_one_step_survives_float32(tmp_path: Path) -> None:
    tau = np.full(3, 1e-4, dtype=np.float32)
    assert float(tau[0]) < 1e-4
    network = read_nir(write_raw(tmp_path / "net.nir", chain(lif(tau=tau))), dt=1e-4).network
    assert network.populations[0].tau_mem.tolist() == [1e-4] * 3
