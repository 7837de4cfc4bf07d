"""The ``verify`` command: random networks in Lava and in the emulator. Everything heavy is imported inside it."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from neuroalign.pipeline.options import Progress
    from neuroalign.verify.investigate import Shares
    from neuroalign.verify.oracles import Oracle
    from neuroalign.verify.run import VerifyOptions
    from neuroalign.verify.tally import Tally


class Against(str, Enum):
    """What says what the states should be."""

    lava = "lava"
    reference = "reference"


def verify(
    cases: Annotated[int, typer.Option(help="How many networks to draw.", min=1)] = 200,
    seed: Annotated[int, typer.Option(help="Seed of everything that is drawn.", min=0)] = 0,
    only: Annotated[int | None, typer.Option(help="Run this one case of the series.", min=0)] = None,
    against: Annotated[
        Against, typer.Option(help="What the emulator is held against: Lava, or its own readable form.")
    ] = Against.lava,
    replay: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Run a case that an earlier run wrote, and nothing else.")
    ] = None,
    time: Annotated[
        float | None, typer.Option("--time", metavar="SECONDS", help="Begin nothing after so many seconds.", min=0)
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Lava processes at once; as many as processors, at most 4, if absent.", min=1)
    ] = None,
    out: Annotated[Path, typer.Option(help="Directory for the cases that differ.")] = Path("neuroalign-verify"),
    json: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the measured rows.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress and no tables, only the result.")] = False,
) -> None:
    """Draw random networks, run them in Lava and in the emulator, and compare every state at every step.

    A case that differs is made as small as it can be and written to a file that --replay runs again.
    """
    from tempfile import TemporaryDirectory

    from neuroalign.export.atomic import require_writable
    from neuroalign.verify.run import VerifyOptions, emulator_runners

    require_writable(out, json)
    oracle = _oracle(against)
    with TemporaryDirectory(prefix="neuroalign-verify-", ignore_cleanup_errors=True) as folder:
        runners = emulator_runners(Path(folder))
        if replay is not None:
            _replay(replay, oracle, runners)
        else:
            _run(VerifyOptions(cases, seed, only, workers, time), oracle, runners, out, json, quiet)


def _oracle(against: Against) -> Oracle:
    """What to hold the emulator against; refused at once where it is not installed."""
    from neuroalign.errors import BackendMissing
    from neuroalign.sim.lava_processes.backend import LavaBackend
    from neuroalign.verify.oracles import EmulatorOracle, LavaOracle

    if against is Against.reference:
        return EmulatorOracle()
    missing = LavaBackend().missing()
    if missing:
        raise BackendMissing(f"{missing} (without Lava: neuroalign verify --against reference)")
    return LavaOracle()


def _run(options: VerifyOptions, oracle: Oracle, runners: Shares, out: Path, json: Path | None, quiet: bool) -> None:
    """All cases, then the summary, which an interruption does not prevent; then the small cases."""
    import time

    from neuroalign.command_line.terminal import progress_bars
    from neuroalign.command_line.verify_terminal import print_tally, tally_rows
    from neuroalign.export.report import write_rows
    from neuroalign.pipeline import versions
    from neuroalign.verify.coverage import expected
    from neuroalign.verify.features import never_drawn, supported
    from neuroalign.verify.tally import Tally

    tally, begun, interrupted = Tally(), time.monotonic(), None
    try:
        with progress_bars(quiet) as progress:
            _collect(tally, options, oracle, runners, progress)
    except (KeyboardInterrupt, SystemExit) as end:
        interrupted = end
    seconds = time.monotonic() - begun
    entries = expected({feature.name for feature in supported()})
    if not quiet:
        print_tally(tally, oracle.name, seconds, entries, never_drawn())
    if json is not None:
        write_rows(json, "verify", tally_rows(tally, oracle.name, seconds, entries), versions(), options.seed)
    if interrupted is not None:
        raise interrupted
    if tally.wrong:
        _report_wrong(tally, oracle, runners, out, quiet)
    typer.echo(f"{tally.compared:,} values compared in {tally.cases:,} cases, 0 mismatches")


def _collect(tally: Tally, options: VerifyOptions, oracle: Oracle, runners: Shares, progress: Progress | None) -> None:
    from contextlib import closing

    from neuroalign.verify.run import results

    with closing(results(options, oracle=oracle, runners=runners)) as stream:
        for result in stream:
            tally.add(result)
            if progress is not None:
                progress("cases", tally.cases, len(options.numbers))


def _report_wrong(tally: Tally, oracle: Oracle, runners: Shares, out: Path, quiet: bool) -> None:
    """Shrink the first case of each kind, write it, and end with exit code 5."""
    from neuroalign.command_line.terminal import progress_bars
    from neuroalign.command_line.verify_terminal import print_first
    from neuroalign.errors import BackendFailed
    from neuroalign.pipeline import versions
    from neuroalign.verify.investigate import save, smallest

    written: list[tuple[Path, str]] = []
    for result, difference in tally.first_of_each_kind():
        with progress_bars(quiet) as progress:
            tried = (lambda runs, progress=progress: progress("shrinking", runs, runs)) if progress else None
            found = smallest(result.case, difference, oracle, runners, progress=tried)
        out.mkdir(parents=True, exist_ok=True)
        path = save(out, found, versions())
        written.append((path, str(found.difference)))
        if not quiet:
            print_first(result.case.number, f"smallest: {found.difference}; neuroalign verify --replay {path}")
    path, text = written[0]
    raise BackendFailed(
        f"{len(tally.wrong):,} of {tally.cases:,} cases differ, first in {text}; this is a defect, please report it with {path}"
    )


def _replay(file: Path, oracle: Oracle, runners: Shares) -> None:
    """Run a case again in every implementation."""
    from neuroalign.errors import BackendFailed
    from neuroalign.verify.files import read_case
    from neuroalign.verify.investigate import replay

    result = replay(read_case(file), oracle, runners)
    for name, compared in result.compared.items():
        typer.echo(f"{name}: {compared.difference or f'{compared.changing:,} values equal those of {oracle.name}'}")
    if result.differences:
        raise BackendFailed(f"{file}: {result.differences[0]}")
