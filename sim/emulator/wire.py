"""A connection with what is under way in it, as the reference runs it."""

from __future__ import annotations

import numpy as np

from neuroalign.chip import ChipConnection, Fixed, Numbers
from neuroalign.fixed_point import wrap_int32
from neuroalign.sim.emulator.learning_reference import PlasticState
from neuroalign.sim.emulator.synapses import delivered


class Wire:
    """One connection with what is under way in it: row ``t % slots`` of ``buffer`` arrives at step t."""

    def __init__(
        self, connection: ChipConnection, connection_delay_steps: int, learner: PlasticState | None = None
    ) -> None:
        self.connection, self.learner = connection, learner
        self.first_delay = connection_delay_steps
        self.static_weights = self._by_delay(connection.weight)
        self.fixed = isinstance(connection.weight_format, Fixed)
        self.slots = connection_delay_steps + connection.max_delay + 1
        self.buffer = np.zeros((self.slots, connection.shape[0]), dtype=np.int64 if self.fixed else np.float64)

    def _by_delay(self, weight: Numbers) -> list[Numbers]:
        """The weights once for each delay, since a negative exponent rounds the sum of each delay by itself."""
        delays = self.connection.delays
        if delays is None:
            return [weight]
        return [np.where(delays == delay, weight, 0) for delay in range(self.connection.max_delay + 1)]

    def send(self, t: int, sent: Numbers) -> None:
        """Put what is sent at step t into the buffer."""
        payload = sent if self.connection.message_bits else (sent != 0).astype(sent.dtype)
        weights = self.static_weights if self.learner is None else self._by_delay(self.learner.weight)
        for delay, weight in enumerate(weights):
            slot = (t + self.first_delay + delay) % self.slots
            arriving = self.buffer[slot] + delivered(self.connection, weight, payload)
            self.buffer[slot] = wrap_int32(arriving) if self.fixed else arriving

    def take(self, t: int) -> Numbers:
        """What arrives at step t; its place in the buffer is free afterwards."""
        arrived = self.buffer[t % self.slots].copy()
        self.buffer[t % self.slots] = 0
        return np.asarray(arrived)
