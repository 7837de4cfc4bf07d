"""Third factors on chip: who sends them, and what one unit of the trace that takes them in means.

A learning engine that takes in third factors keeps y1, y2 and y3 for them and has no post traces of its own (Lava 0.10,
``Loihi3FLearningRule``); received traces lie in 0..127. So a factor that can be negative is sent as ``64 + M / unit``
with ``unit = largest / 63``, and terms read ``(y3 - 64)``; one that cannot is sent as ``M / unit`` with ``unit = largest /
127``. A population that sends it sends spikes: y3 is 1 in a step with a spike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from neuroalign.chip import ChipInput
from neuroalign.conversion import ConversionRow
from neuroalign.errors import ConversionRefused
from neuroalign.microcode import TRACE_LIMIT
from neuroalign.network import Connection, Network
from neuroalign.profile import Profile
from neuroalign.quantise.rows import note_row
from neuroalign.rule import LearningRule, Modulator

SLOT = "y3"
"""The trace that takes in a rule's third factor."""
PAYLOAD_BITS = 8
MIDDLE = TRACE_LIMIT // 2


@dataclass(frozen=True)
class Received:
    """A third factor as the engine has it: what one unit means, what stands for 0, and the values it takes."""

    unit: float
    zero: int
    low: int
    high: int


SPIKES_RECEIVED = Received(1.0, 0, 0, 1)
REAL_RECEIVED = Received(1.0, 0, 0, 0)


def received(modulator: Modulator) -> Received:
    """As payloads of an input."""
    if modulator.signed:
        return Received(modulator.largest / (MIDDLE - 1), MIDDLE, 1, TRACE_LIMIT - 1)
    return Received(modulator.largest / (TRACE_LIMIT - 1), 0, 0, TRACE_LIMIT - 1)


def received_at(c: Connection, inputs: Mapping[str, object]) -> Received | None:
    """What a plastic connection receives; ``inputs`` are named by the keys. None without a third factor."""
    if c.rule is None or c.rule.modulator is None:
        return None
    return received(c.rule.modulator) if c.third_factor in inputs else SPIKES_RECEIVED


def check_third_factor(rule: LearningRule, profile: Profile | None = None) -> None:
    """Refuse post traces beside a third factor, and a profile that takes in none (ConversionRefused)."""
    if rule.modulator is not None and profile is not None and profile.arithmetic == "fixed":
        engine = profile.learning
        if engine.supported and engine.third_factor != "graded-spike-to-post-trace":
            has = "one reward trace for all synapses" if engine.third_factor else "none that is known"
            raise ConversionRefused(
                f"rule {rule.name!r} has a third factor for each target neuron, and profile {profile.id!r} has {has}; choose one whose "
                "post traces take in graded spikes, such as loihi2"
            )
    post = [name for name, trace in rule.traces.items() if trace.of == "post"]
    if rule.modulator is not None and post:
        raise ConversionRefused(
            f"rule {rule.name!r} has trace {post[0]!r} of post beside the third factor {rule.modulator.name!r}; a learning engine that "
            "takes in third factors has no post traces of its own; use traces of pre and the tag, or let the post neuron send the trace "
            "as the third factor"
        )


def third_factors(
    network: Network, profile: Profile, latency: Mapping[str, int]
) -> tuple[dict[str, ChipInput], list[ConversionRow]]:
    """The chip's form of every input that sends third factors, and their rows; populations that do are checked.

    Raises
    ------
    ConversionRefused
        If the sender cannot send them: it drives something too, never spikes, or payloads do not exist.
    """
    inputs: dict[str, ChipInput] = {}
    rows: list[ConversionRow] = []
    sizes = {port.name: port.size for port in network.inputs}
    for c in network.connections:
        if c.rule is None or c.rule.modulator is None:
            continue
        sender, modulator = c.third_factor, c.rule.modulator
        check_third_factor(c.rule, profile)
        if sender not in sizes:
            _check_population(network, c, sender)
            continue
        _check_input(network, profile, c, sender)
        what = received(modulator)
        real = profile.arithmetic == "float64"
        port = (
            ChipInput(sender, sizes[sender], 64, 1.0, latency[sender])
            if real
            else ChipInput(sender, sizes[sender], PAYLOAD_BITS, what.unit, latency[sender], what.zero)
        )
        other = inputs.get(sender, port)
        if (other.value_per_unit, other.zero) != (port.value_per_unit, port.zero):
            raise ConversionRefused(
                f"input {sender!r} sends third factors of two rules with different largest values; give each an input of its own"
            )
        inputs[sender] = port
        if not real:
            note = f"third factor of {c.name!r}: payload {what.zero} stands for 0, one unit for {what.unit:.4g}; beyond {modulator.largest:g} it is cut"
            rows.append(note_row(sender, "third factor", note, "rounded", sizes[sender]))
    return inputs, rows


def _check_population(network: Network, c: Connection, sender: str) -> None:
    if not network.population(sender).spiking:
        raise ConversionRefused(
            f"connection {c.name!r}: its third factor comes from {sender!r}, which never spikes, and chip neurons send at spikes only; "
            "send it from an input, or as spikes"
        )


def _check_input(network: Network, profile: Profile, c: Connection, sender: str) -> None:
    if any(other.source == sender for other in network.connections):
        raise ConversionRefused(
            f"connection {c.name!r}: input {sender!r} sends its third factor and drives neurons too; give the third factor an input "
            "of its own"
        )
    if profile.arithmetic == "fixed" and (profile.spike.payload_bits or 0) < PAYLOAD_BITS:
        known = profile.spike.payload_bits
        has = "no payload" if known == 0 else "an unknown payload" if known is None else f"{known} bits of payload"
        raise ConversionRefused(
            f"connection {c.name!r}: its third factor from {sender!r} takes {PAYLOAD_BITS} bits, and spikes of profile {profile.id!r} have "
            f"{has}; let a spiking population send it"
        )
