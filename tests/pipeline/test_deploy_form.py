"""``deploy --form``: a saved network that learns is put on chip again, in the form that is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from plastic_models import estimating

from neuroalign.__main__ import main
from neuroalign.compile import compile_network
from neuroalign.export.nir_graph.write import write_nir
from neuroalign.microcode import Program
from neuroalign.profile import load_profile
from neuroalign.quantise.rule_choices import RuleChoices
from neuroalign.rules import sal
from neuroalign.sim.emulator import Emulator
from neuroalign.sim.emulator.driver import Emulator as Driver


def program(form: Any) -> Program:
    network = estimating(sal(), np.zeros((3, 2)))
    chip, _ = compile_network(network, load_profile("loihi2"), learning={"learns": RuleChoices(form)})
    (found,) = [c.plasticity.program for c in chip.connections if c.plasticity is not None]
    return found


@pytest.mark.parametrize(("asked", "form"), [(None, "auto"), ("sgn", "sgn"), ("direct", "direct")])
@pytest.mark.usefixtures("without_figures")
def test_a_saved_network_is_deployed_in_a_form(
    asked: str | None, form: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    network, path = estimating(sal(), np.zeros((3, 2))), tmp_path / "saved.nir"
    chip, _ = compile_network(network, load_profile("loihi2"), learning={"learns": RuleChoices("exact")})
    write_nir(path, chip, network=network)
    ran: list[Program] = []
    run = Driver.run

    def watched(self: Driver, chip: Any, *arguments: Any, **more: Any) -> Any:
        ran.extend(c.plasticity.program for c in chip.connections if c.plasticity is not None and chip.is_fixed)
        return run(self, chip, *arguments, **{**more, "implementation": "reference"})

    monkeypatch.setattr(Driver, "run", watched)
    assert Emulator is Driver
    options = ["--form", asked] if asked else []
    monkeypatch.setattr(
        "sys.argv", ["neuroalign", "deploy", str(path), "--steps", "5", "--exit-zero", "--out", str(tmp_path), *options]
    )
    with pytest.raises(SystemExit) as end:
        main()
    assert not end.value.code
    assert set(map(repr, ran)) == {repr(program(form))}
