"""Every limit of a placement where it is tightest: of cores, of the board, and of the learning engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from neuroalign.chip import ChipNetwork
from neuroalign.errors import ProfileError
from neuroalign.microcode import TRACES, Program
from neuroalign.placement.capacity import CORE_LIMITS, EPOCHS, RULES, Capacity, capacity_of
from neuroalign.placement.meter import Meter, Use
from neuroalign.placement.types import Limit, LimitStatus, Scope, Verdict
from neuroalign.profile import Board, Profile, provenance_of
from neuroalign.profile import Limit as Figure

CORES = "cores"
RULE_LIMITS = (EPOCHS, RULES)
"""Limits of a core that are met or not: being at them says nothing of how much room is left."""


def core_limits(
    meter: Meter, cores: Sequence[Sequence[Use]], capacities: Mapping[str, Capacity], *, learns: bool
) -> list[Limit]:
    """Limits of a core, each at the core that uses most of it."""
    totals = [meter.total(uses) for uses in cores]
    found = []
    for name in CORE_LIMITS:
        if name not in capacities or (name in RULE_LIMITS and not learns):
            continue
        worst = max(range(len(cores)), key=lambda k: (totals[k][name], -k), default=None)
        if worst is None:
            continue
        where = f"core {worst} ({', '.join(str(u.piece) for u in cores[worst])})"
        own = sorted(cores[worst], key=lambda u: -meter.total([u])[name])
        found.append(
            limit(name, totals[worst][name], capacities[name], "core", where, tuple(u.piece.population for u in own))
        )
    return found


def limit(
    name: str, used: int | None, capacity: Capacity, scope: Scope, where: str, populations: tuple[str, ...] = ()
) -> Limit:
    """One limit with its share and status."""
    number = capacity.number
    status: LimitStatus
    if capacity.value is None:
        status = "not checked"
    elif number is None:
        status = "unlimited"
    else:
        status = "exceeded" if used is not None and used > number else "fits"
    share = used / number if used is not None and number else None
    return Limit(name, used, number, share, status, scope, where, populations, capacity.figure)


def cores_limit(profile: Profile, board: str | None, cores: int) -> Limit:
    """Cores used of those on the board, or of the largest system that the profile allows."""
    figure = provenance_of(profile, "topology.cores_per_chip_usable") or provenance_of(profile, "topology")
    status = figure.status if figure else "unknown"
    per_chip = cores_per_chip(profile)
    if per_chip == "unlimited":
        return limit(CORES, cores, Capacity("unlimited", "unlimited"), "board", profile.id)
    if board is not None:
        found = board_of(profile, board)
        number = None if per_chip is None else per_chip * found.chips
        if found.cores_total is not None:
            number = found.cores_total if number is None else min(number, found.cores_total)
        return limit(CORES, cores, Capacity(number, status), "board", board)
    chips = profile.topology.chips_max
    if chips == "unlimited":
        return limit(CORES, cores, Capacity("unlimited", "unlimited"), "board", profile.id)
    number = None if per_chip is None or chips is None else per_chip * chips
    return limit(CORES, cores, Capacity(number, status if number else "unknown"), "board", f"the largest {profile.id}")


def cores_per_chip(profile: Profile) -> Figure | None:
    """Cores of a chip that can be used, ``unlimited``, or None where unknown."""
    usable = profile.topology.cores_per_chip_usable
    return profile.topology.cores_per_chip if usable is None else usable


def board_of(profile: Profile, name: str) -> Board:
    """The board called ``name``.

    Raises
    ------
    ProfileError
        If the profile has no such board.
    """
    if name not in profile.boards:
        known = ", ".join(profile.boards) or "no boards"
        raise ProfileError(f"profile {profile.id!r} has no board {name!r}; it has {known}")
    return profile.boards[name]


def learning_limits(chip: ChipNetwork, profile: Profile) -> list[Limit]:
    """Limits of the learning engine, each at the rule that uses most of it; none where nothing learns."""
    plastic = [(c.name, c.target, c.plasticity.program) for c in chip.connections if c.plasticity is not None]
    if not plastic or profile.arithmetic == "float64":
        return []
    engine = profile.learning
    where = ", ".join(name for name, _, _ in plastic)
    if not engine.supported:
        return [limit("learning engine", 1, capacity_of(profile, 0, "learning.supported"), "rule", where)]
    if engine.engine == "program":
        return [limit("learning program", None, Capacity(None, "unknown"), "rule", where)]
    epoch, decimation = engine.epoch, engine.decimation
    largest = None if engine.trace_bits is None else (1 << engine.trace_bits) - 1
    rows: list[tuple[str, str, Figure | None, list[int]]] = [
        (
            "products a rule",
            "learning.products_per_rule",
            engine.products_per_rule,
            [len(p.products) for *_, p in plastic],
        ),
        ("epoch steps", "learning.epoch", epoch.max if epoch else None, [p.t_epoch for *_, p in plastic]),
        (
            "decimation (k of u_k)",
            "learning.decimation",
            decimation.max if decimation else None,
            [p.k or 0 for *_, p in plastic],
        ),
        ("trace impulse", "learning.trace_bits", largest, [_impulse(p) for *_, p in plastic]),
        ("traces without hardware", "learning.traces", 0, [len(_traces(p) - {*engine.traces}) for *_, p in plastic]),
        ("variables without hardware", "learning.targets", 0, [len(_missing(p, profile)) for *_, p in plastic]),
    ]
    found = []
    for name, path, value, used in rows:
        worst = max(range(len(used)), key=lambda k: (used[k], -k))
        capacity = capacity_of(profile, value, path)
        found.append(limit(name, used[worst], capacity, "rule", plastic[worst][0], (plastic[worst][1],)))
    return found


def _impulse(program: Program) -> int:
    return int(max(program.trace(name).impulse for name in TRACES))


def _traces(program: Program) -> set[str]:
    return {name for name in TRACES if name in program.variables}


def _missing(program: Program, profile: Profile) -> set[str]:
    """Synaptic variables that the rule uses and the engine has not."""
    targets = profile.learning.targets
    if targets is None:
        return set()
    widths = {
        "w": targets.weight,
        "d": targets.delay if targets.delay is not None else targets.tag_2,
        "t": targets.tag if targets.tag is not None else targets.tag_1,
    }
    used = {"w": program.dw, "d": program.dd, "t": program.tag_update}
    return {name for name, width in widths.items() if width is None and (used[name] or name in program.variables)}


def in_order(limits: Sequence[Limit]) -> tuple[Limit, ...]:
    """Exceeded ones first, the worst of them at the head; then by share; those that are not checked last."""

    def rank(found: Limit) -> tuple[int, float]:
        exceeded = found.status == "exceeded"
        met_or_not = found.scope == "rule" or found.name in RULE_LIMITS
        known = found.status in ("exceeded", "fits")
        group = 0 if exceeded else (2 if met_or_not else 1) if known else 3 if found.status == "unlimited" else 4
        return group, -(found.share if found.share is not None else float("inf") if exceeded else 0.0)

    return tuple(sorted(limits, key=rank))


def binding_of(ordered: Sequence[Limit]) -> str | None:
    """Name of the limit that binds: the first whose capacity is a number."""
    return next((found.name for found in ordered if found.capacity is not None), None)


def verdict_of(limits: Sequence[Limit]) -> Verdict:
    """Whether everything that could be checked is kept."""
    if any(found.status == "exceeded" for found in limits):
        return "does not fit"
    return "fits" if any(found.status in ("fits", "unlimited") for found in limits) else "not checked"
