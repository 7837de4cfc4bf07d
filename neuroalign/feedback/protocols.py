"""How each data set is trained on, the same for all methods, and the rates that were best on the validation split.

Rates come from ``neuroalign reproduce feedback --part tuning``: for every method the same grid, the same seeds (apart from
those of the comparison), the mean accuracy on a fifth of the training split that is not trained on then.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from neuroalign.feedback.training import Settings

RATES = (0.02, 0.05, 0.1, 0.2, 0.4)
"""The grid of rates."""


@dataclass(frozen=True)
class Protocol:
    """Network and length of training, rates by method, and how many seeds are compared."""

    hidden: tuple[int, ...]
    epochs: int
    batch: int
    rates: Mapping[str, float]
    seeds: int
    tuning_seeds: int = 3

    def settings(self, method: str, rate: float | None = None) -> Settings:
        """For a method, with its own rate unless another is given."""
        chosen = self.rates.get(method, 0.1) if rate is None else rate
        return Settings(self.hidden, self.epochs, chosen, self.batch)


DIGITS = Protocol(
    (64, 64, 64, 64), 10, 32,
    {"bp": 0.1, "fa": 0.1, "dfa": 0.05, "sign": 0.1, "kp": 0.1, "wm": 0.2, "stdwi": 0.4, "rdd": 0.2, "sal": 0.2},
    20,
)  # fmt: skip
FASHION = Protocol((256, 128, 64), 10, 64, {}, 3, 1)


def protocol_for(data: str) -> Protocol:
    """Of a data set by name; files of one's own are trained on as Fashion-MNIST is."""
    return DIGITS if data == "digits" else FASHION
