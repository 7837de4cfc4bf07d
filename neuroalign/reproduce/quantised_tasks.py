"""Stages of bringing one trained classifier to a chip: train, judge in floats, in plain 8 bits, searched, fine-tuned.

Each stage leaves a file in the folder it is given, and takes what earlier stages left there: a trained network's state
after every epoch, and which test images every way of holding it classifies right.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroalign.calibration import SearchOptions, search
from neuroalign.calibration.fine_tuning import fine_tune
from neuroalign.calibration.tuning_samples import as_the_model
from neuroalign.chip import ChipNetwork
from neuroalign.compile import compile_network, float_model
from neuroalign.datasets.images import Images
from neuroalign.datasets.named import load_images
from neuroalign.errors import BackendMissing
from neuroalign.export.atomic import write_atomically
from neuroalign.export.nir_graph.write import write_nir
from neuroalign.network import Network
from neuroalign.profile import Profile, load_profile
from neuroalign.quantise.scale_question import ScaleChoice
from neuroalign.recording import Stimulus
from neuroalign.reproduce.paired import bootstrap_interval
from neuroalign.reproduce.task import Result
from neuroalign.sim.emulator import Emulator
from neuroalign.sim.norse_reference.backend import NorseReference
from neuroalign.sim.norse_reference.training.fine_tuning import Samples, TuningOptions
from neuroalign.sim.norse_reference.training.image_classifier import Training, bernoulli, train_classifier

CHUNK = 1000
"""Test images that run at a time."""
TEST_SEED, CALIBRATION_SEED = 2026, 2027
CALIBRATION_IMAGES = 256
DROP = "drop, points"
FULL = 8
"""Bits of a weight unless said otherwise."""


@dataclass(frozen=True)
class Setting:
    """One trained network: everything that its results depend on but the data, and the folder they are kept in."""

    seed: int
    data: str
    folder: str
    profile: str = "loihi2"
    hidden: int = 256
    steps: int = 20
    epochs: int = 8
    images: int | None = None
    tested: int | None = None
    tuning_epochs: int = 2
    tuning_images: int = 20_000
    tuning_rate: float = 2e-3
    bits: int = FULL

    @property
    def place(self) -> Path:
        """Where this seed's files are."""
        place = Path(self.folder) / f"seed {self.seed}"
        place.mkdir(parents=True, exist_ok=True)
        return place


def judged(stage: str, seed: int, data: str, folder: str, *, backend: str = "emulator", **choices: Any) -> Result:
    """Accuracy on the test images of one way of holding the network, and what it lost against floats.

    Parameters
    ----------
    stage
        "float", "plain", "searched" or "fine-tuned".
    backend
        Chip rows have one form, so it is not used.
    choices
        Further fields of :class:`Setting`.
    """
    missing = NorseReference().missing()
    if missing is not None:
        raise BackendMissing(missing)
    setting = Setting(seed, data, folder, **choices)
    images = load_images(data)
    reference = _right(setting, images, "float")
    right = _right(setting, images, stage)
    figures = {"accuracy, %": 100 * float(np.mean(right))}
    if stage != "float":
        drop, low, high = bootstrap_interval(reference[None], right[None])
        figures |= {
            DROP: 100 * drop,
            "its 95 % interval, low end": 100 * low,
            "its 95 % interval, high end": 100 * high,
            "images judged otherwise, %": 100 * float(np.mean(reference != right)),
        }
    return {"figures": figures, "curves": {}}


def stored_right(folder: Path, seed: int, stage: str, bits: int = FULL) -> NDArray[np.bool_] | None:
    """Which test images a stage got right, as it left them in the folder of a sweep; None before."""
    path = folder / f"seed {seed}" / f"{_called(stage, bits)}.npy"
    return np.load(path) if path.exists() else None


def _right(setting: Setting, images: Images, stage: str) -> NDArray[np.bool_]:
    kept = stored_right(Path(setting.folder), setting.seed, stage, setting.bits)
    if kept is not None:
        return kept
    network, scales = _held(setting, images, stage)
    chip = (
        float_model(network, load_profile("ideal"))
        if stage == "float"
        else compile_network(network, _profile(setting), scales=scales)[0]
    )
    if stage != "float":
        write_nir(setting.place / f"{_called(stage, setting.bits)}.nir", chip, network=network)
    right = _decided(chip, images.test[: setting.tested], setting.steps) == images.test_labels[: setting.tested]
    write_atomically(setting.place / f"{_called(stage, setting.bits)}.npy", lambda path: np.save(path, right))
    return np.asarray(right)


def _held(setting: Setting, images: Images, stage: str) -> tuple[Network, Mapping[str, ScaleChoice]]:
    """The network of a stage and the scales it is held at; fine-tuning goes on from what the search found."""
    network = _trained(setting, images)
    if stage in ("float", "plain"):
        return network, {}
    profile = _profile(setting)
    calibration = _spikes(images.train[:CALIBRATION_IMAGES], setting.steps, CALIBRATION_SEED)
    found = search(network, profile, calibration, SearchOptions(seed=setting.seed))
    if stage == "searched":
        return found.network, found.scales
    few = images.train[: setting.images][: setting.tuning_images]

    def draw(rows: NDArray[np.int64], epoch: int) -> dict[str, NDArray[np.uint8]]:
        return {"input": bernoulli(few[rows], setting.steps, [setting.seed, epoch, int(rows[0]), 1])}

    samples = Samples(len(few), draw, images.train_labels[: len(few)], as_the_model(network))
    options = TuningOptions(
        setting.tuning_epochs,
        rate=setting.tuning_rate,
        seed=setting.seed,
        checkpoint=setting.place / f"{_called('tuning', setting.bits)}.pt",
    )
    tuned = fine_tune(found.network, profile, samples, options, found.scales)
    return tuned.network, tuned.scales


def _called(stage: str, bits: int) -> str:
    """Name of a stage's files; floats have no bits."""
    return stage if bits == FULL or stage == "float" else f"{stage}, {bits} bits"


def _profile(setting: Setting) -> Profile:
    profile = load_profile(setting.profile)
    return (
        profile
        if setting.bits == FULL
        else replace(profile, synapse=replace(profile.synapse, weight_bits=(setting.bits,)))
    )


def _trained(setting: Setting, images: Images) -> Network:
    training = Training(setting.seed, setting.hidden, setting.steps, setting.epochs)
    pixels, labels = images.train[: setting.images], images.train_labels[: setting.images]
    return train_classifier(pixels, labels, images.classes, training, setting.place / "training.pt")


def _spikes(pixels: NDArray[np.float32], steps: int, seed: int) -> Stimulus:
    return Stimulus({"input": bernoulli(pixels, steps, [seed])})


def _decided(chip: ChipNetwork, pixels: NDArray[np.float32], steps: int) -> NDArray[np.int64]:
    """The class of each image: the readout with the largest sum of v; the same spikes for every network."""
    (_, readout) = chip.outputs[0]
    decided = []
    for start in range(0, len(pixels), CHUNK):
        stimulus = _spikes(pixels[start : start + CHUNK], steps, TEST_SEED + start)
        recording = Emulator().run(chip, stimulus, [(readout, "v")])
        volts = chip.population(readout).volts(recording.aligned(readout, "v", steps))
        decided.append(volts.sum(axis=1).argmax(axis=1))
    return np.concatenate(decided)
