"""RDD's experiments (Guerguiev et al. 2020)."""

from __future__ import annotations

from statistics import fmean
from typing import Any

from neuroalign.reproduce.part import Case, Part, Values
from neuroalign.reproduce.table import Bar, Check

SOURCE = "Guerguiev, Kording, Richards 2020, arXiv 1910.01689"
TASKS = "rdd_tasks:"
EARLY, LATE, WIDE = 30.0, 90.0, 60.0
TIMES = [10.0, EARLY, 60.0, LATE]
QUICK = 0.2
"""Two stimuli; Lava needs minutes for more."""
NEAR = 0.02
"""How far apart in r two forms may be that count as one."""
DROP = 0.3
"""How much sign agreement the subtracted baseline is worth."""

SIZES: dict[str, Any] = {"driven": 384, "above": 192}
LARGE: dict[str, Any] = {"driven": 1600, "above": 384}


def _case(
    label: str,
    function: str,
    seconds: float,
    report: list[float],
    bars: tuple[Bar, ...] = (),
    *,
    quick: bool = True,
    **arguments: Any,
) -> Case:
    """``quick``: whether the row is part of quick runs."""
    short = {"seconds": QUICK, "report": [QUICK]} if quick else None
    return Case(label, TASKS + function, {"seconds": seconds, "report": report, **arguments}, short, bars)


def _mean(values: Values, case: str, figure: str) -> float:
    return fmean(values[case][figure])


def _published(values: Values) -> tuple[Check, ...]:
    r = {case: _mean(values, case, "r, 90 s") for case in values}
    apart = abs(r["published"] - r["correlator"])
    drop = _mean(values, "correlator", "sign, 90 s") - _mean(values, "correlator without baseline", "sign, 90 s")
    rising = [_mean(values, "published", f"r, {time:g} s") for time in TIMES]
    return (
        Check(
            f"the correlator within {NEAR:g} of the published form in r at 90 s", apart <= NEAR, f"{apart:.4f} apart"
        ),
        Check(f"without the baseline sign falls by more than {DROP:g}", drop > DROP, f"by {drop:.3f}"),
        Check("r rises from read to read", rising == sorted(rising), ", ".join(f"{value:.3f}" for value in rising)),
    )


def _chip(values: Values) -> tuple[Check, ...]:
    checks = []
    for time, case in ((EARLY, "chip, 30 s"), (LATE, "chip")):
        figure = f"r, {time:g} s"
        lost = _mean(values, "float correlator", figure) - _mean(values, case, figure)
        checks.append(
            Check(
                f"chip, at most {NEAR:g} behind the float correlator in r at {time:g} s",
                lost <= NEAR,
                f"{lost:.4f} behind",
            )
        )
    lost = _mean(values, "rule rdd, float", "r, 90 s") - _mean(values, "rule rdd, 8 bits", "r, 90 s")
    checks.append(
        Check(
            f"the rule in 8 bits, at most {NEAR:g} behind its float form in r at 90 s",
            lost <= NEAR,
            f"{lost:.4f} behind",
        )
    )
    return tuple(checks)


def _ablations(values: Values) -> tuple[Check, ...]:
    order = ["converged lines", "constants", "published", "windows with a spike only"]
    means = [_mean(values, case, "r, 90 s") for case in order]
    return (Check("r: " + " < ".join(order), means == sorted(means), ", ".join(f"{mean:.3f}" for mean in means)),)


BARS = (
    Bar("sign, 30 s", ">=", 0.78),
    Bar("sign, 90 s", ">=", 0.86),
    Bar("r, 90 s", ">=", 0.86),
    Bar("angle, 90 s", "<=", 30.0),
)
WIDE_BARS = (Bar("sign, 60 s", ">=", 0.78), Bar("r, 60 s", ">=", 0.72))

RDD: tuple[Part, ...] = (
    Part(
        "published",
        "RDD with the authors' constants, 192 driven neurons below 10, uniform random weights",
        SOURCE,
        (
            _case("published", "inferred", LATE, TIMES, BARS),
            _case("correlator", "inferred", LATE, TIMES, form="correlator"),
            _case("published without baseline", "inferred", LATE, TIMES, baseline=False),
            _case("correlator without baseline", "inferred", LATE, TIMES, form="correlator", baseline=False),
        ),
        checks=_published,
        notes=("Sign agreement of a constant guess is near .5: the weights are drawn around 0.",),
    ),
    Part(
        "wide",
        "RDD with the authors' constants, wider layers",
        SOURCE,
        (
            _case("384 -> 192", "inferred", WIDE, [10.0, 30.0, WIDE], WIDE_BARS, **SIZES),
            _case("384 -> 192, correlator", "inferred", WIDE, [10.0, 30.0, WIDE], form="correlator", **SIZES),
            _case("1600 -> 384", "inferred", WIDE, [10.0, 30.0, WIDE], **LARGE),
        ),
        seeds=3,
    ),
    Part(
        "chip",
        "RDD's Loihi 2 form: window neurons, third factors, 8-bit weights, one rounding draw a step for all synapses",
        SOURCE + "; the form is our own",
        (
            _case("float correlator", "inferred", LATE, [EARLY, LATE], form="correlator"),
            _case("chip", "on_chip", LATE, [EARLY, LATE]),
            _case(
                "chip, a draw for each synapse", "on_chip", LATE, [EARLY, LATE], quick=False, rounding_draws="synapse"
            ),
            _case("chip, smaller steps", "on_chip", LATE, [EARLY, LATE], quick=False, weight_exponent=-6),
            _case("chip, window in traces", "on_chip", LATE, [EARLY, LATE], weight_exponent=-6, synapse="traces"),
            _case("rule rdd, float", "by_rule", LATE, [EARLY, LATE]),
            _case("rule rdd, 8 bits", "by_rule", LATE, [EARLY, LATE], form="auto"),
            _case("chip, 30 s", "on_chip", EARLY, [EARLY], quick=False, weight_exponent=-4),
            _case("384 -> 192, float correlator", "inferred", WIDE, [WIDE], form="correlator", **SIZES),
            _case("384 -> 192, chip", "on_chip", WIDE, [WIDE], quick=False, **SIZES),
            _case(
                "384 -> 192, chip, window in traces",
                "on_chip",
                WIDE,
                [WIDE],
                quick=False,
                weight_exponent=-6,
                synapse="traces",
                **SIZES,
            ),
        ),
        seeds=3,
        checks=_chip,
        notes=(
            "The chip row at 30 s has steps twice as large: 8 bits are then used to the same extent.",
            "In the rule rdd, and where the window is in traces, two traces at the window's end take the place of the tag.",
        ),
    ),
    Part(
        "ablations",
        "RDD with a part of it changed, 192 -> 10, 90 s",
        SOURCE + "; forms after Lansdell, Kording 2023",
        (
            _case("published", "inferred", LATE, [LATE]),
            _case("sign of the window only", "inferred", LATE, [LATE], form="sign"),
            _case("windows with a spike only", "inferred", LATE, [LATE], form="spiked"),
            _case("converged lines", "inferred", LATE, [LATE], form="linear"),
            _case("constants", "inferred", LATE, [LATE], form="constant"),
            _case("windows within 0.3 of threshold", "inferred", LATE, [LATE], nearest=0.3),
            _case("windows within 0.1 of threshold", "inferred", LATE, [LATE], nearest=0.1),
            _case("no baseline", "inferred", LATE, [LATE], baseline=False),
            _case("window of 15 ms", "inferred", LATE, [LATE], protocol={"window": 15}),
            _case("window of 60 ms", "inferred", LATE, [LATE], protocol={"window": 60}),
        ),
        seeds=3,
        checks=_ablations,
    ),
)
