"""What a Program asks of a learning engine, and whether a profile's engine offers it."""

from __future__ import annotations

from dataclasses import dataclass

from neuroalign.errors import ConversionRefused
from neuroalign.microcode import FACTOR_BITS, TRACES, Program
from neuroalign.profile import Profile
from neuroalign.quantise.third_factor import SLOT


@dataclass(frozen=True)
class EngineNeeds:
    """What a chip must offer to run a Program.

    Parameters
    ----------
    traces
        Traces that spikes drive, and idle ones whose only use is to carry a constant.
    products
        Products in dw, dd and dt.
    state_bits
        Bits a synapse keeps: 8 and a sign for the weight, the same for the tag, 8 for the learned delay.
    shift
        Whether some product leans on the uncompensated product shift.
    odd_constants, largest_constant
        Constants beside factors; whether a chip takes odd ones is not public.
    """

    traces: tuple[str, ...]
    idle_traces: tuple[str, ...]
    products: tuple[int, int, int]
    tag: bool
    delay: bool
    state_bits: int
    t_epoch: int
    k: int | None
    shift: bool
    odd_constants: bool
    largest_constant: int
    signs: bool
    third_factor: bool = False


@dataclass(frozen=True)
class SynapseCost:
    """What a Program costs at one synapse.

    Parameters
    ----------
    bits
        State kept: weight, tag and learned delay, signs included.
    at_pre, at_post, at_transfer
        Products formed at a spike of pre, at one of post, and at each transfer.
    period
        Steps between transfers; 0 without.
    per_second
        Products a second at the given rates; nan where they are not known.
    """

    bits: int
    at_pre: int
    at_post: int
    at_transfer: int
    period: int
    per_second: float


def synapse_cost(program: Program, rates: tuple[float, float] | None, dt: float) -> SynapseCost:
    """Cost of ``program`` at ``rates`` (Hz) of pre and post, with steps of ``dt`` (s)."""
    pre, post, moved = (sum(p.dependency == gate for p in program.products) for gate in ("x0", "y0", "u"))
    period = 0 if program.k is None else 2**program.k * program.t_epoch
    clocked = moved / (period * dt) if period else 0.0
    each = float("nan") if rates is None else pre * rates[0] + post * rates[1] + clocked
    return SynapseCost(engine_needs(program).state_bits, pre, post, moved, period, each)


def engine_needs(program: Program, *, third_factor: bool = False) -> EngineNeeds:
    """What ``program`` asks for; with ``third_factor`` y3 takes it in."""
    read = program.variables
    tag, delay = bool(program.tag_update) or "t" in read, bool(program.dd) or "d" in read
    constants = [int(f.constant) for p in program.products for f in p.factors if f.constant]
    weight_bits = FACTOR_BITS["w"]  # 8 and a sign
    return EngineNeeds(
        traces=tuple(n for n in TRACES if program.trace(n).impulse > 0),
        idle_traces=tuple(
            n for n in TRACES if n in read and program.trace(n).impulse == 0 and not (third_factor and n == SLOT)
        ),
        products=(len(program.dw), len(program.dd), len(program.tag_update)),
        tag=tag,
        delay=delay,
        state_bits=weight_bits + (weight_bits if tag else 0) + (8 if delay else 0),
        t_epoch=program.t_epoch,
        k=program.k,
        shift=any(p.shift for p in program.products),
        odd_constants=any(c % 2 for c in constants),
        largest_constant=max(map(abs, constants), default=0),
        signs=any(f.sign for p in program.products for f in p.factors),
        third_factor=third_factor,
    )


def check_profile(rule: str, profile: Profile) -> None:
    """Refuse a profile without learning engine (ConversionRefused)."""
    if profile.learning.engine == "program":
        raise ConversionRefused(
            f"learning on profile {profile.id!r} is a program of its own, not the sums of products that rule {rule!r} becomes; "
            "choose a profile with them, such as loihi2"
        )
    if not profile.learning.supported:
        raise ConversionRefused(
            f"profile {profile.id!r} has no learning engine, and rule {rule!r} needs one; choose one that has it, such as loihi2"
        )


def check_program(rule: str, program: Program, profile: Profile) -> None:
    """Refuse a Program that the profile's engine cannot run; limits that the profile does not state are not checked.

    Raises
    ------
    ConversionRefused
        Naming the limit.
    """
    engine, needs = profile.learning, engine_needs(program)

    def refuse(what: str, limit: str) -> None:
        raise ConversionRefused(f"rule {rule!r} needs {what}; profile {profile.id!r} has {limit}")

    absent = [t for t in (*needs.traces, *needs.idle_traces) if engine.traces and t not in engine.traces]
    if absent:
        refuse(f"trace {absent[0]}", f"{', '.join(engine.traces)}; use fewer traces")
    if engine.epoch and not engine.epoch.min <= program.t_epoch <= engine.epoch.max:
        refuse(f"t_epoch {program.t_epoch}", f"{engine.epoch.min}..{engine.epoch.max} steps")
    if program.k is not None and engine.decimation and not engine.decimation.min <= program.k <= engine.decimation.max:
        refuse(
            f"u{program.k}",
            f"u{engine.decimation.min}..u{engine.decimation.max}; a longer t_epoch gives longer periods",
        )
    targets = engine.targets
    if targets is not None and needs.tag and targets.tag is None and targets.tag_1 is None:
        refuse("a tag", "none; use the direct form")
    if engine.const_bits is not None and needs.largest_constant >= 2**engine.const_bits:
        refuse(f"the constant {needs.largest_constant}", f"{engine.const_bits} bits for constants")
    _check_counts(rule, program, profile)


def _check_counts(rule: str, program: Program, profile: Profile) -> None:
    engine = profile.learning
    most = engine.products_per_rule
    if isinstance(most, int) and len(program.products) > most:
        raise ConversionRefused(
            f"rule {rule!r} needs {len(program.products)} products; profile {profile.id!r} has {most}; drop a term, or use the direct form"
        )
    scale = engine.scale
    if scale is None:
        return
    for p in program.products:
        if not (scale.mant_min <= p.mantissa <= scale.mant_max and scale.exp_min <= p.exponent <= scale.exp_max):
            raise ConversionRefused(
                f"rule {rule!r} needs the coefficient {p.mantissa}*2^{p.exponent}; profile {profile.id!r} has mantissas "
                f"{scale.mant_min}..{scale.mant_max} and exponents {scale.exp_min}..{scale.exp_max}"
            )
