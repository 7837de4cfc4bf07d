"""docs/profiles.md: its tables are those of the profiles, and its examples are refused and taken as it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from neuroalign.errors import ProfileError
from neuroalign.profile import load_profile
from neuroalign.profile.page import page

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "profiles.md").read_text(encoding="utf-8")


def test_the_tables_are_those_of_the_profiles() -> None:
    assert TEXT.endswith(page()), "run: python -m neuroalign.profile.page, and replace the tables of docs/profiles.md"


def test_the_examples_load(tmp_path: Path) -> None:
    examples = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)
    assert len(examples) == 2
    assert len(examples[0].strip().splitlines()) == 5
    for number, example in enumerate(examples):
        (tmp_path / f"{number}.toml").write_text(example)
    assert load_profile(tmp_path / "0.toml").core.neurons_max == 4096
    assert "lab" in load_profile(tmp_path / "1.toml").prices


MISTAKES = (
    'extends = "loihi2"\n[core]\nneuron_max = 1',
    'extends = "loihi2"\n[topology]\ncores_per_chip_usable = 129',
    'extends = "loihi2"\n[core.memory]\nrows = 4',
)


@pytest.mark.parametrize("number", range(3))
def test_the_messages_are_those_shown(number: int, tmp_path: Path) -> None:
    path = tmp_path / "lab.toml"
    path.write_text(MISTAKES[number])
    shown = re.findall(r"^neuroalign: (.*)$", TEXT, re.MULTILINE)
    with pytest.raises(ProfileError) as caught:
        load_profile(path)
    assert str(caught.value).replace(str(path), "lab.toml") == shown[number]
