"""Where a benchmark ran: processor, memory, versions, and how busy others kept it."""

from __future__ import annotations

import os
import platform
import time
from pathlib import Path

from neuroalign.bench.measured import Value

SAMPLE_S = 0.3
BUSY = 0.25
"""Processors kept busy by others from which on a measurement counts as made under load."""


def machine() -> dict[str, Value]:
    """Processor, vector extensions, caches, memory, operating system; what is not known is left out."""
    found: dict[str, Value] = {
        "processor": _processor(),
        "logical processors": os.cpu_count() or 1,
        "system": platform.platform(terse=True),
        "architecture": platform.machine(),
    }
    flags = _cpuinfo("flags").split()
    if flags:
        found["vector extensions"] = " ".join(f for f in ("sse4_2", "avx2", "avx512f", "avx512bw") if f in flags)
    for level, size in _caches():
        found[f"cache {level}"] = size
    memory = _meminfo("MemTotal")
    if memory:
        found["memory bytes"] = memory
    return found


def others_cpus() -> float:
    """Processors kept busy, stolen ones included, while this process sleeps for :data:`SAMPLE_S`; 0 if unknown."""
    before = _busy_ticks()
    time.sleep(SAMPLE_S)
    after = _busy_ticks()
    if before is None or after is None:
        return 0.0
    return (after - before) / os.sysconf("SC_CLK_TCK") / SAMPLE_S


def _busy_ticks() -> int | None:
    """User, nice, system, irq, softirq and stolen time of all processors."""
    try:
        fields = [int(x) for x in Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:9]]
    except (OSError, ValueError):
        return None
    return sum(fields) - fields[3] - fields[4]


def _processor() -> str:
    return _cpuinfo("model name") or platform.processor() or "unknown"


def _cpuinfo(name: str) -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            key, _, value = line.partition(":")
            if key.strip() == name:
                return value.strip()
    except OSError:
        pass
    return ""


def _caches() -> list[tuple[str, str]]:
    found = []
    for folder in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        try:
            level, kind, size = ((folder / name).read_text().strip() for name in ("level", "type", "size"))
        except OSError:
            continue
        if kind != "Instruction":
            found.append((f"L{level}", size))
    return found


def _meminfo(name: str) -> int:
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0
