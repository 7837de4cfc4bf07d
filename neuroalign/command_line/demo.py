"""The ``demo`` command. Everything heavy is imported inside it."""

from __future__ import annotations

from pathlib import Path

from neuroalign.command_line.deployment_output import write_and_print
from neuroalign.command_line.shared_options import Json, Out, Quiet


def demo(out: Out = Path("neuroalign-demo"), json: Json = None, quiet: Quiet = False) -> None:
    """Deploy a network that reads handwritten digits, on every backend installed here, and prove what changed."""
    from neuroalign.command_line.demo_terminal import print_demo_opening
    from neuroalign.command_line.terminal import progress_bars
    from neuroalign.demo.learning import run_learning_demo
    from neuroalign.demo.run import LAVA_SAMPLES, run_demo
    from neuroalign.export.atomic import require_writable

    require_writable(out, json)
    if not quiet:
        print_demo_opening(LAVA_SAMPLES)
    with progress_bars(quiet) as progress:
        deployment = run_demo(progress)
        learning = run_learning_demo(progress)
    write_and_print(deployment, out, json, "demo", quiet, learning)
