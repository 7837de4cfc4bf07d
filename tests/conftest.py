"""Fixtures and options for all tests."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

# A shell that starts the tests in the background ignores SIGINT, and so would every process that a test starts and
# interrupts: ignoring is inherited, a handler is not.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

SHARED = Path(__file__).resolve().parents[1] / ".." / "shared" / "data"
GOLDEN = Path(__file__).resolve().parent / "golden"


@pytest.fixture(scope="session", autouse=True)
def kernels_from_the_first_run_on() -> None:
    """Tests of the emulator mean its kernels, also where nothing has been compiled yet."""
    from neuroalign.sim.emulator.first_run import patience

    patience().left = 0.0


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="rewrite tests/golden instead of comparing with it; read the diff"
    )


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Recorded traces and networks of others, which lie beside the checkout and do not ship with it."""
    if not SHARED.is_dir():
        pytest.skip("shared data is absent: ../shared/data holds recorded traces and other people's networks")
    return SHARED.resolve()


class Golden:
    """Compares text with a file of tests/golden, or rewrites the file where that was asked for."""

    def __init__(self, update: bool) -> None:
        self.update = update

    def check(self, name: str, text: str) -> None:
        path = GOLDEN / name
        if self.update:
            GOLDEN.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.is_file(), f"tests/golden/{name} is missing; pytest --update-golden writes it"
        assert text == path.read_text(encoding="utf-8"), f"{name} differs; if meant so: pytest --update-golden"


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Golden files; see ``--update-golden``."""
    return Golden(bool(request.config.getoption("--update-golden")))
