"""How a deployment is run: backends, learning, calibration, whom to tell of progress."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from neuroalign.quantise.rule_choices import RuleChoices
from neuroalign.recording import Stimulus

BackendName = Literal["emulator", "lava", "norse", "loihi"]
Progress = Callable[[str, int, int], None]
"""Called with (what is under way, done, total)."""


@dataclass(frozen=True)
class Options:
    """How to run: which backends, on how many samples each, with what seed, and whom to tell of progress.

    ``learning`` says for plastic connections by name how their rules are put on chip, ``choices`` for the others. The emulator runs so many samples
    at a time as ``threads`` says, and in the folder ``checkpoint`` keeps what it has done, a folder for each run.
    ``calibration`` searches for scales and integers on input of its own: a Stimulus, a file of one, or the probability of a
    spike per channel and step; ``split_weights`` lets the search hold large weights over two synapses. ``microcode`` holds
    a reset by subtraction as neuron microcode, where the profile's neurons can be programmed. ``bits`` are the widths of
    connections' weights, or the share of their memory that the search is to leave them. ``board`` is a board of the
    profile to place on; None takes as many chips as are needed.

    Examples
    --------
    >>> import neuroalign
    >>> options = neuroalign.Options(calibration=0.05, seed=1)  # search for better integers on seeded spikes
    >>> options.backends
    ('emulator',)
    """

    backends: tuple[BackendName, ...] = ("emulator",)
    lava_samples: int | None = None
    lava_time_limit_s: float = 600.0
    strict: bool = False
    learning: Mapping[str, RuleChoices] | None = None
    choices: RuleChoices | None = None
    seed: int = 0
    threads: int | None = 1
    checkpoint: Path | None = None
    calibration: Stimulus | str | Path | float | None = None
    split_weights: bool = False
    microcode: bool = False
    bits: Mapping[str, int] | float | None = None
    board: str | None = None
    command: str = ""
    progress: Progress | None = None
