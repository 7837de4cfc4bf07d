"""What ``deploy`` and ``demo`` end with: the report, the chip as NIR, rows as JSON, and what is printed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from neuroalign.demo.learning import LearningDemo
    from neuroalign.deployment import Deployment
    from neuroalign.export.nir_graph.compat import Compat


def write_and_print(
    deployment: Deployment,
    out: Path,
    json: Path | None,
    command: str,
    quiet: bool,
    learning: LearningDemo | None = None,
    save: Path | None = None,
    compat: Compat | None = None,
) -> None:
    """Report, JSON, tables; the last line printed is the report's path."""
    from neuroalign.command_line.demo_terminal import learning_rows, print_learning_demo
    from neuroalign.command_line.deploy_terminal import measured_rows, print_deployment
    from neuroalign.deployment import verdict
    from neuroalign.export.report import write_report, write_rows

    page = write_report(deployment, out)
    if save is not None and deployment.chip is not None:
        from neuroalign.export.nir_graph.write import write_nir

        write_nir(save, deployment.chip, network=deployment.network, compat=compat)
    if json is not None:
        write_rows(
            json, command, [*measured_rows(deployment), *learning_rows(learning)], deployment.versions, deployment.seed
        )
    if quiet:
        typer.echo(verdict(deployment).headline)
    else:
        print_deployment(deployment)
        if learning is not None:
            print_learning_demo(learning)
    typer.echo(str(page))
