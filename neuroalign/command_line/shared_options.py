"""Options that several commands have, in the same words."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

File = Annotated[Path, typer.Argument(metavar="FILE.nir", help="A trained network as NIR.", show_default=False)]
Out = Annotated[Path, typer.Option("--out", help="Directory for report.html and report.json.")]
Json = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Also write the measured rows as JSON.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress, only the result.")]
