"""docs/feedback.md says what the code has."""

from __future__ import annotations

from pathlib import Path

from neuroalign.datasets.named import NAMES
from neuroalign.feedback.forms import forms_table
from neuroalign.feedback.protocols import DIGITS, FASHION

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "feedback.md").read_text(encoding="utf-8")


def test_the_table_of_forms_is_that_of_the_code() -> None:
    assert forms_table() in PAGE


def test_the_protocols_are_those_of_the_code() -> None:
    for protocol in (DIGITS, FASHION):
        for said in ("-".join(map(str, protocol.hidden)), f"{protocol.epochs}, {protocol.batch}, 0.9"):
            assert said in PAGE


def test_every_data_set_is_named() -> None:
    assert all(f"`{name}" in PAGE or f"--data {name}" in PAGE for name in NAMES)
