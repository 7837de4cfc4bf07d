"""What the Norse reference says where its packages are not installed; needs neither."""

from __future__ import annotations

import importlib.util
from importlib.machinery import ModuleSpec

import pytest

from neuroalign.errors import BackendMissing
from neuroalign.network import Network
from neuroalign.recording import Stimulus
from neuroalign.sim.norse_reference.backend import NorseReference
from neuroalign.sim.norse_reference.training import digits


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Names added to this set are not found, all others are, whatever is installed here."""
    absent: set[str] = set()

    def find_spec(name: str, package: str | None = None) -> ModuleSpec | None:
        return None if name in absent else ModuleSpec(name, None)

    monkeypatch.setattr(importlib.util, "find_spec", find_spec)
    return absent


@pytest.mark.parametrize("names", [["torch"], ["norse"], ["torch", "norse"]])
def test_a_missing_package_is_named_with_what_to_install(without: set[str], names: list[str]) -> None:
    without |= set(names)
    line = NorseReference().missing()
    assert line == f"{' and '.join(names)} not installed: pip install 'neuroalign[norse]'"
    with pytest.raises(BackendMissing, match="pip install"):
        NorseReference().run_model(Network("n", 1e-3, (), (), (), ()), Stimulus({}), [])


def test_the_training_script_says_what_it_lacks(without: set[str], capsys: pytest.CaptureFixture[str]) -> None:
    without |= {"sklearn", "norse"}
    assert digits.main(["--out", "unused"]) == BackendMissing.exit_code
    assert (
        capsys.readouterr().err.strip()
        == "norse and scikit-learn not installed: pip install 'neuroalign[norse]' scikit-learn"
    )
