"""A Benchmark whose every number is known."""

from __future__ import annotations

from neuroalign.bench.measured import Benchmark, Figure, Left, Result, Series

STEPS = (100, 100, 200)
LAVA = Series("lava", STEPS, (0.04, 0.05, 0.12))  # 400, 500, 600 us a step
EMULATOR = Series("emulator", STEPS, (0.0002, 0.0001, 0.0008))  # 2, 1, 4 us a step


def result(size: int, *, case: str = "static", others_cpus: float = 0.0) -> Result:
    """One result against Lava: 200 times by Lava's best, of which 100 must and 250 is the stretch."""
    ratio = Figure("Lava's best / emulator's median", 200.0, "times", 100, 250)
    figures = (ratio, Figure("median / median", 250.0, "times"), Figure("growth", 120.0, "MB", 100.0, None, True))
    return Result(case, f"N = {size}", {"N": size}, (LAVA, EMULATOR), figures, ("checked",), others_cpus)


def scaling(size: int, rate: float) -> Result:
    """One point of the cost over the rate."""
    sides = (Series("dense", (10,), (0.001,)), Series("event", (10,), (rate * 0.01,)))
    return Result("scaling", f"N = {size}, {rate:.1%}", {"N": size, "rate": rate}, sides, (Figure("x", 1.0),))


def benchmark() -> Benchmark:
    """Two sizes, one of them measured under load, four costs, and a case that could not be measured."""
    results = [result(128), result(256, others_cpus=1.5)]
    results += [scaling(n, rate) for n in (128, 1024) for rate in (0.02, 0.002)]
    return Benchmark(
        {"processor": "made up", "memory bytes": 16 * 2**30},
        {"neuroalign": "0", "lava-nc": "not installed"},
        {"cases": "static", "seed": 1},
        "2026-01-01 00:00",
        results,
        [Left("rivals", "", "neither is installed")],
    )
