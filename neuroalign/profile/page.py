"""The tables of docs/profiles.md: ``python -m neuroalign.profile.page`` prints them, and a test holds the page to it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from neuroalign.profile.capacities import Profile
from neuroalign.profile.loading import load_profile
from neuroalign.profile.provenance import Row, describe, not_run
from neuroalign.profile.reading import built_in_names


def page() -> str:
    """All built-in profiles as Markdown."""
    profiles = [load_profile(name) for name in built_in_names()]
    return "\n".join([*_overview(profiles), *(line for p in profiles for line in _profile(p))]).rstrip() + "\n"


def _overview(profiles: Sequence[Profile]) -> list[str]:
    head = ("profile", "target", "arithmetic", "runs here", "memory", "price lists", "limits not known", "conflicts")
    rows = []
    for p in profiles:
        memory = p.core.memory
        model = "unlimited" if memory == "unlimited" else "not known" if memory is None else memory.model
        unknown = sum(row.value is None for row in describe(p))
        runs = "yes" if not_run(p) is None else "placed only"
        lists = ", ".join(p.prices) or "none"
        rows.append(
            (f"[{p.id}](#{p.id})", p.name, p.arithmetic, runs, model, lists, str(unknown), str(len(p.conflicts)))
        )
    return [*_table(head, rows), ""]


def _profile(p: Profile) -> list[str]:
    rows = describe(p)
    base = f" It extends `{p.extends}`: what it does not set is inherited." if p.extends else ""
    lines = [f"## {p.id}", "", f"{p.name}.{base}", ""]
    lines += _table(
        ("figure", "value", "status", "grade", "source"), (_figure(row) for row in rows if row.value is not None)
    )
    unknown = [row for row in rows if row.value is None]
    if unknown:
        lines += ["", f"Not known of {p.id}, so never checked and never called ok:", ""]
        lines += _table(("figure", "where one looked"), ((f"`{r.path}`", _said(r)) for r in unknown))
    if p.conflicts:
        lines += ["", f"Where sources on {p.id} disagree:", ""]
        lines += _table(
            ("figure", "values and sources", "used", "why"),
            ((f"`{c.key}`", _values(c.values, c.sources), _cell(c.used), c.why) for c in p.conflicts),
        )
    return [*lines, ""]


def _figure(row: Row) -> tuple[str, ...]:
    return f"`{row.path}`", _cell(row.value), row.status, row.grade, _said(row)


def _said(row: Row) -> str:
    return "; ".join(filter(None, (row.source, row.note))) or "no public figure found"


def _values(values: Iterable[object], sources: Iterable[str]) -> str:
    return "<br>".join(f"{_cell(v)}: {s}" for v, s in zip(values, sources, strict=True))


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(_cell(v) for v in value)
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]


if __name__ == "__main__":
    print(page(), end="")
