"""Runs the interoperability matrix: every framework in its own environment, spikes compared on the same input.

    python tests/interop/run.py norse=PYTHON snntorch=PYTHON sinabs=PYTHON spyx=PYTHON nir104=PYTHON nir105=PYTHON nir108=PYTHON

writes tests/interop/files (what frameworks export), tests/interop/matrix.json and docs/interop.md; ``make interop`` makes
the environments. Frameworks that are not given keep their rows.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent.parent)]

from interop_cases import CASES, FILES, compared, imported  # noqa: E402
from interop_networks import DT, NETWORKS, OPENED, saved  # noqa: E402
from interop_page import MATRIX, PAGE, page  # noqa: E402

from neuroalign.errors import NeuroalignError  # noqa: E402
from neuroalign.export.nir_graph.write import write_nir  # noqa: E402

RUNS = {"norse": ("norse",), "snntorch": ("snntorch",), "sinabs": ("sinabs", "sinabs_prepared"), "spyx": ("spyx",)}
"""Frameworks, and the scripts that run our files in their environment."""
READERS = ("nir104", "nir105", "nir108")
TIME_LIMIT = 600
"""s for one framework and task."""


def ask(python: str, side: str, task: str, folder: Path) -> dict[str, Any]:
    """What one framework's script prints."""
    command = [python, str(HERE / f"{side}_side.py"), task, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIME_LIMIT, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: {done.stderr[-800:]}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def from_them(name: str, failed: str) -> dict[str, Any]:
    """One export of a framework, read by us."""
    row: dict[str, Any] = {"case": name, "framework": name.split("_")[0], "export_failed": failed}
    if name not in CASES:
        return row
    case = CASES[name]
    row |= {"options": _said(case.options), "link": case.link, "differs": case.differs, "steps_late": case.steps_late}
    try:
        found = imported(name)
        both = compared(name)
    except NeuroalignError as error:
        return row | {"refused": str(error).removeprefix(f"{FILES / name}.nir: ")}
    spikes = {"spikes": int(both.theirs.sum()), "places": both.theirs.size, "differing": both.differing}
    return row | {"repairs": list(found.repairs)} | spikes


def _said(options: Mapping[str, Any]) -> str:
    return " ".join(f"--{key.replace('_', '-')} {value}" for key, value in options.items())


def write_ours(folder: Path) -> None:
    """Our files for the frameworks, with input, dt and the chip's spikes beside them."""
    for name in NETWORKS:
        ours = saved(name)
        write_nir(folder / f"{name}.nir", ours.chip, network=ours.network, compat="1.0.4")
        np.savez(folder / f"{name}.npz", input=ours.given, dt=DT, spikes=ours.spikes)


def to_them(folder: Path, framework: str, said: Mapping[str, str]) -> list[dict[str, Any]]:
    """Our files, run by a framework."""
    rows = []
    for name, failed in sorted(said.items()):
        row: dict[str, Any] = {"network": name, "framework": framework, "failed": failed}
        if not failed:
            with np.load(folder / f"{name}.npz") as ours, np.load(folder / f"{name}.{framework}.npz") as theirs:
                expected, given = ours["spikes"], theirs["spikes"]
            late = given.shape[0] - expected.shape[0]
            row |= {"spikes": int(expected.sum()), "theirs": int(given.sum()), "places": expected.size}
            row["differing"] = {str(k): _differing(expected, given, k) for k in (0, 2)} if late == 0 else {}
        rows.append(row)
    return rows


def _differing(expected: Any, given: Any, late: int) -> int:
    return int((expected[: len(expected) - late] != given[late:]).sum())


def opened(python: str) -> dict[str, Any]:
    """Which of our files one version of the nir package opens, with and without ``--compat``."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        for name in OPENED:
            ours = saved(name)
            for compat in (None, "1.0.4"):
                path = folder / f"{name}{'+compat' if compat else ''}.nir"
                try:
                    write_nir(path, ours.chip, network=ours.network, compat=compat)
                except NeuroalignError:
                    continue
                np.savez(path.with_suffix(".npz"), input=ours.given, dt=DT)
        return ask(python, "nir", "run", folder)


def main() -> None:
    """Run what the command line names and write the results."""
    pythons = dict(word.split("=", 1) for word in sys.argv[1:])
    matrix: dict[str, Any] = json.loads(MATRIX.read_text()) if MATRIX.exists() else {}
    versions, theirs, ours = matrix.get("versions", {}), matrix.get("from_them", []), matrix.get("to_them", [])
    for framework in (f for f in RUNS if f in pythons):
        FILES.mkdir(exist_ok=True)
        for old in FILES.glob(f"{framework}_*"):
            old.unlink()
        said = ask(pythons[framework], framework, "export", FILES)
        _drop_unlisted(framework)
        versions[framework] = said["versions"]
        theirs = [row for row in theirs if row["framework"] != framework]
        theirs += [from_them(name, failed) for name, failed in said["cases"].items()]
        with tempfile.TemporaryDirectory() as made:
            write_ours(Path(made))
            ours = [row for row in ours if row["framework"] not in RUNS[framework]]
            for side in RUNS[framework]:
                ours += to_them(Path(made), side, ask(pythons[framework], side, "run", Path(made))["cases"])
    sides = [side for named in RUNS.values() for side in named]
    theirs.sort(key=lambda row: sides.index(row["framework"]))
    ours.sort(key=lambda row: sides.index(row["framework"]))
    readers = matrix.get("opened", {})
    readers |= {reader: opened(pythons[reader]) for reader in READERS if reader in pythons}
    matrix = {"versions": versions, "from_them": theirs, "to_them": ours, "opened": readers}
    MATRIX.write_text(json.dumps(matrix, indent=1, sort_keys=True) + "\n")
    PAGE.write_text(page(matrix))


def _drop_unlisted(framework: str) -> None:
    """Remove what a failed export left behind where no test reads it."""
    for path in FILES.glob(f"{framework}_*"):
        if path.stem not in CASES:
            path.unlink()


if __name__ == "__main__":
    main()
