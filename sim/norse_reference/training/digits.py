"""Trains the demonstration network: a spiking classifier of scikit-learn's handwritten digits.

``python -m neuroalign.sim.norse_reference.training.digits --out DIR`` writes ``digits.nir`` and ``digits_test.npz``,
the two files that ship in ``neuroalign/demo``.

Network (Norse's own steps, so that the float reference is what was trained)::

    64 pixels -> Affine -> 100 CubaLIF -> Affine -> 10 LI          class = argmax over outputs of sum over steps of v

Data
    1797 images of 8 x 8 pixels, 0..16 (UCI "Optical Recognition of Handwritten Digits", E. Alpaydin and C. Kaynak, 1998,
    CC BY 4.0, as scikit-learn packs it). Every fifth image by index (0, 5, 10, ...) is the test split; nothing about
    the training looks at it.
Encoding
    A pixel of value p spikes in each of 40 steps of 1 ms with probability ``p / 16``, drawn independently.
Training
    Cross entropy on the mean readout, a small cost on hidden membranes far below rest, surrogate gradient (SuperSpike), Adam, fresh spikes every epoch. Seeded, one
    thread: the same versions of torch and Norse on the same kind of CPU write the same bytes.

Units in the file: ``tau_*`` in s, ``r = tau_mem / dt`` and ``w_in = tau_syn / dt``, so that one step adds the weighted
input to the current and the current to the membrane, and dt can be read off the file.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuroalign.errors import BackendMissing, NeuroalignError, OutputError
from neuroalign.sim.norse_reference.norse_functional import missing_packages, norse_functional

if TYPE_CHECKING:
    from torch import Tensor

DT = 1e-3  # s
STEPS = 40
PIXELS = 64
HIDDEN = 100
CLASSES = 10
TAU_SYN = 5e-3  # s
TAU_MEM = 10e-3  # s
TAU_OUT = 20e-3  # s
V_THRESHOLD = 1.0  # V
RATE = 1.0  # spike probability a step of a pixel at full intensity
TEST_SEED = 2026
TRAIN_SEED = 7
EPOCHS = 60
BATCH = 64
LEARNING_RATE = 4e-3
# A few large weights would set the common 8-bit scale of a whole layer: the largest is held to this many times the rms.
LARGEST_OVER_RMS = 4.0
# A chip's membrane has a lowest value: membranes far below rest cost range, and mean nothing.
UNDERSHOOT_COST = 3e-4

Spikes = NDArray[np.bool_]


def test_indices(count: int) -> NDArray[np.int64]:
    """The test split by rule: every fifth sample by index, from 0."""
    return np.arange(0, count, 5, dtype=np.int64)


def train_indices(count: int) -> NDArray[np.int64]:
    """All samples that are not in the test split."""
    return np.setdiff1d(np.arange(count, dtype=np.int64), test_indices(count))


def encode(pixels: NDArray[np.float64], rng: np.random.Generator) -> Spikes:
    """Bernoulli spikes (samples, steps, pixels) of ``pixels`` (samples, pixels) in 0..16."""
    probability = pixels[:, np.newaxis, :] / 16.0 * RATE
    return rng.random((pixels.shape[0], STEPS, pixels.shape[1])) < probability


def load_digits() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Pixels (1797, 64) in 0..16 and labels, from scikit-learn's own files."""
    from sklearn import datasets

    bunch = datasets.load_digits()
    return np.asarray(bunch.data, dtype=np.float64), np.asarray(bunch.target, dtype=np.int64)


class Weights:
    """The four trained tensors, in the units of the NIR file."""

    def __init__(self, seed: int) -> None:
        import torch

        generator = torch.Generator().manual_seed(seed)

        def normal(rows: int, columns: int, scale: float) -> Tensor:
            return (torch.randn(rows, columns, generator=generator) * scale).requires_grad_()

        # Scaled so that a typical image drives the hidden membranes to about threshold.
        self.w_hidden = normal(HIDDEN, PIXELS, 0.02)
        self.b_hidden = torch.full((HIDDEN,), 0.005, requires_grad=True)
        self.w_out = normal(CLASSES, HIDDEN, 0.05)
        self.b_out = torch.zeros(CLASSES, requires_grad=True)

    def tensors(self) -> list[Tensor]:
        """All trained tensors, in a fixed order."""
        return [self.w_hidden, self.b_hidden, self.w_out, self.b_out]

    def limit(self) -> None:
        """Hold the largest weight of each layer to ``LARGEST_OVER_RMS`` times its root mean square."""
        import torch

        with torch.no_grad():
            for weight in (self.w_hidden, self.w_out):
                bound = LARGEST_OVER_RMS * float(weight.square().mean().sqrt())
                weight.clamp_(-bound, bound)


def run_network(weights: Weights, spikes: Tensor) -> tuple[Tensor, Tensor]:
    """Mean over the steps of the readout's membrane (samples, classes), and the mean squared undershoot of the hidden one.

    ``spikes`` is (samples, steps, pixels); undershoot is how far the membrane is below ``-V_THRESHOLD``.

    Norse's current has no resistance, so it is ``r i`` and each weighted input is multiplied by ``r``; see the
    mapping in :mod:`neuroalign.sim.norse_reference.backend`.
    """
    import torch

    lif, box = norse_functional("lif"), norse_functional("leaky_integrator_box")
    samples = spikes.shape[0]
    hidden_p = lif.LIFParameters(
        tau_syn_inv=torch.tensor(1 / TAU_SYN),
        tau_mem_inv=torch.tensor(1 / TAU_MEM),
        v_th=torch.tensor(V_THRESHOLD),
        method="super",
        alpha=torch.tensor(20.0),
    )
    out_p = box.LIBoxParameters(tau_mem_inv=torch.tensor(1 / TAU_OUT))
    zeros = torch.zeros(samples, HIDDEN)
    hidden, out = lif.LIFFeedForwardState(v=zeros, i=zeros), box.LIBoxState(v=torch.zeros(samples, CLASSES))
    drive = torch.nn.functional.linear(spikes, weights.w_hidden, weights.b_hidden) * (TAU_MEM / DT)
    total, undershoot = torch.zeros(samples, CLASSES), torch.zeros(())
    for step in range(spikes.shape[1]):
        fired, hidden = lif.lif_feed_forward_step(drive[:, step], hidden, hidden_p, dt=DT)
        inward = torch.nn.functional.linear(fired, weights.w_out, weights.b_out) * (TAU_OUT / DT)
        v, out = box.li_box_feed_forward_step(inward, out, out_p, dt=DT)
        total = total + v
        undershoot = undershoot + torch.relu(-V_THRESHOLD - hidden.v).square().mean()
    return total / spikes.shape[1], undershoot / spikes.shape[1]


def train(
    pixels: NDArray[np.float64], labels: NDArray[np.int64], epochs: int, log: Callable[[str], None] = print
) -> Weights:
    """Train on ``pixels`` (samples, 64) and ``labels`` with seeded batches and spikes."""
    import torch

    rng = np.random.default_rng(TRAIN_SEED)
    weights = Weights(TRAIN_SEED)
    optimiser = torch.optim.Adam(weights.tensors(), lr=LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, epochs)
    target = torch.from_numpy(labels)
    for epoch in range(epochs):
        spikes = torch.from_numpy(encode(pixels, rng).astype(np.float32))
        losses = []
        for batch in np.array_split(rng.permutation(len(labels)), -(-len(labels) // BATCH)):
            rows = torch.from_numpy(batch)
            mean_v, undershoot = run_network(weights, spikes[rows])
            loss = torch.nn.functional.cross_entropy(mean_v, target[rows]) + UNDERSHOOT_COST * undershoot
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            weights.limit()
            losses.append(float(loss.detach()))
        schedule.step()
        log(f"epoch {epoch + 1:3d} of {epochs}: loss {np.mean(losses):.4f}")
    return weights


def accuracy(weights: Weights, spikes: Spikes, labels: NDArray[np.int64]) -> float:
    """Fraction of samples whose label is the argmax of the readout's membrane summed over the steps."""
    import torch

    with torch.no_grad():
        mean_v, _ = run_network(weights, torch.from_numpy(spikes.astype(np.float32)))
        chosen = mean_v.argmax(dim=1).numpy()
    return float((chosen == labels).mean())


def nir_graph(weights: Weights) -> Any:
    """The trained network as a NIR graph, float64, SI units."""
    import nir

    def column(value: float, size: int) -> NDArray[np.float64]:
        return np.full(size, value)

    w_hidden, b_hidden, w_out, b_out = (t.detach().numpy().astype(np.float64) for t in weights.tensors())
    return nir.NIRGraph(
        metadata={"neuroalign": {"dt": DT, "reset": "zero"}},
        nodes={
            "input": nir.Input(input_type={"input": np.array([PIXELS])}),
            "fc_hidden": nir.Affine(weight=w_hidden, bias=b_hidden),
            "hidden": nir.CubaLIF(
                tau_syn=column(TAU_SYN, HIDDEN),
                tau_mem=column(TAU_MEM, HIDDEN),
                r=column(TAU_MEM / DT, HIDDEN),
                v_leak=column(0.0, HIDDEN),
                v_reset=column(0.0, HIDDEN),
                v_threshold=column(V_THRESHOLD, HIDDEN),
                w_in=column(TAU_SYN / DT, HIDDEN),
            ),
            "fc_readout": nir.Affine(weight=w_out, bias=b_out),
            "readout": nir.LI(
                tau=column(TAU_OUT, CLASSES), r=column(TAU_OUT / DT, CLASSES), v_leak=column(0.0, CLASSES)
            ),
            "output": nir.Output(output_type={"output": np.array([CLASSES])}),
        },
        edges=[
            ("input", "fc_hidden"),
            ("fc_hidden", "hidden"),
            ("hidden", "fc_readout"),
            ("fc_readout", "readout"),
            ("readout", "output"),
        ],
    )


def make_folder(folder: Path) -> None:
    """The folder, before any work is done for it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be made ({error.strerror}); choose another --out") from error


def write(path: Path, writer: Callable[[Path], object]) -> None:
    """Write through a temporary name in the same folder, so that nothing is left half-written."""
    temporary = path.with_name(f".{path.stem}.part{path.suffix}")
    try:
        writer(temporary)
        os.replace(temporary, path)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror}); choose another --out") from error
    finally:
        temporary.unlink(missing_ok=True)


def write_test_split(path: Path, spikes: Spikes, labels: NDArray[np.int64]) -> None:
    """Spikes as packed bits along the channels (64 pixels: 8 bytes a step), labels and the sample indices."""
    content: dict[str, Any] = {
        "spikes": np.packbits(spikes, axis=2),
        "channels": np.int64(spikes.shape[2]),
        "labels": labels.astype(np.uint8),
        "seed": np.int64(TEST_SEED),
    }
    write(path, lambda temporary: np.savez_compressed(temporary, **content))


def run(out: Path, epochs: int = EPOCHS, log: Callable[[str], None] = print) -> tuple[float, float]:
    """Train, write both files into ``out``, return the accuracies on the training and the test split."""
    import nir
    import torch

    make_folder(out)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the order of summation, hence every bit, depends on it
    try:
        pixels, labels = load_digits()
        chosen, held_out = train_indices(len(labels)), test_indices(len(labels))
        weights = train(pixels[chosen], labels[chosen], epochs, log)
        test_spikes = encode(pixels[held_out], np.random.default_rng(TEST_SEED))
        train_spikes = encode(pixels[chosen], np.random.default_rng(TEST_SEED + 1))
        result = (
            accuracy(weights, train_spikes, labels[chosen]),
            accuracy(weights, test_spikes, labels[held_out]),
        )
    finally:
        torch.set_num_threads(threads)
    write(out / "digits.nir", lambda temporary: nir.write(temporary, nir_graph(weights)))
    write_test_split(out / "digits_test.npz", test_spikes, labels[held_out])
    return result


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line: ``--out DIR`` and nothing to tune, so that the files can be made again."""
    parser = argparse.ArgumentParser(prog="digits", description="Train the demonstration network.")
    parser.add_argument("--out", type=Path, required=True, help="folder for digits.nir and digits_test.npz")
    parser.add_argument("--epochs", type=int, default=EPOCHS, help="other than the default: not the shipped network")
    options = parser.parse_args(arguments)
    line = missing_packages("torch", "norse", "nir", "sklearn")
    if line is not None:
        print(line, file=sys.stderr)
        return BackendMissing.exit_code
    try:
        on_train, on_test = run(options.out, options.epochs)
    except NeuroalignError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print(f"accuracy: train {on_train:.4f}, test {on_test:.4f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
