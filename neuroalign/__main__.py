"""Entry point: errors the toolkit raises on purpose become one line and an exit code (and the place, where they point into a text); signals end it tidily."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import NoReturn

from neuroalign.errors import NeuroalignError, RuleError


class Signalled(SystemExit):
    """A signal ended the program: as an exception, so that whatever is under way is cleaned up."""


def main() -> None:
    """Run the command line."""
    if sys.stdout is not None and hasattr(sys.stdout, "reconfigure"):
        # A file name may hold bytes that are no text, and a terminal may lack a character: neither is worth failing for.
        sys.stdout.reconfigure(errors="backslashreplace")
    with _signals_raised():
        raise SystemExit(_exit_code())


def _exit_code() -> int:
    try:
        return _run()
    except NeuroalignError as error:
        points = isinstance(error, RuleError) and error.column
        _tell(str(error) if points else " ".join(str(error).split()))
        return error.exit_code
    except Signalled as end:
        code = int(end.code or 0)
        _tell("interrupted; nothing was left half-written" if code == 130 else "ended; nothing was left half-written")
        return code
    except MemoryError as error:
        # What takes much is compared with the memory beforehand; a limit of the process (ulimit -v) shows only here.
        told = " ".join(str(error).split()).rstrip(".")
        _tell(f"not enough memory{told and ': '}{told}; use fewer steps, samples or probes, or a smaller network")
        return 2
    except ImportError as error:
        from neuroalign.command_line.usage_errors import broken_package

        line = broken_package(error)
        if line is None:
            raise
        _tell(line)
        return 4
    except BrokenPipeError:
        # The reader has gone (such as `| head`): nothing more can be said, and Python's own flush must not try.
        _discard_output()
        return 141
    except OSError:
        reason = _why_output_fails()
        if reason is None:
            raise
        _discard_output()
        _tell(f"cannot write to standard output: {reason}; free space there or send it elsewhere")
        return 6


def _run() -> int:
    """Run the command to its end, output written out included; its exit code."""
    from neuroalign.command_line.app import app

    code: object = 0
    try:
        code = app(prog_name="neuroalign", standalone_mode=False)
    except Signalled:
        raise
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):  # turned into exit code 1 by typer and rich
            raise end.__context__ from None
        code = end.code
    except Exception as error:
        code = _misused(error)
    if sys.stdout is not None:
        sys.stdout.flush()
    return code if isinstance(code, int) else 0


def _misused(error: Exception) -> int:
    """Say what the option parser refuses; raise what it did not raise itself. (typer brings its own click: no class is named.)"""
    if not hasattr(error, "format_message"):
        raise error
    from neuroalign.command_line.usage_errors import usage_line

    context = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError" and context is not None:
        print(context.get_help(), file=sys.stderr)
    else:
        _tell(usage_line(error, sys.argv[1:]))
    return int(getattr(error, "exit_code", 2))


@contextlib.contextmanager
def _signals_raised() -> Iterator[None]:
    """Ctrl-C, SIGTERM and a closed terminal raise :class:`Signalled`, where they are not ignored (nohup) or handled."""

    def end(number: int, frame: FrameType | None) -> NoReturn:
        raise Signalled(128 + number)

    standard = (signal.SIG_DFL, signal.default_int_handler)
    kinds = [n for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP) if signal.getsignal(n) in standard]
    if threading.current_thread() is not threading.main_thread():
        kinds = []  # Python sets handlers in the main thread only
    before = {number: signal.signal(number, end) for number in kinds}
    hook = sys.unraisablehook
    sys.unraisablehook = lambda lost: _send_again(lost.exc_value) or hook(lost)
    try:
        yield
    finally:
        sys.unraisablehook = hook
        for number, handler in before.items():
            signal.signal(number, handler)


def _send_again(lost: BaseException | None) -> bool:
    """Python drops what is raised in a finaliser: a signal that came during one is sent again a moment later."""
    if not isinstance(lost, Signalled):
        return False
    again = threading.Timer(0.05, os.kill, (os.getpid(), int(lost.code or 0) - 128))
    again.daemon = True
    again.start()
    return True


def _tell(line: str) -> None:
    with contextlib.suppress(OSError):  # the terminal may be gone
        print(f"neuroalign: {line}", file=sys.stderr)


def _why_output_fails() -> str | None:
    """What standard output refuses to take; None where it takes everything, so that an error came from elsewhere."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
            os.write(sys.stdout.fileno(), b"\n")  # unbuffered output has nothing left to flush
    except OSError as error:
        return error.strerror or str(error)
    return None


def _discard_output() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
