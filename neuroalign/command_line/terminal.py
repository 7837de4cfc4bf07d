"""What the command line prints: tables, progress, and the rows of ``--json``."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from neuroalign.demo.learning import LearningDemo
    from neuroalign.deployment import Deployment
    from neuroalign.deployment.searched import Searched
    from neuroalign.export.nir_graph.inspection import Inspection
    from neuroalign.export.report import MeasuredRow
    from neuroalign.fidelity import Agreement
    from neuroalign.pipeline.options import Progress
    from neuroalign.profile import Profile

AGREEMENT_WORDS = (
    "lag: steps by which the chip is later than the model, already subtracted; equal: share of all neurons' steps that are the "
    "same; F1: of the spikes with a partner in the same step, 1 is all; v RMS: error of the membrane"
)
CONVERSION_WORDS = (
    "error: share of the largest of its kind; a << b: the integer a times 2 to the power b; decay_v, decay_u: what membrane "
    "and synaptic current lose in a step, of 4096"
)
PATIENCE_S = 3.0
"""Loading compiled code and preparing a network take less than this."""


def console() -> Console:
    """Standard output; colour only on terminals, and wide enough for the tables where it is not one."""
    out = Console(highlight=False)
    return out if out.is_terminal else Console(highlight=False, width=140)


@contextlib.contextmanager
def progress_bars(quiet: bool) -> Iterator[Progress | None]:
    """A callback that draws one bar per kind of work, on standard error where it is a terminal, with the time left."""
    errors = Console(stderr=True)
    if quiet or not errors.is_terminal:
        yield None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn
    from rich.text import Text

    class Compiling(ProgressColumn):
        """Why the emulator's bar may stand at nothing."""

        def render(self, task: Any) -> Text:
            return Text(compiling(task.description, task.completed, task.elapsed or 0.0))

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), Compiling())
    with Progress(*columns, console=errors, transient=True) as bars:
        tasks: dict[str, Any] = {}

        def tell(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total)
            bars.update(tasks[what], completed=done, total=total)

        yield tell


def compiling(what: str, done: float, elapsed_s: float) -> str:
    """What to say of work that has not begun: the emulator's step loop is compiled at its first use on a machine."""
    waits = what.startswith("emulator") and not done and elapsed_s > PATIENCE_S
    return "compiling the step loop, once on this machine" if waits else ""


def print_inspection(found: Inspection) -> None:
    """Nodes, edges, and what reading the file would repair, assume or refuse."""
    out = console()
    table = Table(title=f"{escape(found.source)} (NIR {escape(found.version)})", title_justify="left")
    for column in ("node", "type", "shape", "parameters, smallest to largest", "taken"):
        table.add_column(column, overflow="fold")
    for node in found.nodes:
        ranges = "  ".join(
            f"{name} {low:.4g}" + ("" if low == high else f"..{high:.4g}") for name, low, high in node.parameters
        )
        table.add_row(
            escape(node.name), escape(node.type), escape(node.shape), escape(ranges), "yes" if node.taken else "not yet"
        )
    out.print(table)
    out.print("edges: " + escape(", ".join(f"{a} -> {b}" for a, b in found.edges)))
    if found.dt_clue and not any(found.dt_clue in line for line in found.assumptions):
        out.print("dt: " + escape(found.dt_clue))
    for label, lines in (("repaired", found.repairs), ("assumed", found.assumptions)):
        for line in lines:
            out.print(f"[yellow]{label}:[/yellow] {escape(line)}")
    if found.problem:
        out.print(f"[red]to deploy it, this is missing:[/red] {escape(found.problem)}", soft_wrap=True)
    else:
        out.print("deploy takes it, with the same options as given here")


def print_demo_opening(lava_samples: int) -> None:
    """What the demonstration proves, before it starts."""
    console().print(
        "A spiking network trained on handwritten digits goes to 8-bit integers for Loihi 2. The float model and the emulator\n"
        f"read every image of its test split; Lava, where it is installed, reads the first {lava_samples}. What follows shows how far\n"
        "the integers agree with the float model, and on Lava's images, whether the emulator computes the same bits.\n"
        "It ends with a local learning rule on the same integers.\n"
    )


def print_learning_demo(demo: LearningDemo) -> None:
    """How well a local rule inferred the weights of a network, in floats and on chip."""
    out, n = console(), demo.network
    out.print(
        f"\n[bold]Learning.[/bold] In a network of {n.inputs} spiking neurons feeding {n.outputs}, spike-timing-dependent weight inference\n"
        f"(STDWI) sets feedback weights from the spikes of both ends alone, for {demo.seconds:g} s of model time. They should become\n"
        "proportional to the forward weights. On chip the weights have 8 bits; changes below one unit gather in the tag.\n"
        "The longer it runs, the closer both come."
    )
    table = Table(title="Learnt weights against the forward weights", title_justify="left")
    for column in ("rule", "r", "signs equal", "angle"):
        table.add_column(column, justify="left" if column == "rule" else "right")
    for line in demo.lines:
        table.add_row(line.name, f"{line.r:.3f}", f"{line.sign:.1%}", f"{line.angle:.1f}°")
    table.add_row("best constant guess", "–", f"{demo.chance:.1%}", "–")
    out.print(table)


def learning_rows(demo: LearningDemo | None) -> list[MeasuredRow]:
    """The figures of the learning demonstration as rows of the JSON convention."""
    from neuroalign.export.report import MeasuredRow

    rows = []
    for line in demo.lines if demo else ():
        case = f"STDWI {demo.network.inputs} -> {demo.network.outputs}, {demo.seconds:g} s, {line.name}" if demo else ""
        rows.append(MeasuredRow(f"{case}: r against the forward weights", line.r))
        rows.append(MeasuredRow(f"{case}: equal signs", line.sign, "share"))
        rows.append(MeasuredRow(f"{case}: angle", line.angle, "degrees"))
    return rows


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


def print_profiles(profiles: Sequence[Profile]) -> None:
    """One line per built-in profile."""
    from neuroalign.profile import not_checked, not_run

    table = Table()
    for column in ("profile", "name", "arithmetic", "weights", "price lists", "limits not known"):
        table.add_column(column)
    for p in profiles:
        bits = f"{max(p.synapse.weight_bits)} bit" if p.synapse.weight_bits else "float64"
        arithmetic = p.arithmetic if not_run(p) is None else f"{p.arithmetic} (placed, not run)"
        table.add_row(p.id, p.name, arithmetic, bits, ", ".join(p.prices) or "none", str(len(not_checked(p))))
    console().print(table)


def print_profile(profile: Profile) -> None:
    """Every figure of a profile with status, grade and source; what is unknown; and where sources disagree."""
    from neuroalign.profile import describe

    table = Table(title=f"{profile.id}: {profile.name}", title_justify="left")
    for column in ("figure", "value", "status", "grade", "source", "note"):
        table.add_column(column, overflow="fold")
    for row in describe(profile):
        value = "not checked" if row.value is None else str(row.value)
        table.add_row(row.path, escape(value), row.status, row.grade, escape(row.source), escape(row.note))
    console().print(table)
    if profile.conflicts:
        _print_conflicts(profile)


def _print_conflicts(profile: Profile) -> None:
    """What each source says, which value is used, and why."""
    table = Table(title="Where sources disagree", title_justify="left")
    for column in ("figure", "values and their sources", "used", "why"):
        table.add_column(column, overflow="fold")
    for conflict in profile.conflicts:
        said = "\n".join(f"{v}: {s}" for v, s in zip(conflict.values, conflict.sources, strict=True))
        table.add_row(conflict.key, escape(said), escape(str(conflict.used)), escape(conflict.why))
    console().print(table)
