"""Adapters shaped as those of lava-loihi, which pass spikes on; and the hardware configuration on the bit-accurate models."""

# mypy: disable-error-code="misc"
from __future__ import annotations

import functools

from lava.magma.core import run_configs
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

for absent in ("CLoihiProcessModel", "AbstractNcProcessModel"):  # names that Lava has only beside lava-loihi
    if not hasattr(run_configs, absent):
        setattr(run_configs, absent, type(absent, (), {}))
run_configs.Loihi2HwCfg.__init__ = functools.partialmethod(run_configs.Loihi2HwCfg.__init__, select_tag="fixed_pt")


class PyToNxAdapter(AbstractProcess):
    """From the host to the chip."""

    def __init__(self, *, shape: tuple[int, ...]) -> None:
        super().__init__(shape=shape)
        self.inp, self.out = InPort(shape=shape), OutPort(shape=shape)


class NxToPyAdapter(AbstractProcess):
    """From the chip to the host."""

    def __init__(self, *, shape: tuple[int, ...]) -> None:
        super().__init__(shape=shape)
        self.inp, self.out = InPort(shape=shape), OutPort(shape=shape)


class _Passing(PyLoihiProcessModel):
    inp: PyInPort = LavaPyType(PyInPort.VEC_DENSE, int)
    out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, int)

    def run_spk(self) -> None:
        """What comes in goes out."""
        self.out.send(self.inp.recv())


@implements(proc=PyToNxAdapter, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PyToNx(_Passing):
    """Model of the one."""


@implements(proc=NxToPyAdapter, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class NxToPy(_Passing):
    """Model of the other."""
