"""Neurons that watch windows near their threshold and send third factors: neuron microcode, no standard Lava process.

One step t in integers, with ``decay(x, d) = x (4096 - d) / 4096`` cut off towards zero, states saturating at 24 bits::

    where left > 1:  largest = max(largest, free)
    slow = decay(slow + (a << weight_shift), slow_decay);   fast = decay(fast + (a << weight_shift), fast_decay)
    v    = decay(v, v_decay) + slow - fast;                 free = decay(free, v_decay) + slow - fast
    s    = v >= threshold and resting = 0;    v = reset where s
    resting = refractory_steps where s, else max(resting - 1, 0)

    where left > 1:   spiked |= s;  inside = flag;  left = left - 1                          within a window
    elsewhere free = v, and
        where left = 1:  outcome = +-((threshold + largest) >> outcome_shift), + where spiked, at most 127;
                         clear = CLEAR;  left = 0                                            the step after a window
        where left = 0 and |threshold - free| <= near:  inside = -flag window;  left = window + 1;  largest = spiked = 0

``inside``, ``outcome`` and ``clear`` are 0 elsewhere. A synapse that adds ``inside q`` to its tag in every step holds
``flag (sum of q over the window - window q at its opening)`` when ``outcome`` arrives, and sets its tag back at ``clear``.

Loihi 2 would need neuron microcode for it: two currents, two membranes, four small integers, and three graded values sent
to the synapses of the neuron itself. No chip and no standard process of Lava has it; a ChipNetwork does not hold it, so
its spikes and third factors enter a ChipNetwork as inputs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from neuroalign.errors import NetworkError

STATE_BITS = 24
DECAY_BITS = 12
CLEAR = 32
"""What ``clear`` sends: times a 9-bit tag it passes the engine's shift by 5 bits exactly."""
LARGEST_SENT = 127
LOWEST_SENT = -128


@dataclass(frozen=True)
class WindowNeurons:
    """A population of them.

    Parameters
    ----------
    slow_decay, fast_decay, v_decay
        12-bit decay fields.
    threshold, reset, near
        In units of v. ``near`` 0: no window ever opens.
    window : steps
    flag
        What ``inside`` is within a window.
    outcome_shift
        Bits that ``threshold + largest`` loses when it is sent.
    weight_shift
        Of what arrives.
    """

    name: str
    size: int
    slow_decay: int
    fast_decay: int
    v_decay: int
    threshold: int
    reset: int
    near: int
    window: int
    flag: int
    outcome_shift: int
    refractory_steps: int
    weight_shift: int = 6

    def __post_init__(self) -> None:
        largest = 1 << (STATE_BITS - 2)
        ranges = {
            "size": (1, 1 << 20),
            "slow_decay": (0, 1 << DECAY_BITS),
            "fast_decay": (0, 1 << DECAY_BITS),
            "v_decay": (0, 1 << DECAY_BITS),
            "threshold": (1, largest),
            "reset": (-largest, 0),
            "near": (0, self.threshold),
            "window": (1, 63),
            "flag": (1, LARGEST_SENT),
            "outcome_shift": (0, STATE_BITS),
            "refractory_steps": (0, 63),
            "weight_shift": (0, 8),
        }
        for name, (low, high) in ranges.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise NetworkError(f"window neurons {self.name!r}: {name} is {value}; it must lie in {low} to {high}")
        if self.flag * self.window > -LOWEST_SENT:
            raise NetworkError(
                f"window neurons {self.name!r}: flag {self.flag} times window {self.window} is above {-LOWEST_SENT}, the "
                f"largest factor; choose a flag of at most {-LOWEST_SENT // self.window}"
            )

    def without_windows(self) -> WindowNeurons:
        """The same neurons, in which no window opens: they only spike."""
        return replace(self, near=0)
