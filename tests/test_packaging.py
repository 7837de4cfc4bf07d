"""What is installed is what lies here."""

from __future__ import annotations

import sys
from pathlib import Path

import neuroalign

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[1]
MAPPED = {"export": "neuroalign.export", "sim": "neuroalign.sim", "hw_profiles": "neuroalign.hw_profiles"}


def settings() -> dict[str, object]:
    return dict(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"])


def test_every_folder_with_modules_is_a_listed_package() -> None:
    found = set()
    for top in ("neuroalign", *MAPPED):
        for init in (ROOT / top).rglob("__init__.py"):
            relative = init.parent.relative_to(ROOT)
            if relative.parts[0] == "neuroalign" and len(relative.parts) > 1 and relative.parts[1] in MAPPED:
                continue  # a link to a top-level room
            name = MAPPED.get(relative.parts[0], relative.parts[0])
            found.add(".".join([name, *relative.parts[1:]]))
    assert set(settings()["packages"]) == found  # type: ignore[call-overload]


def test_the_version_is_stated_once_more_and_alike() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == neuroalign.__version__


def test_package_data_exists() -> None:
    for package, patterns in settings()["package-data"].items():  # type: ignore[attr-defined]
        real = {v: k for k, v in MAPPED.items()}.get(package, package.replace(".", "/"))
        for pattern in patterns:
            assert list((ROOT / real).glob(pattern)), f"{package}: {pattern}"
