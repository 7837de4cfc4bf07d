"""Entry point: errors the toolkit raises on purpose become one line and an exit code; Ctrl-C ends quietly."""

from __future__ import annotations

import os
import sys

from neuroalign.errors import NeuroalignError


def main() -> None:
    """Run the command line."""
    from neuroalign.cli import app

    try:
        app(prog_name="neuroalign")
    except NeuroalignError as error:
        print(f"neuroalign: {' '.join(str(error).split())}", file=sys.stderr)
        raise SystemExit(error.exit_code) from None
    except KeyboardInterrupt:
        print("neuroalign: interrupted; nothing was left half-written", file=sys.stderr)
        raise SystemExit(130) from None
    except BrokenPipeError:
        # The reader has gone (such as `| head`): nothing more can be said, and Python's own flush must not try.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(141) from None


if __name__ == "__main__":
    main()
