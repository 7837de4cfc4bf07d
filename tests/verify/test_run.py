"""Runs of many cases: every one once, failures told apart, and an end when it is asked for."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from faulty_emulators import Faulty

from neuroalign.errors import BackendFailed, BackendMissing
from neuroalign.recording import Recording
from neuroalign.verify.case import Case
from neuroalign.verify.compare import EmulatorRunner
from neuroalign.verify.draw import draw_case
from neuroalign.verify.oracles import EmulatorOracle, Stopped
from neuroalign.verify.run import BATCH, VerifyOptions, results
from neuroalign.verify.tally import Tally

SOUND = {"kernels": (EmulatorRunner("kernels"), 1)}


def small_case(number: int) -> Case:
    """A case of few numbers, of which the series 0 has many."""
    case = draw_case(0, 2, ())
    return Case(case.network, case.stimulus, 0, number)


@dataclass
class Scripted:
    """The emulator, except for cases that are to fail."""

    failing: frozenset[int] = frozenset()
    asked: list[list[int]] = field(default_factory=list)
    name: str = "scripted"
    width: int = 1

    def takes(self, case: Case) -> bool:
        return True

    def __call__(self, cases: Sequence[Case], stop: threading.Event) -> list[Recording]:
        self.asked.append([case.number for case in cases])
        if stop.is_set():
            raise Stopped
        if self.failing & {case.number for case in cases}:
            raise BackendFailed("lava failed: it hung")
        return EmulatorOracle("kernels")(cases, stop)


def test_every_case_is_run_once() -> None:
    oracle = Scripted()
    options = VerifyOptions(cases=2 * BATCH + 3, workers=3)
    found = [r.case.number for r in results(options, oracle=oracle, runners=SOUND, draw=small_case)]
    assert sorted(found) == list(range(options.cases))
    assert max(map(len, oracle.asked)) == BATCH


def test_one_case_by_its_number() -> None:
    stream = results(VerifyOptions(only=7, workers=1), oracle=Scripted(), runners=SOUND, draw=small_case)
    assert [r.case.number for r in stream] == [7]


def test_a_case_on_which_the_oracle_fails_is_told_from_its_batch() -> None:
    oracle = Scripted(frozenset({3}))
    tally = Tally()
    for result in results(VerifyOptions(cases=BATCH, workers=1), oracle=oracle, runners=SOUND, draw=small_case):
        tally.add(result)
    assert [r.case.number for r in tally.wrong] == [3]
    assert "it hung" in str(tally.wrong[0].differences[0])
    assert tally.lines["scripted"].failures == 1
    assert tally.lines["kernels"].cases == BATCH - 1
    assert tally.mismatches == 0


def test_a_tally_adds_up() -> None:
    tally = Tally()
    runners = SOUND | {"rare": (EmulatorRunner("kernels"), 4)}
    for result in results(VerifyOptions(cases=9, workers=1), oracle=Scripted(), runners=runners, draw=small_case):
        tally.add(result)
    kernels, rare = tally.lines["kernels"], tally.lines["rare"]
    assert (kernels.cases, rare.cases) == (9, 3)
    assert kernels.changing == 3 * rare.changing > 0
    assert kernels.constant == 3 * rare.constant > 0
    assert tally.compared == kernels.changing + rare.changing
    assert not tally.wrong
    case = small_case(0)
    recording = EmulatorRunner("kernels")(case)
    values = sum(states.size for states in recording.states.values())
    assert (kernels.changing + kernels.constant) == 9 * values
    assert tally.shares(("post spikes", "no such entry")) == {"post spikes": 1.0, "no such entry": 0.0}


def test_closing_ends_what_is_under_way() -> None:
    before = set(threading.enumerate())  # other tests' pools may idle in this process
    oracle = Scripted()
    stream = results(VerifyOptions(cases=100 * BATCH, workers=2), oracle=oracle, runners=SOUND, draw=small_case)
    next(stream)
    stream.close()
    begun = len(oracle.asked)
    assert begun < 20
    own = set(threading.enumerate()) - before
    assert not [t for t in own if t.name.startswith("ThreadPool") and t.is_alive()]


def test_no_batch_starts_after_the_time_limit() -> None:
    options = VerifyOptions(cases=100, workers=1, time_limit_s=0.0)
    assert list(results(options, oracle=Scripted(), runners=SOUND, draw=small_case)) == []


def test_a_missing_package_is_no_difference() -> None:
    def missing(network: object) -> object:
        raise BackendMissing("the emulator needs numba: pip install numba")

    runners = {"kernels": (Faulty(missing), 1)}  # type: ignore[arg-type]
    with pytest.raises(BackendMissing, match="numba"):
        list(results(VerifyOptions(cases=1, workers=1), oracle=Scripted(), runners=runners, draw=small_case))
