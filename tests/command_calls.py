"""Calls of the command line within the process, and what a refusal looks like."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import nir
import numpy as np
import pytest

from neuroalign.__main__ import main


class Ended(NamedTuple):
    """How a call of the command line ended."""

    code: int
    out: str
    err: str


Call = Callable[..., Ended]


def caller(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *command: str) -> Call:
    """What runs ``neuroalign`` with ``command`` before the arguments that it is given."""

    def run(*arguments: object) -> Ended:
        monkeypatch.setattr(sys, "argv", ["neuroalign", *command, *map(str, arguments)])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        captured = capsys.readouterr()
        return Ended(code, captured.out, captured.err)

    return run


def refused(ended: Ended, code: int, *words: str) -> None:
    """One line on standard error that holds every word, and the exit code."""
    assert ended.code == code, ended.err
    lines = ended.err.splitlines()
    assert len(lines) == 1, ended.err
    assert "Traceback" not in ended.err
    for word in words:
        assert word in lines[0]


def write_network(path: Path, weight: float = 0.5, tau: float = 0.02) -> Path:
    """A two-input LIF layer of three neurons that a bias makes spike."""
    ones = np.ones(3)
    graph = nir.NIRGraph(
        nodes={
            "input": nir.Input(np.array([2])),
            "fc": nir.Affine(np.full((3, 2), weight), 2.0 * ones),
            "lif": nir.LIF(tau=tau * ones, r=ones, v_leak=0 * ones, v_threshold=ones, v_reset=0 * ones),
            "output": nir.Output(np.array([3])),
        },
        edges=[("input", "fc"), ("fc", "lif"), ("lif", "output")],
        type_check=False,
    )
    nir.write(path, graph)
    return path
