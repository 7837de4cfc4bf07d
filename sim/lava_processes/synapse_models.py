"""Lava's bit-accurate models of synapses that do not learn, started over before each sample."""

from __future__ import annotations

from typing import Any

from neuroalign.sim.lava_processes import lava_compat
from neuroalign.sim.lava_processes.recorded import Recorded

lava_compat.install()

from lava.magma.core.decorator import implements, requires, tag  # noqa: E402
from lava.magma.core.resources import CPU  # noqa: E402
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol  # noqa: E402
from lava.proc.dense.models import PyDelayDenseModelBitAcc, PyDenseModelBitAcc  # noqa: E402
from lava.proc.dense.process import DelayDense, Dense  # noqa: E402
from lava.proc.sparse.models import PyDelaySparseModelBitAcc, PySparseModelBitAcc  # noqa: E402
from lava.proc.sparse.process import DelaySparse, Sparse  # noqa: E402


@implements(proc=Dense, protocol=LoihiProtocol)
@requires(CPU)
@tag("bit_accurate_loihi", "fixed_pt")
class RestartedDense(Recorded, PyDenseModelBitAcc):
    """Lava's PyDenseModelBitAcc whose buffer is emptied before each sample."""

    restored = ("a_buff",)


@implements(proc=DelayDense, protocol=LoihiProtocol)
@requires(CPU)
@tag("bit_accurate_loihi", "fixed_pt")
class RestartedDelayDense(Recorded, PyDelayDenseModelBitAcc):
    """Lava's PyDelayDenseModelBitAcc whose buffer is emptied before each sample."""

    restored = ("a_buff",)


@implements(proc=Sparse, protocol=LoihiProtocol)
@requires(CPU)
@tag("bit_accurate_loihi", "fixed_pt")
class RestartedSparse(Recorded, PySparseModelBitAcc):
    """Lava's PySparseModelBitAcc whose buffer is emptied before each sample."""

    restored = ("a_buff",)


@implements(proc=DelaySparse, protocol=LoihiProtocol)
@requires(CPU)
@tag("bit_accurate_loihi", "fixed_pt")
class RestartedDelaySparse(Recorded, PyDelaySparseModelBitAcc):
    """Lava's PyDelaySparseModelBitAcc whose buffer is emptied before each sample."""

    restored = ("a_buff",)


SYNAPSE_MODELS: dict[Any, Any] = {
    Dense: RestartedDense,
    DelayDense: RestartedDelayDense,
    Sparse: RestartedSparse,
    DelaySparse: RestartedDelaySparse,
}
"""Process to the model that is started over."""
