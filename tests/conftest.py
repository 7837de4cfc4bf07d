"""Fixtures and options for all tests."""

from __future__ import annotations

import signal
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from command_calls import Call

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


SLOWEST = (
    "conformance/test_learning_lava.py",
    "conformance/test_experiments_lava.py",
    "conformance/test_emulator_lava.py",
    "conformance/test_rule_forms.py",
    "verify/test_draw.py",
    "sim/lava_processes/test_lava_compat.py",
    "conformance/test_window_neurons_lava.py",
    "conformance/test_verify_lava.py",
    "conformance/test_neurons_lava.py",
)
"""Modules that take the longest, which are begun first: one of them begun last keeps one processor busy and the others idle."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The slowest modules first, all others in their order (make test tells xdist to keep it)."""
    here = Path(__file__).resolve().parent
    rank = {here / name: number for number, name in enumerate(SLOWEST)}
    items.sort(key=lambda item: rank.get(item.path, len(rank)))


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Call:
    """Run the command line in an empty directory."""
    from command_calls import caller

    monkeypatch.chdir(tmp_path)
    return caller(monkeypatch, capsys)


@pytest.fixture(scope="session", autouse=True)
def kernels_compiled_once_by_all_workers(request: pytest.FixtureRequest) -> None:
    """Of several workers on a fresh clone, half compile the kernels in integers first and half those in floats.

    Each then finds on the disk what the other has compiled; without this all of them compile both, for a minute.
    """
    worker = getattr(request.config, "workerinput", {}).get("workerid", "")
    if worker:
        compile_kernels(fixed_first=int(worker.removeprefix("gw")) % 2 == 0)


def compile_kernels(*, fixed_first: bool) -> None:
    """Run a small network with and without learning, in integers and in floats."""
    from neuroalign.compile import compile_network, float_model
    from neuroalign.profile import load_profile
    from neuroalign.rule_check.trial import trial_network, trial_spikes
    from neuroalign.rules import load_rule
    from neuroalign.sim.emulator import Emulator

    rule = load_rule("stdwi")
    learning = trial_network(rule, 1e-3)
    static = replace(learning, connections=tuple(c for c in learning.connections if c.rule is None))
    stimulus = trial_spikes(5, 1e-3, 0).stimulus_of(rule)
    for fixed in (fixed_first, not fixed_first):
        for network in (learning, static):
            chip = (
                compile_network(network, load_profile("loihi2"))[0]
                if fixed
                else float_model(network, load_profile("ideal"))
            )
            Emulator().run(chip, stimulus, (), implementation="interpreter")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="rewrite tests/golden instead of comparing with it; read the diff"
    )


@pytest.fixture
def without_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports without figures, which take seconds to draw: tests that look at them are in export/ and browser/."""
    from neuroalign.export import figures, live

    monkeypatch.setattr(figures, "pictures", lambda deployment: [])
    monkeypatch.setattr(live, "live_figures", lambda deployment: live.NOTHING)


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
