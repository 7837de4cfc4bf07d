"""Lava's connection processes as connections of a chip that compute the same."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroalign.chip import ChipConnection, Convolution, Fixed, Plasticity, SignMode, SparsePattern
from neuroalign.errors import ConversionRefused, RuleError
from neuroalign.fixed_point import WEIGHT_BITS, lava_weights, truncate_weights
from neuroalign.microcode import check_integers
from neuroalign.sim.lava_processes.process_graph import Order, kind, title
from neuroalign.sim.lava_processes.taken_rules import program_of, takes_third_factors
from neuroalign.sim.lava_processes.taken_values import Integers, whole

DENSE = frozenset(f"lava.proc.dense.process.{name}" for name in ("Dense", "DelayDense", "LearningDense"))
SPARSE = frozenset(f"lava.proc.sparse.process.{name}" for name in ("Sparse", "DelaySparse", "LearningSparse"))
CONV = "lava.proc.conv.process.Conv"
SYNAPSES = DENSE | SPARSE | {CONV}

_SIGNS: dict[str, SignMode] = {
    "MIXED": "mixed",
    "EXCITATORY": "excitatory",
    "INHIBITORY": "inhibitory",
    "NULL": "excitatory",  # as Lava prepares them
}
_GRADED: dict[str, Any] = {
    "USE_REGULAR_IMPULSE": "impulse",
    "OVERWRITE": "overwrite",
    "ADD_WITH_SATURATION": "add-saturate",
    "ADD_WITHOUT_SATURATION": "add-carry",
}


@dataclass(frozen=True, eq=False)
class Ends:
    """What a connection process joins: names, and how its rows and columns are numbered there.

    ``columns[k]``: the column of the process that source neuron k sends to; ``rows[k]``: the row that leads to target
    neuron k.
    """

    name: str
    source: str
    target: str
    columns: Order
    rows: Order
    drives: bool = True
    modulators: tuple[tuple[str, str], ...] = field(default=())


def learns(process: Any) -> bool:
    """Whether a connection process has a learning rule."""
    return "Learning" in type(process).__name__


def take_synapses(process: Any, ends: Ends, notes: list[str]) -> ChipConnection:
    """A Dense or Sparse, with delays or learning, as Lava's fixed-point model computes with it."""
    if kind(process) in SPARSE:
        weight, pattern = _sparse(process, ends)
    else:
        weight, pattern = _ordered(whole(process, "weights", notes), ends), None
    bits, sign = _bits(process, notes), _sign_mode(process, weight, pattern)
    held = (truncate_weights if learns(process) and pattern is None else lava_weights)(weight, sign, bits)
    changed = int((held != weight).sum())
    if changed:
        notes.append(
            f"{title(process)}: {changed} of {weight.size} weights are held differently by {bits} {sign} bits, in Lava as here"
            + ("; even numbers from -256 to 254 stay as they are" if sign == "mixed" and bits == WEIGHT_BITS else "")
        )
    delays = _delays(process, ends, pattern) if hasattr(process, "delays") else None
    if delays is None and pattern is not None and not learns(process):
        held, pattern = _without_zeros(held, pattern)
    plasticity = _plasticity(process, ends, held, pattern, notes) if learns(process) else None
    return ChipConnection(
        name=ends.name,
        source=ends.source,
        target=ends.target,
        weight=held,
        weight_format=Fixed(bits, 0, "toward-zero", "saturate"),
        weight_exp=_exponent(process),
        sign_mode=sign,
        delays=delays,
        message_bits=_message_bits(process),
        plasticity=plasticity,
        drives=ends.drives,
        pattern=pattern,
    )


def take_convolution(process: Any, ends: Ends, pattern: Convolution, notes: list[str]) -> ChipConnection:
    """A Conv between nodes numbered (channel, row, column)."""
    weight = whole(process, "weight", notes).transpose(0, 3, 2, 1)[:, :, ::-1, ::-1]
    exponent = int(np.asarray(process.weight_exp.init).item())
    if exponent:
        notes.append(f"{title(process)}: its weight_exp {exponent} is left out, as Lava's model of Conv leaves it out")
    return ChipConnection(
        name=ends.name,
        source=ends.source,
        target=ends.target,
        weight=np.ascontiguousarray(weight),
        weight_format=Fixed(32 if np.abs(weight).max(initial=0) > 255 else 16, 0, "toward-zero", "saturate"),
        weight_exp=0,
        sign_mode="mixed",
        message_bits=_message_bits(process),
        pattern=pattern,
    )


def convolution_of(process: Any) -> Convolution:
    """The geometry of a Conv, in (channel, row, column)."""
    columns, rows, channels = (int(n) for n in process.s_in.shape)
    weight = np.shape(process.weight.init)

    def pair(name: str) -> tuple[int, int]:
        x, y = (int(n) for n in np.broadcast_to(getattr(process, name).init, (2,)))
        return y, x

    return Convolution(
        source_shape=(channels, rows, columns),
        channels=int(weight[0]),
        kernel=(int(weight[2]), int(weight[1])),
        stride=pair("stride"),
        padding=pair("padding"),
        dilation=pair("dilation"),
        groups=int(np.asarray(process.groups.init).item()),
    )


def _ordered(matrix: NDArray[Any], ends: Ends) -> Integers:
    return np.ascontiguousarray(matrix[np.ix_(ends.rows, ends.columns)], dtype=np.int64)


def _sparse(process: Any, ends: Ends) -> tuple[Integers, SparsePattern]:
    target, source, values = _entries(process, process.weights.init, ends)
    return values, SparsePattern(target, source, (ends.rows.size, ends.columns.size))


def _entries(process: Any, matrix: Any, ends: Ends) -> tuple[Integers, Integers, Integers]:
    """Target, source and value of each entry of a sparse matrix of Lava's, sorted by target, then source."""
    coordinates = matrix.tocoo()
    row, column = np.argsort(ends.rows)[coordinates.row], np.argsort(ends.columns)[coordinates.col]
    order = np.lexsort((column, row))
    row, column, values = row[order], column[order], np.trunc(coordinates.data[order])
    if (np.diff(row * matrix.shape[1] + column) == 0).any():
        raise ConversionRefused(f"{title(process)}: a synapse is given twice; sum them up (sum_duplicates) first")
    return row.astype(np.int64), column.astype(np.int64), values.astype(np.int64)


def _without_zeros(weight: Integers, pattern: SparsePattern) -> tuple[Integers, SparsePattern]:
    kept = weight != 0
    return weight[kept], SparsePattern(pattern.target[kept], pattern.source[kept], pattern.shape)


def _delays(process: Any, ends: Ends, pattern: SparsePattern | None) -> Integers:
    shape = (ends.rows.size, ends.columns.size)
    given = process.delays.init
    matrix = given.toarray() if hasattr(given, "toarray") else np.broadcast_to(np.asarray(given), shape)
    ordered = _ordered(matrix, ends)
    delays = ordered if pattern is None else ordered[pattern.target, pattern.source]
    longest = int(process.proc_params["max_delay"])
    if (delays > longest).any():
        raise ConversionRefused(
            f"{title(process)}: a delay is {delays.max()} with max_delay {longest}; Lava drops such synapses without a word, so "
            "raise max_delay"
        )
    return delays


def _plasticity(
    process: Any, ends: Ends, weight: Integers, pattern: SparsePattern | None, notes: list[str]
) -> Plasticity:
    rule = process.proc_params["learning_rule"]
    try:
        program = program_of(rule)
        check_integers(program)
    except RuleError as error:
        raise RuleError(f"{title(process)}: {error.message}", error.text, error.column) from None
    if not takes_third_factors(rule) and ends.modulators:
        raise ConversionRefused(
            f"{title(process)}: s_in_{ends.modulators[0][0]} is connected, but {type(rule).__name__} takes no third factors; "
            "use a Loihi3FLearningRule"
        )
    for name in ("tag_2", "tag_1"):
        matrix = getattr(process, name).init
        values = np.asarray(matrix.data if hasattr(matrix, "tocoo") else matrix)
        if name == "tag_2" and values.any():
            raise ConversionRefused(
                f"{title(process)}: tag_2 starts from {values.max():g}; only 0 is taken, so leave it out"
            )
    tag = _tag(process, ends, weight, pattern, bool(program.tag_update or program.dd), notes)
    graded = process.proc_params["graded_spike_cfg"].name
    return Plasticity(program, tag, 1.0, graded=_GRADED[graded], modulators=ends.modulators)


def _tag(
    process: Any, ends: Ends, weight: Integers, pattern: SparsePattern | None, changes: bool, notes: list[str]
) -> Integers:
    if pattern is None:
        given = np.broadcast_to(whole(process, "tag_1", notes), (ends.rows.size, ends.columns.size))
        return _ordered(given, ends)
    target, source, values = _entries(process, process.tag_1.init, ends)
    if np.array_equal(target, pattern.target) and np.array_equal(source, pattern.source):
        return values
    if changes or values.any():
        raise ConversionRefused(
            f"{title(process)}: Lava changes only those tags that tag_1 holds as explicit entries; give tag_1 an entry for each "
            "weight, or use LearningDense"
        )
    return np.zeros_like(weight)


def _bits(process: Any, notes: list[str]) -> int:
    bits = int(process.proc_params.get("num_weight_bits", WEIGHT_BITS))
    if not 1 <= bits <= WEIGHT_BITS:
        raise ConversionRefused(
            f"{title(process)}: num_weight_bits is {bits}; 1 to {WEIGHT_BITS} are possible, and with more Lava's fixed-point "
            "model makes every weight 0"
        )
    return bits


def _exponent(process: Any) -> int:
    exponent = process.proc_params.get("weight_exp", 0)
    if exponent != int(exponent):
        raise ConversionRefused(f"{title(process)}: weight_exp is {exponent}; a whole number is needed")
    return int(exponent)


def _message_bits(process: Any) -> int:
    return int(np.asarray(process.num_message_bits.init).item())


def _sign_mode(process: Any, weight: Integers, pattern: SparsePattern | None) -> SignMode:
    given = process.proc_params.get("sign_mode")
    if given is not None:
        if given.name == "NULL" and learns(process):
            raise ConversionRefused(
                f"{title(process)}: Lava fails on sign_mode NULL where weights change; use MIXED, EXCITATORY or INHIBITORY"
            )
        return _SIGNS[given.name]
    if learns(process):
        return "mixed"
    absent = pattern is not None and weight.size < pattern.shape[0] * pattern.shape[1]
    lowest, highest = (int(f(weight, initial=0) if absent or not weight.size else f(weight)) for f in (np.min, np.max))
    return "excitatory" if lowest >= 0 else "inhibitory" if highest <= 0 else "mixed"
