"""How each data set is trained on, the same for all methods, and the rates that were best on the validation split.

Rates come from ``neuroalign reproduce feedback --part tuning``: for every method the same grid, the same seeds (apart from
those of the comparison), the mean accuracy on a fifth of the training split that is not trained on then.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from neuroalign.feedback.methods import Method, method_named, with_phase
from neuroalign.feedback.phases import SalPhase
from neuroalign.feedback.training import Settings


@dataclass(frozen=True)
class Protocol:
    """Network and length of training, and rates.

    Parameters
    ----------
    decay
        Of the weights, a step.
    rates
        By method.
    seeds
        How many are compared.
    grid, tuning_seeds, tuning_epochs, tuning_images
        The budget of each method's tuning: rates, seeds of each, how long it trains, and on how many images.
    own
        Methods whose phases are not the usual ones here.
    """

    hidden: tuple[int, ...]
    epochs: int
    batch: int
    decay: float
    rates: Mapping[str, float]
    seeds: int
    grid: tuple[float, ...]
    tuning_seeds: int
    tuning_epochs: int
    tuning_images: int | None = None
    own: Mapping[str, Method] = field(default_factory=dict)

    def method(self, name: str) -> Method:
        """One of ``own``, or the usual one of that name (InputError for unknown ones)."""
        return self.own.get(name) or method_named(name)

    def settings(self, method: str, rate: float | None = None) -> Settings:
        """For a method, with its own rate unless another is given."""
        chosen = self.rates.get(method, 0.1) if rate is None else rate
        return Settings(self.hidden, self.epochs, chosen, self.batch, decay=self.decay)


DIGITS = Protocol(
    hidden=(64, 64, 64, 64),
    epochs=10,
    batch=32,
    decay=1e-3,
    rates={
        "bp": 0.1, "fa": 0.1, "dfa": 0.05, "sign": 0.1, "kp": 0.1, "wm": 0.2, "stdwi": 0.1, "rdd": 0.1, "sal": 0.1,
    },
    seeds=40,
    grid=(0.02, 0.05, 0.1, 0.2, 0.4),
    tuning_seeds=3,
    tuning_epochs=10,
)  # fmt: skip
FASHION = Protocol(
    hidden=(256, 128, 64),
    epochs=12,
    batch=128,
    decay=1e-4,
    rates={
        "bp": 0.1, "fa": 0.1, "dfa": 0.1, "sign": 0.1, "kp": 0.1, "wm": 0.1, "stdwi": 0.1, "rdd": 0.1, "sal": 0.1,
    },
    seeds=5,
    grid=(0.05, 0.1, 0.2),
    tuning_seeds=1,
    tuning_epochs=12,
    # wide layers take SAL longer: four phases an epoch, chosen by the weight angle of random matrices that turn
    own={"sal": with_phase("sal", "SAL", SalPhase(later_eta=0.015), phases=4)},
)  # fmt: skip


def protocol_for(data: str) -> Protocol:
    """Of a data set by name; files of one's own are trained on as Fashion-MNIST is."""
    return DIGITS if data == "digits" else FASHION
