"""What ``deploy`` prints, and the rows that it measures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from neuroalign.command_line.terminal import console

if TYPE_CHECKING:
    from neuroalign.deployment import Deployment
    from neuroalign.deployment.searched import Searched
    from neuroalign.export.report import MeasuredRow
    from neuroalign.fidelity import Agreement


AGREEMENT_WORDS = (
    "lag: steps by which the chip is later than the model, already subtracted; equal: share of all neurons' steps that are the "
    "same; F1: of the spikes with a partner in the same step, 1 is all; v RMS: error of the membrane"
)
CONVERSION_WORDS = (
    "error: share of the largest of its kind; a << b: the integer a times 2 to the power b; decay_v, decay_u: what membrane "
    "and synaptic current lose in a step, of 4096"
)


def print_deployment(deployment: Deployment) -> None:
    """Verdict, repairs and assumptions, accuracy and agreement of every run, the conversion's worst rows."""
    from neuroalign.deployment import by_harm, costs_in_words, verdict

    out = console()
    judged = verdict(deployment)
    out.print(f"[bold]{escape(judged.headline)}[/bold]")
    costs = () if deployment.placed is None else costs_in_words(deployment.placed)
    for fact in (*judged.facts, *costs, *judged.remarks):
        out.print(f"  {escape(fact)}")
    for label, lines in (
        ("repaired", deployment.repairs),
        ("assumed", deployment.assumptions),
        ("note", deployment.warnings),
    ):
        for line in lines:
            out.print(f"  [yellow]{label}:[/yellow] {escape(line)}")
    out.print(_agreement_table(deployment))
    out.print(f"[dim]{AGREEMENT_WORDS}[/dim]")
    if deployment.search is not None:
        _print_search(deployment.search)
    worst = Table(title="Conversion, worst first: of each kind the number that is furthest off", title_justify="left")
    for column in ("where", "what", "numbers", "model", "chip holds", "error", "note"):
        worst.add_column(column, overflow="fold")
    for r in by_harm(deployment.table)[:8]:
        worst.add_row(
            escape(r.where),
            r.quantity,
            f"{r.count:,}",
            f"{r.float_value:.4g}",
            r.stored,
            f"{r.relative_error:.2%}",
            escape(r.note),
        )
    out.print(worst)
    out.print(f"[dim]{CONVERSION_WORDS}[/dim]")


def _agreement_table(deployment: Deployment) -> Table:
    """A row for each population of each run; columns in which nothing stands are left out."""
    columns = (
        *("run", "samples", "population", "lag", "spikes, model's", "equal", "F1", "v RMS", "accuracy", "model's"),
    )
    rows = [row for agreement in deployment.agreements for row in _agreement_rows(agreement)]
    table = Table(title=f"Against the {escape(deployment.reference)}", title_justify="left")
    kept = [n for n in range(len(columns)) if any(row[n] for row in rows)]
    for n in kept:
        table.add_column(columns[n], justify="left" if columns[n] in ("run", "population") else "right")
    for row in rows:
        table.add_row(*(row[n] for n in kept))
    return table


def _print_search(search: Searched) -> None:
    """The ways that were tried, and what each population costs."""
    out = console()
    tried = Table(title=f"Searched on {escape(search.calibration or 'calibration input')}", title_justify="left")
    for column in ("way", "error", "synapses"):
        tried.add_column(column, justify="left" if column == "way" else "right", overflow="fold")
    for t in search.tried:
        tried.add_row(escape(t.way) + (" (taken)" if t.way == search.way else ""), f"{t.error:.2%}", f"{t.synapses:,}")
    out.print(tried)
    layers = Table(title="Error in spike counts by layer, plain and as found", title_justify="left")
    for column in ("population", "alone", "found", "on chip with all", "found", "alone, one more bit"):
        layers.add_column(column, justify="left" if column == "population" else "right")
    for plain, found in zip(search.plain, search.layers, strict=True):
        layers.add_row(
            escape(plain.population),
            *(f"{e:.2%}" for e in (plain.alone, found.alone, plain.together, found.together, plain.finer)),
        )
    out.print(layers)
    if search.causes:
        out.print("Error in floats, but for rounded: " + "; ".join(f"{c.what} {c.error:.2%}" for c in search.causes))
    if search.widths:
        widths = Table(title="Bits of each connection, and the network's error if it alone had", title_justify="left")
        columns = sorted({b for w in search.widths for b, _ in w.errors})
        for column in ("connection", "synapses", "bits", *(str(b) for b in columns)):
            widths.add_column(column, justify="left" if column == "connection" else "right")
        for w in search.widths:
            errors = dict(w.errors)
            widths.add_row(escape(w.connection), f"{w.synapses:,}", str(w.bits), *(f"{errors[b]:.2%}" for b in columns))
        out.print(widths)


def _agreement_rows(agreement: Agreement) -> Iterator[tuple[str, ...]]:
    latency = dict(agreement.latency_steps)
    decided = {o.population: o for o in agreement.outputs}
    for index, p in enumerate(agreement.populations):
        s, m, o = p.spikes, p.membrane, decided.get(p.name)
        yield (
            escape(agreement.candidate) if index == 0 else "",
            f"{agreement.samples:,}" if index == 0 else "",
            escape(p.name),
            f"{latency[p.name]}",
            f"{s.candidate_spikes:,} / {s.reference_spikes:,}" if s else "none by design",
            f"{s.equal_bins:.3%}" if s else "",
            f"{s.f1_exact:.4f}" if s and s.f1_exact is not None else "",
            f"{m.rms_volts:.3g} V" if m else "",
            f"{o.candidate_accuracy:.2%}" if o and o.candidate_accuracy is not None else "",
            f"{o.reference_accuracy:.2%}" if o and o.reference_accuracy is not None else "",
        )


def measured_rows(deployment: Deployment) -> list[MeasuredRow]:
    """The figures of a deployment as rows of the JSON convention."""
    from neuroalign.export.report import MeasuredRow

    rows = []
    for agreement in deployment.agreements:
        for p in agreement.populations:
            case = f"{agreement.candidate} against {agreement.reference}: {p.name}"
            if p.spikes is not None:
                rows.append(MeasuredRow(f"{case}: bins equal", p.spikes.equal_bins, "share"))
                rows.append(MeasuredRow(f"{case}: F1", p.spikes.f1_exact, ""))
                rows.append(MeasuredRow(f"{case}: spikes", p.spikes.candidate_spikes, "spikes"))
            if p.membrane is not None:
                rows.append(MeasuredRow(f"{case}: membrane RMS", p.membrane.rms_volts, "V"))
        for o in agreement.outputs:
            case = f"{agreement.candidate} against {agreement.reference}: output {o.name}"
            if o.reference_accuracy is not None and o.candidate_accuracy is not None:
                loss = o.reference_accuracy - o.candidate_accuracy
                rows.append(MeasuredRow(f"{case}: accuracy", o.candidate_accuracy, "share"))
                rows.append(MeasuredRow(f"{case}: accuracy lost", loss, "share", 0.01, loss <= 0.01 + 1e-12))
            elif o.agreement is not None:
                rows.append(MeasuredRow(f"{case}: decisions alike", o.agreement, "share"))
    rows += _placed_rows(deployment)
    for pair in deployment.bit_equality:
        case = f"{pair.left} against {pair.right}: mismatches in {pair.states.compared} values that change"
        rows.append(MeasuredRow(case, pair.states.mismatches, "values", 0, pair.holds))
    return rows


def _placed_rows(deployment: Deployment) -> list[MeasuredRow]:
    """Cores, the limit that binds against its capacity, and energy and time by each price list (None: refused)."""
    from neuroalign.export.report import MeasuredRow

    found = deployment.placed
    if found is None:
        return []
    p, case = found.placement, f"placement on {deployment.profile_id}"
    rows = [MeasuredRow(f"{case}: cores", len(p.cores), "cores"), MeasuredRow(f"{case}: chips", p.chips, "chips")]
    if p.binding is not None:
        kept = None if p.binding.used is None else p.binding.status != "exceeded"
        rows.append(MeasuredRow(f"{case}: {p.binding.name}, which binds", p.binding.used, "", p.binding.capacity, kept))
    for report, bound in zip(found.energy, found.time, strict=True):
        if report.price_list is not None:
            basis = f"{report.price_list} ({'; '.join(filter(None, (report.basis, report.caveat)))})"
            rows.append(MeasuredRow(f"{case}: energy of the run by {basis}", report.total_j, "J"))
            rows.append(MeasuredRow(f"{case}: a step at least, by {basis}", bound.bound_s, "s"))
    return rows
