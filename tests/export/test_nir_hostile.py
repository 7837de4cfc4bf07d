"""Files made to do harm or damaged at random: a network, or one clear line and exit code 2; never a traceback."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import h5py
import numpy as np
import pytest
from interop_cases import FILES
from nir_files import affine, chain, graph, lif, port, write_raw
from nir_mutations import mutate

from neuroalign.__main__ import main
from neuroalign.errors import InputError
from neuroalign.export.nir_graph import inspect_nir, read_nir

SOURCES = ("norse_lif", "snntorch_rleaky", "sinabs_lif", "spyx_rlif", "snntorch_leaky_beta1")
WRITERS = (None, "norse", "snntorch", "sinabs", "rockpool", "spyx")
CASES = 40


def _said(path: Path, **options: object) -> str | None:
    """The line with which a file is refused; None if it is read."""
    try:
        read_nir(path, **options)  # type: ignore[arg-type]
    except InputError as error:
        return str(error)
    return None


def test_random_damage_gives_a_network_or_one_line(tmp_path: Path) -> None:
    read = 0
    for seed in range(CASES):
        path = tmp_path / f"{seed}.nir"
        what = mutate(FILES / f"{SOURCES[seed % len(SOURCES)]}.nir", path, seed)
        line = _said(path, dt=1e-3, written_by=WRITERS[seed % len(WRITERS)])
        read += line is None
        assert line is None or (line.startswith(str(path)) and "\n" not in line), (seed, what)
        with suppress(InputError):
            inspect_nir(path)
    assert 0 < read < CASES / 2


def _truncated(path: Path) -> None:
    write_raw(path, chain())
    path.write_bytes(path.read_bytes()[:-200])


def _with(change: Callable[[h5py.File], None]) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        write_raw(path, chain())
        with h5py.File(path, "a") as file:
            change(file)

    return make


def _huge(file: h5py.File) -> None:
    del file["node/nodes/fc/weight"]
    file.create_dataset("node/nodes/fc/weight", shape=(2**20, 2**20), dtype="f8", chunks=(1, 1024))


def _nan(file: h5py.File) -> None:
    file["node/nodes/fc/weight"][1, 1] = np.nan


def _cyclic(file: h5py.File) -> None:
    file["node/nodes/lif/again"] = file["node/nodes"]


def _external(file: h5py.File) -> None:
    del file["node/nodes/fc/weight"]
    file["node/nodes/fc/weight"] = h5py.ExternalLink("elsewhere.h5", "/weight")


def _text(file: h5py.File) -> None:
    del file["node/nodes/lif/tau"]
    file["node/nodes/lif/tau"] = ["20 ms"] * 3


def _complex(file: h5py.File) -> None:
    del file["node/nodes/lif/tau"]
    file["node/nodes/lif/tau"] = np.ones(3, dtype=complex)


def _numbered_type(file: h5py.File) -> None:
    del file["node/nodes/lif/type"]
    file["node/nodes/lif/type"] = np.arange(2)


def _top_type(file: h5py.File) -> None:
    del file["node/type"]
    file["node/type"] = np.arange(2)


def _deep(path: Path) -> None:
    inner = graph(
        {"input": port("Input", 3), "lif": lif(), "output": port("Output", 3)}, [("input", "lif"), ("lif", "output")]
    )
    for _ in range(40):
        nodes = {"input": port("Input", 3), "inner": inner, "output": port("Output", 3)}
        inner = graph(nodes, [("input", "inner"), ("inner", "output")])
    write_raw(path, inner)


def _straight_cycle(path: Path) -> None:
    nodes = chain()["nodes"] | {"a": affine(np.eye(3)), "b": affine(np.eye(3))}
    write_raw(path, graph(nodes, [*chain()["edges"], ("lif", "a"), ("a", "b"), ("b", "a"), ("b", "lif")]))


HOSTILE: dict[str, tuple[Callable[[Path], None], str]] = {
    "truncated": (_truncated, "truncated"),
    "huge declared shape": (_with(_huge), "unpacks to more than"),
    "NaN weight": (_with(_nan), "weight[1, 1] is nan"),
    "group that holds itself": (_with(_cyclic), "nested deeper than"),
    "link to another file": (_with(_external), "links to another file"),
    "text for numbers": (_with(_text), "tau is of type object"),
    "complex numbers": (_with(_complex), "tau is of type complex128"),
    "array for a type": (_with(_numbered_type), "has no type"),
    "array for the graph's type": (_with(_top_type), "the top node is of type an array"),
    "deep nesting": (_deep, "nested deeper than"),
    "cycle without a neuron": (_straight_cycle, "cycle"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_the_command_line_refuses_in_one_line_with_code_2(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make, words = HOSTILE[case]
    make(tmp_path / "net.nir")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["neuroalign", "deploy", "net.nir", "--dt", "0.001", "--quiet"])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr().err.strip()
    assert ended.value.code == 2
    assert words in said
    assert "\n" not in said
    assert sorted(p.name for p in tmp_path.iterdir()) == ["net.nir"]
