"""Lava's bit-accurate model of convolutions, started over before each sample; see :mod:`models`.

In a module of its own since Lava's convolutions take longer to import than all else of Lava.
"""

from __future__ import annotations

from typing import Any

from neuroalign.sim.lava_processes import lava_compat
from neuroalign.sim.lava_processes.recorded import Recorded

lava_compat.install()

from lava.magma.core.decorator import implements, requires, tag  # noqa: E402
from lava.magma.core.resources import CPU  # noqa: E402
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol  # noqa: E402
from lava.proc.conv.models import PyConvModelFixed  # noqa: E402
from lava.proc.conv.process import Conv  # noqa: E402


@implements(proc=Conv, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class RestartedConv(Recorded, PyConvModelFixed):
    """Lava's PyConvModelFixed whose buffer is emptied before each sample."""

    restored = ("a_buf",)


CONVOLUTION_MODELS: dict[Any, Any] = {Conv: RestartedConv}
"""Process to the model that is started over."""
