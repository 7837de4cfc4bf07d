"""The bit-equal CPU emulator: reference.py defines it, kernels.py computes the same fast, driver.py is the backend."""

from neuroalign.sim.emulator.batch import Batch
from neuroalign.sim.emulator.changes import ProgramChange
from neuroalign.sim.emulator.driver import Emulator
from neuroalign.sim.emulator.memory import memory_needed, recording_bytes
from neuroalign.sim.emulator.session import Session
from neuroalign.sim.emulator.store import Store

__all__ = ["Batch", "Emulator", "ProgramChange", "Session", "Store", "memory_needed", "recording_bytes"]
