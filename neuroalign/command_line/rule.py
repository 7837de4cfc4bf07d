"""The ``rule`` commands: new, list, show, check. Everything heavy is imported inside the commands."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neuroalign.command_line.completed_names import profile_names, rule_names
from neuroalign.command_line.grouped_help import INTEGERS
from neuroalign.command_line.verdict_codes import ExitZeroOption

if TYPE_CHECKING:
    from neuroalign.quantise.rule_choices import RuleChoices

rule_app = typer.Typer(
    help="Learning rules: what they are, what becomes of them on chip, and where chip and model part.",
    short_help="Local learning rules, shown and checked.",
    no_args_is_help=True,
)


class Form(str, Enum):
    """How changes below one weight unit are kept."""

    auto = "auto"
    carry = "carry"
    direct = "direct"
    stochastic = "stochastic"
    sgn = "sgn"
    exact = "exact"


class Backend(str, Enum):
    """Backends by name."""

    emulator = "emulator"
    lava = "lava"
    norse = "norse"


Name = Annotated[
    str,
    typer.Argument(
        metavar="NAME",
        help="A rule (see 'neuroalign rule list'), or a file NAME.rule or NAME.py; a .py file is run. Or a rule in Lava's terms: "
        "its arguments as text, \"dw='2^-2*x1*y0', x1_impulse=16, x1_tau=20\", a .rule file with them, a .py file that makes one.",
        show_default=False,
        autocompletion=rule_names,
    ),
]
ProfileName = Annotated[
    str,
    typer.Option(
        "--profile",
        help="A built-in profile (see 'neuroalign profile list') or a .toml file.",
        autocompletion=profile_names,
    ),
]
Listed = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Also write what is shown as JSON.")]
FormOption = Annotated[
    Form | None,
    typer.Option(
        "--form",
        help="Learning rules: where small changes are kept: carry for the best form that keeps them, direct for none of it; predicted best if absent.",
        rich_help_panel=INTEGERS,
    ),
]
Dt = Annotated[float, typer.Option("--dt", help="Time step in seconds.")]
Unit = Annotated[
    float | None, typer.Option("--unit", help="What one weight unit means in the rule's own unit, exactly.")
]
Limit = Annotated[
    float | None, typer.Option("--weight-limit", help="Largest weight expected; the unit follows from it.")
]
Rates = Annotated[
    str | None,
    typer.Option(
        "--rates", metavar="PRE,POST", help="Rates of active neurons in Hz, as 60,34; the rule's own if absent."
    ),
]
Portable = Annotated[
    bool, typer.Option("--portable", help="Use neither the product shift of Lava's engine nor odd constants.")
]


@rule_app.command("new", short_help="A rule file to begin with.", epilog="Example: neuroalign rule new my-stdp")
def rule_new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the rule is to be called.", show_default=False)],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Directory for the file.")] = Path(),
    quiet: Annotated[bool, typer.Option("--quiet", help="Only the name of what was written.")] = False,
) -> None:
    """Write NAME.rule to begin with: a rule that runs, with every line explained."""
    from neuroalign.command_line.rule_template import write_template

    path = write_template(name, out)
    typer.echo(str(path))
    if not quiet:
        typer.echo(f"  next: neuroalign rule check {path}")


@rule_app.command("list", short_help="The rules that are built in.", epilog="Example: neuroalign rule list")
def rule_list(json: Listed = None) -> None:
    """List the rules."""
    from neuroalign.command_line.rule_terminal import print_rules
    from neuroalign.rules import RULES, load_rule

    rules = [load_rule(name) for name in sorted(RULES)]
    if json is not None:
        from neuroalign.command_line.listed_rows import rules_rows, write_listed

        write_listed(json, "rule list", rules_rows(rules))
    print_rules(rules)


@rule_app.command(
    "show",
    short_help="What a rule is, and on chip.",
    epilog="Example: neuroalign rule show stdwi --profile loihi2 --form exact",
)
def rule_show(
    name: Name,
    profile: ProfileName = "loihi2",
    form: FormOption = None,
    dt: Dt = 1e-3,
    unit: Unit = None,
    weight_limit: Limit = None,
    rates: Rates = None,
    portable: Portable = False,
    json: Listed = None,
) -> None:
    """Show a rule: equation, symbols, microcode as Lava takes it, constants with their errors, what a chip needs."""
    from neuroalign.command_line.lava_rule import named_lava_rule, refuse_options
    from neuroalign.command_line.lava_rule import show as show_lava
    from neuroalign.command_line.rule_terminal import print_sheet
    from neuroalign.profile import load_profile
    from neuroalign.quantise.rule_sheet import rule_sheet
    from neuroalign.rules import load_rule

    lava = named_lava_rule(name)
    if lava is not None:
        refuse_options({"--unit": unit, "--weight-limit": weight_limit})
        choices = _choices(form, None, None, rates, portable)
        return show_lava(lava, load_profile(profile), _positive(dt), choices, json)
    rule, target = load_rule(name), load_profile(profile)
    sheet = rule_sheet(rule, target, _positive(dt), _choices(form, unit, weight_limit, rates, portable))
    if json is not None:
        from neuroalign.command_line.listed_rows import sheet_rows, write_listed

        write_listed(json, "rule show", sheet_rows(sheet))
    print_sheet(sheet)
    if sheet.refusal is not None:
        raise sheet.refusal


@rule_app.command(
    "forms", short_help="Every rule in every form, run.", epilog="Example: neuroalign rule forms --out forms.md"
)
def rule_forms(
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE.md", help="Write the table as Markdown.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
) -> None:
    """Run every rule in every form (float, Norse, emulator, Lava, NIR), and say which cannot exist and why."""
    from neuroalign.command_line.terminal import progress_bars
    from neuroalign.export.atomic import require_writable, write_atomically
    from neuroalign.rule_check.forms import forms_page
    from neuroalign.rule_check.forms import rule_forms as run_forms
    from neuroalign.rules import RULES, load_rule

    require_writable(None, out)
    with progress_bars(quiet) as progress:
        page = forms_page(run_forms([load_rule(name) for name in sorted(RULES)], progress=progress))
    if out is None:
        typer.echo(page)
    else:
        write_atomically(out, lambda path: path.write_text(page, encoding="utf-8"))
        typer.echo(str(out))


@rule_app.command(
    "check",
    short_help="Float, ideal, chip: where they part.",
    epilog="Example: neuroalign rule check stdwi --profile loihi2 --backend emulator --out check",
)
def rule_check(
    name: Name,
    profile: ProfileName = "loihi2",
    form: FormOption = None,
    steps: Annotated[int, typer.Option(help="Steps to run.", min=1)] = 10_000,
    seed: Annotated[int, typer.Option(help="Seed of the spikes.", min=0)] = 0,
    dt: Dt = 1e-3,
    unit: Unit = None,
    weight_limit: Limit = None,
    rates: Rates = None,
    portable: Portable = False,
    ablate: Annotated[
        bool, typer.Option("--ablate", help="Also switch off each step of the quantisation in turn: which costs what.")
    ] = False,
    seeds: Annotated[int, typer.Option("--seeds", help="Sets of spikes that --ablate runs.", min=1)] = 3,
    forms: Annotated[
        bool,
        typer.Option(
            "--forms", help="Also keep small changes in every other form: what carry gives, and which is best."
        ),
    ] = False,
    fit: Annotated[
        bool, typer.Option("--fit", help="Take the range that this run's weights need instead of the rule's own limit.")
    ] = False,
    start: Annotated[
        float | None,
        typer.Option(
            "--start",
            help="Weights at the start; 0 if absent, or half of the limit if every term is proportional to w.",
        ),
    ] = None,
    backend: Annotated[
        list[Backend] | None,
        typer.Option(help="What to run on; can be given several times. Whatever is installed, if absent."),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Directory for report.html and report.json.")] = None,
    json: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the measured rows.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress, only the verdict.")] = False,
    exit_zero: ExitZeroOption = False,
) -> None:
    """Run a rule on seeded spikes in floats, without rounding and on chip, and say where they part.

    Exit code 3 if the chip learns other weights than the float model, 7 if no weight ever changes. A rule in Lava's
    terms gets no verdict, so 0.
    """
    import sys

    from neuroalign.command_line.lava_rule import check as check_lava
    from neuroalign.command_line.lava_rule import named_lava_rule, refuse_options
    from neuroalign.command_line.terminal import progress_bars
    from neuroalign.command_line.verdict_codes import LEARNED, answer_with
    from neuroalign.deployment.rule_words import rule_outcome
    from neuroalign.errors import InputError
    from neuroalign.export.atomic import require_writable
    from neuroalign.profile import load_profile
    from neuroalign.rule_check import CheckOptions, check_rule
    from neuroalign.rules import load_rule

    require_writable(out, json)
    names: Any = tuple(dict.fromkeys(b.value for b in backend or []))
    choices = _choices(form, unit, weight_limit, rates, portable)
    lava = named_lava_rule(name)
    if lava is not None:
        refuse_options({"--unit": unit, "--weight-limit": weight_limit, "--ablate": ablate, "--out": out})
        refuse_options({"--forms": forms, "--fit": fit, "--start": start})
        options = CheckOptions(names, steps, _positive(dt), seed)
        return check_lava(lava, load_profile(profile), choices, options, json, quiet)
    if fit and (unit is not None or weight_limit is not None):
        raise InputError("--fit chooses the weight's unit, and so do --unit and --weight-limit; give one of them")
    rule, target = load_rule(name), load_profile(profile)
    with progress_bars(quiet) as progress:
        options = CheckOptions(
            names,
            steps,
            _positive(dt),
            seed,
            seeds if ablate else 0,
            command="neuroalign " + " ".join(sys.argv[1:]),
            progress=progress,
            start=_finite(start),
            fit=fit,
            forms=forms,
        )
        check = check_rule(rule, target, choices, options)
    _finish(check, out, json, quiet)
    answer_with(LEARNED[rule_outcome(check)], exit_zero)


def _finish(check: Any, out: Path | None, json: Path | None, quiet: bool) -> None:
    """Files first, then the tables; a failed bit equality ends with exit code 5."""
    from neuroalign.command_line.rule_terminal import check_rows, print_check
    from neuroalign.deployment.rule_words import check_words
    from neuroalign.errors import BackendFailed
    from neuroalign.export.report import write_rows
    from neuroalign.export.rule_report import write_rule_report

    page = write_rule_report(check, out) if out is not None else None
    if json is not None:
        write_rows(json, "rule check", check_rows(check), check.versions, check.seed)
    if not quiet:
        print_check(check)
    elif check.broken is None:
        typer.echo(check_words(check)[0])
    if page is not None:
        typer.echo(str(page))
    if check.broken is not None:
        states, (name, state, place) = check.broken.states, check.broken.states.first
        raise BackendFailed(
            f"{check.broken.left} and {check.broken.right} differ in {states.mismatches} values, first in {state} of {name} at chip "
            f"step {place.step + 1}; this is a defect, please report it"
        )


def _choices(
    form: Form | None, unit: float | None, weight_limit: float | None, rates: str | None, portable: bool
) -> RuleChoices:
    from neuroalign.errors import RuleError
    from neuroalign.quantise.rule_choices import RuleChoices

    if unit is not None and weight_limit is not None:
        raise RuleError("--unit and --weight-limit both set the weight's unit; give one of them")
    chosen: Any = form.value if form else "auto"
    return RuleChoices(chosen, weight_limit=weight_limit, weight_unit=unit, rates=_rates(rates), portable=portable)


def _rates(given: str | None) -> tuple[float, float] | None:
    from neuroalign.errors import InputError

    if given is None:
        return None
    try:
        pre, post = map(float, given.split(","))
    except ValueError:
        raise InputError(f"--rates is {given!r}; two numbers in Hz are needed, as in 60,34") from None
    return pre, post


def _finite(start: float | None) -> float | None:
    from neuroalign.errors import InputError

    if start is not None and not -float("inf") < start < float("inf"):
        raise InputError(f"--start is {start}; a finite weight is needed")
    return start


def _positive(dt: float) -> float:
    from neuroalign.errors import InputError

    if not 0 < dt < float("inf"):
        raise InputError(f"--dt is {dt}; a positive number of seconds is needed")
    return dt
