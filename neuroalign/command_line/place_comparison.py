"""What ``place`` prints and writes of several profiles side by side, of energy and time, and as pictures."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.table import Table

from neuroalign.command_line.place_terminal import print_placement
from neuroalign.command_line.terminal import console
from neuroalign.energy import energy_document, events_document, time_document
from neuroalign.errors import OutputError
from neuroalign.export.atomic import write_atomically
from neuroalign.placement import Limit, placement_document
from neuroalign.placing import Answer


def print_answers(answers: Sequence[Answer], *, quiet: bool = False) -> None:
    """A single placement in full, or several side by side; then energy and time."""
    if len(answers) == 1 and answers[0].placement is not None:
        print_placement(answers[0].placement, quiet=quiet)
    else:
        console().print(_comparison(answers))
    for answer in answers:
        for line in cost_lines(answer):
            console().print(escape(line), soft_wrap=True)


def cost_lines(answer: Answer) -> list[str]:
    """Energy and time of a step, list by list: totals with their basis, or why there are none."""
    name = answer.profile.id
    energies = [f"{name}, energy of a step: {report.headline}" for report in answer.energy]
    times = [
        f"{name}, time of a step: {bound.headline}; not checked: {', '.join(bound.not_checked)}"
        if bound.not_checked
        else f"{name}, time of a step: {bound.headline}"
        for bound in answer.time
    ]
    return energies + times


def document(answers: Sequence[Answer]) -> dict[str, Any]:
    """One profile's placement with its price, or ``profiles`` with one such document each."""
    if len(answers) == 1:
        return _document(answers[0])
    return {"profiles": [_document(answer) for answer in answers]}


def write_answers(answers: Sequence[Answer], path: Path) -> Path:
    """The answers as JSON."""
    text = json.dumps(document(answers), indent=1, allow_nan=False) + "\n"
    return write_atomically(path, lambda file: file.write_text(text, encoding="utf-8"))


def write_pictures(answers: Sequence[Answer], folder: Path) -> list[Path]:
    """``<profile>-cores.png`` (how full each core is) and ``<profile>-traffic.png`` (messages), and placement.json.

    Raises
    ------
    OutputError
        If the folder cannot be made or written.
    """
    from neuroalign.export.figures import heat_map, traffic_matrix

    drawn = {
        f"{answer.profile.id}-{picture.key}.png": picture.png
        for answer in answers
        if answer.placement is not None
        for picture in (heat_map(answer.placement), traffic_matrix(answer.placement))
        if picture is not None
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make directory {folder}: {error.strerror}; choose another with --out") from error
    written = [write_atomically(folder / name, _bytes(png)) for name, png in drawn.items()]
    return [*written, write_answers(answers, folder / "placement.json")]


def _bytes(content: bytes) -> Callable[[Path], object]:
    return lambda file: file.write_bytes(content)


def _document(answer: Answer) -> dict[str, Any]:
    """The placement first; where the profile cannot hold the network, its keys are null and ``refusal`` says why."""
    if answer.placement is None:
        empty: dict[str, Any] = {
            "profile": answer.profile.id,
            "verdict": "refused",
            "cores": None,
            "binding_limit": None,
            "limits": [],
        }
        return {**empty, "refusal": answer.refusal}
    events = None if answer.events is None else events_document(answer.events)
    return {
        **placement_document(answer.placement),
        "events_of_a_step": events,
        "energy_of_a_step": [energy_document(report) for report in answer.energy],
        "step_time": [time_document(bound) for bound in answer.time],
    }


Cell = Callable[[Answer], str]


def _comparison(answers: Sequence[Answer]) -> Table:
    table = Table(title="The same network on each profile", title_justify="left")
    table.add_column("")
    for answer in answers:
        table.add_column(escape(answer.profile.id), overflow="fold")
    rows: list[tuple[str, Cell]] = [
        ("verdict", _verdict),
        ("cores", lambda a: f"{len(a.placement.cores):,}" if a.placement else "-"),
        ("chips", lambda a: f"{a.placement.chips:,}" if a.placement else "-"),
        ("limit that binds", _binding),
        ("limits not checked", lambda a: f"{len(a.placement.not_checked)}" if a.placement else "-"),
        ("messages a step between cores", lambda a: f"{a.placement.traffic.between_cores:.6g}" if a.placement else "-"),
        ("messages a step between chips", lambda a: f"{a.placement.traffic.between_chips:.6g}" if a.placement else "-"),
        ("would fit", lambda a: a.placement.remedies[0].text if a.placement and a.placement.remedies else "-"),
        ("runs here", lambda a: "yes" if a.profile.arithmetic in ("fixed", "float64") else "placed only"),
    ]
    for name, cell in rows:
        table.add_row(name, *(escape(cell(answer)) for answer in answers))
    lists = dict.fromkeys(r.price_list for answer in answers for r in answer.energy if r.price_list is not None)
    for price_list in lists:
        table.add_row(f"energy of a step, {price_list} (J)", *(_energy(answer, price_list) for answer in answers))
        table.add_row(f"time of a step, {price_list} (s)", *(_time(answer, price_list) for answer in answers))
    return table


def _verdict(answer: Answer) -> str:
    return answer.placement.verdict if answer.placement is not None else f"refused: {answer.refusal}"


def _binding(answer: Answer) -> str:
    binding: Limit | None = answer.placement.binding if answer.placement is not None else None
    if binding is None:
        return "none known"
    share = "" if binding.share is None else f" ({binding.share:.1%})"
    return f"{binding.name}: {binding.used} of {binding.capacity}{share}"


def _energy(answer: Answer, name: str) -> str:
    total = next((r.total_j for r in answer.energy if r.price_list == name), None)
    return "no total" if total is None else f"{total:.4g}"


def _time(answer: Answer, name: str) -> str:
    bound = next((t.bound_s for t in answer.time if t.price_list == name), None)
    return "no bound" if bound is None else f">= {bound:.3g}"
