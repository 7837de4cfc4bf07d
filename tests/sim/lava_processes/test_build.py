"""Networks that Lava would hold differently are refused by name, the others are built as they are."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from random_networks import Options, draw_fixed, draw_float

from neuroalign.chip import ChipNetwork, Fixed
from neuroalign.errors import ConversionRefused
from neuroalign.fixed_point import lava_weights
from neuroalign.sim.lava_processes import lava_compat
from neuroalign.sim.lava_processes.backend import LavaBackend
from neuroalign.sim.lava_processes.holdable import check_network
from neuroalign.sim.lava_processes.holdable_synapses import LARGEST_DELAY

needs_lava = pytest.mark.skipif(LavaBackend().missing() is not None, reason=LavaBackend().missing() or "")
pytestmark = [pytest.mark.lava]
ROOT = Path(__file__).resolve().parents[3]


def network() -> ChipNetwork:
    return draw_fixed(np.random.default_rng(3), Options(sizes=(3, 2)))


def with_population(**changes: Any) -> ChipNetwork:
    whole = network()
    return replace(whole, populations=(replace(whole.populations[0], **changes), *whole.populations[1:]))


def with_connection(**changes: Any) -> ChipNetwork:
    whole = network()
    return replace(whole, connections=(replace(whole.connections[0], **changes), *whole.connections[1:]))


def test_a_network_in_lavas_formats_passes() -> None:
    check_network(network())


@pytest.mark.parametrize(
    "changes",
    [
        {"u_offset": 0},
        {"v_offset": 1},
        {"decay_bits": 10},
        {"weight_shift": 0},
        {"threshold_shift": 0},
        {"reset": "subtract"},
        {"u_format": Fixed(24, 0, "toward-zero", "saturate")},
        {"v_format": Fixed(23, 0, "toward-zero", "saturate")},
        {"bias_mant": np.array([0, 40000, 0])},
        {"du": np.array([0, 1, 4096])},
        {"dv": np.array([0.5, 1.0, 2.0])},
        {"v0": np.array([0, 2**31, 0])},
    ],
)
def test_a_population_that_lava_has_not_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ConversionRefused, match=rf"population 'p0' has {next(iter(changes))}"):
        check_network(with_population(**changes))


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"weight": np.array([[0, 2], [3, 4], [6, 8]]), "sign_mode": "mixed"}, r"weight\[1, 0\] 3"),
        ({"weight": np.array([[0, 2], [-4, 4], [6, 8]]), "sign_mode": "excitatory"}, r"weight\[1, 0\] -4"),
        ({"weight": np.array([[0, 2], [0, -1], [0, -8]]), "sign_mode": "inhibitory"}, r"weight\[0, 1\] 2"),
        ({"weight": np.array([[0, 2], [3, 4], [6, 300]]), "sign_mode": "excitatory"}, "weight 300"),
        ({"weight": np.array([[2.5]]), "sign_mode": "mixed"}, "weight of type float64"),
        ({"delays": np.full((3, 4), LARGEST_DELAY + 1)}, "delays 64"),
    ],
)
def test_a_connection_that_lava_would_change_is_refused(changes: dict[str, Any], named: str) -> None:
    changes = {"weight_format": Fixed(8), **changes}
    with pytest.raises(ConversionRefused, match=named):
        check_network(with_connection(**changes))


def test_floats_other_delays_and_names_used_twice_are_refused() -> None:
    with pytest.raises(ConversionRefused):
        check_network(draw_float(np.random.default_rng(0), Options()))
    with pytest.raises(ConversionRefused, match="connection_delay_steps 0"):
        check_network(replace(network(), connection_delay_steps=0))
    with pytest.raises(ConversionRefused, match="named 'p0'"):
        check_network(with_connection(name="p0"))


@needs_lava
@pytest.mark.parametrize("sign_mode", ["mixed", "excitatory", "inhibitory"])
@pytest.mark.parametrize("bits", range(1, 9))
def test_our_idea_of_held_weights_is_lavas(sign_mode: Any, bits: int) -> None:
    lava_compat.install()
    from lava.utils.weightutils import SignMode, clip_weights, truncate_weights

    weights = np.arange(-400, 401).reshape(1, -1)
    mode = SignMode[sign_mode.upper()]
    theirs = truncate_weights(clip_weights(weights.astype(np.int32), mode, num_bits=8), mode, bits)
    np.testing.assert_array_equal(lava_weights(weights, sign_mode, bits), theirs)


@needs_lava
def test_the_processes_serve_a_lava_script_of_the_users_own(tmp_path: Path) -> None:
    """As the docstring of build.py shows it, with Lava's own models and no recorder."""
    script = tmp_path / "script.py"
    script.write_text(
        """
import numpy as np
from random_networks import Options, draw_fixed
from neuroalign.sim.lava_processes.build import build_processes
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg

network = draw_fixed(np.random.default_rng(3), Options(sizes=(3, 2)))
processes = build_processes(network, {"in": np.ones((20, 4), int)})
print(*{type(p).__name__ for p in processes.values()})
processes["p1"].run(condition=RunSteps(num_steps=20), run_cfg=Loihi2SimCfg(select_tag="fixed_pt"))
print(processes["p1"].v.get().any())
processes["p1"].stop()
"""
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}
    done = subprocess.run(
        [sys.executable, str(script)], env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    kinds, changed = done.stdout.strip().splitlines()[-2:]
    assert {"RingBuffer", "LIF"} <= set(kinds.split())
    assert changed == "True"
