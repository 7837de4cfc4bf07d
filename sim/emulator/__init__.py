"""The bit-equal CPU emulator: reference.py defines it, kernels.py computes the same fast, driver.py is the backend."""

from neuroalign.sim.emulator.driver import Emulator, recording_bytes

__all__ = ["Emulator", "recording_bytes"]
