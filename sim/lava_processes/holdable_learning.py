"""What Lava's LearningDense and LearningSparse learn exactly as it is stated."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from neuroalign.chip import ChipConnection, Plasticity, SparsePattern
from neuroalign.errors import ConversionRefused
from neuroalign.microcode import POST_TRACES, SYNAPTIC, check_integers
from neuroalign.sim.lava_processes.holdable_synapses import LARGEST_INITIAL
from neuroalign.sim.lava_processes.refusal import check_range, refused

_TAG_RANGE = (-257, 255)  # what Lava limits tags to, the lower end as it has it
_ROUNDING_SEED = 2


def check_plasticity(
    connection: ChipConnection, plasticity: Plasticity, sizes: Mapping[str, int], inputs: Collection[str]
) -> None:
    """Raise ConversionRefused unless Lava learns the same (RuleError for a Program); the weights are known to be held.

    Parameters
    ----------
    sizes
        Number of channels of each input and of neurons of each population.
    inputs
        Names of the inputs, whose single values can be repeated for all targets.
    """
    where = f"connection {connection.name!r}"
    if connection.max_delay:
        raise refused(where, "plastic synapses and a delay of", connection.max_delay, "no delays where it learns")
    if plasticity.rounding_seed != _ROUNDING_SEED:
        raise refused(where, "rounding_seed", plasticity.rounding_seed, f"{_ROUNDING_SEED}, always")
    if plasticity.rounding_draws != "shared":
        raise refused(where, "rounding_draws", repr(plasticity.rounding_draws), "one draw an epoch for all synapses")
    if plasticity.tag.shape != connection.weight.shape:
        raise refused(where, "tags of shape", plasticity.tag.shape, f"the weights' {connection.weight.shape}")
    check_range(where, "tag", plasticity.tag, *(LARGEST_INITIAL if connection.pattern is None else _TAG_RANGE))
    check_integers(plasticity.program)
    if plasticity.graded != "impulse" and not connection.message_bits:
        raise refused(where, "message_bits 0 and graded", repr(plasticity.graded), "payloads in graded spikes only")
    _check_modulators(where, connection.shape[0], plasticity, sizes, inputs)
    if connection.pattern is not None:
        _check_pattern(where, connection, plasticity)


def _check_modulators(
    where: str, targets: int, plasticity: Plasticity, sizes: Mapping[str, int], inputs: Collection[str]
) -> None:
    named = [trace for trace, _ in plasticity.modulators]
    for trace, sender in plasticity.modulators:
        size = sizes.get(sender, 0)
        if trace not in POST_TRACES or named.count(trace) > 1:
            raise refused(where, "a modulator of", trace, "one sender for each of y1, y2, y3")
        if size != targets and not (size == 1 and sender in inputs):
            raise refused(
                where,
                f"modulator {sender!r} of size",
                size,
                f"{targets} third factors, one a target (or a single input)",
            )
    for trace in POST_TRACES if plasticity.modulators else ():
        impulse = plasticity.program.trace(trace).impulse
        if impulse:
            raise refused(
                where, f"modulators and {trace} with impulse", impulse, "received post traces, without impulse"
            )


def _check_pattern(where: str, connection: ChipConnection, plasticity: Plasticity) -> None:
    """Lava's LearningSparse multiplies w, d and t as matrices, loses weights of 0, and hangs where signs are given."""
    if not isinstance(connection.pattern, SparsePattern):
        raise ConversionRefused(f"lava: {where} is a convolution and cannot learn; use a SparsePattern")
    synaptic = sorted(plasticity.program.variables & set(SYNAPTIC))
    if synaptic:
        raise refused(where, "sparse synapses and the factor", synaptic[0], "sparse rules of traces and spikes only")
    if connection.sign_mode != "mixed":
        raise refused(
            where, "sparse synapses and sign_mode", connection.sign_mode, "sparse weights that learn as mixed"
        )
    if connection.weight.size == 0:
        raise refused(where, "no synapse that could learn:", 0, "one at least")
    zeros = np.flatnonzero(connection.weight == 0)
    if zeros.size:
        raise refused(where, f"sparse synapses and weight[{zeros[0]}]", 0, "sparse weights that are not 0 at the start")
