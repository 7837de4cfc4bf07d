"""Deploy a network of your own, trained in torch.

A hundred spiking neurons learn scikit-learn's handwritten digits in plain torch, with a surrogate gradient; it takes a few
seconds. NIR carries them: six nodes with the trained tensors, the file that any framework with a NIR export writes for you.
`neuroalign.deploy` takes it to Loihi 2's integers, with the test spikes as a tensor, and says what that cost.
"""

import matplotlib.pyplot as plt
import nir
import numpy as np
import torch
from sklearn.datasets import load_digits

import neuroalign

STEPS, HIDDEN, TAU, DT = 20, 100, 10e-3, 1e-3
torch.manual_seed(1)
torch.set_num_threads(1)
pixels, labels = (torch.tensor(a) for a in load_digits(return_X_y=True))
is_test = torch.arange(len(labels)) % 5 == 0


def spikes_of(images):
    """A pixel spikes in each step with the probability of its brightness."""
    return torch.bernoulli((images / 16).float().unsqueeze(1).expand(-1, STEPS, -1))


class Spike(torch.autograd.Function):
    """A step forward, a smooth slope backward."""

    @staticmethod
    def forward(ctx, above):
        ctx.save_for_backward(above)
        return (above > 0).float()

    @staticmethod
    def backward(ctx, gradient):
        return gradient / (1 + 10 * ctx.saved_tensors[0].abs()) ** 2


def run(spikes, first, second):
    """Leaky neurons that a spike resets to 0, then a leaky readout: the mean of its potential over the steps."""
    v, out, total = torch.zeros(len(spikes), HIDDEN), torch.zeros(len(spikes), 10), 0.0
    for now in spikes.unbind(1):
        v = (1 - DT / TAU) * v + now @ first.T
        fired = Spike.apply(v - 1)
        v = v * (1 - fired.detach())
        out = (1 - DT / TAU) * out + fired @ second.T
        total = total + out / STEPS
    return total


first = (0.05 * torch.randn(HIDDEN, 64)).requires_grad_()
second = (0.05 * torch.randn(10, HIDDEN)).requires_grad_()
optimiser = torch.optim.Adam([first, second], lr=5e-3)
train = torch.nonzero(~is_test).ravel()
for _ in range(15):
    for some in train[torch.randperm(len(train))].split(64):
        loss = torch.nn.functional.cross_entropy(run(spikes_of(pixels[some]), first, second), labels[some])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

one = {n: np.ones(n) for n in (HIDDEN, 10)}  # in NIR, tau dv/dt = v_leak - v + r I: r = tau/dt adds a weight as it is
hidden, readout = ({"tau": TAU * a, "r": TAU / DT * a, "v_leak": 0 * a} for a in one.values())
graph = nir.NIRGraph.from_list(
    nir.Input({"input": np.array([64])}),
    nir.Linear(first.detach().numpy()),
    nir.LIF(**hidden, v_threshold=one[HIDDEN], v_reset=0 * one[HIDDEN]),
    nir.Linear(second.detach().numpy()),
    nir.LI(**readout),
    nir.Output({"output": np.array([10])}),
)
nir.write("mine.nir", graph)

test = neuroalign.Stimulus({"input": spikes_of(pixels[is_test])}, labels[is_test], "test split")
deployment = neuroalign.deploy("mine.nir", "loihi2", dt=DT, reset="zero", stimulus=test)
judged = neuroalign.verdict(deployment)
print(judged.headline, *judged.facts, sep="\n")

reference, chip = (
    deployment.run(name).recording.aligned("li", "v", STEPS).sum(1)
    for name in (deployment.reference, deployment.chip_runs[0].label)
)
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
left.axline((0, 0), slope=1, color="grey", linewidth=0.8)
left.plot(reference.ravel(), chip.ravel(), ".", markersize=2, alpha=0.5)
left.set(title="Every output of every test image", xlabel="float model", ylabel="Loihi 2's integers")
table = np.zeros((10, 10))
np.add.at(table, (np.asarray(test.labels), chip.argmax(1)), 1)
right.imshow(np.sqrt(table), cmap="Blues")
for label, decided in np.argwhere(table):
    right.text(decided, label, int(table[label, decided]), ha="center", va="center", fontsize=7, color="C1")
right.set(title="Labels and decisions on chip", xlabel="decision", ylabel="label", xticks=range(10), yticks=range(10))
figure.savefig("01_torch_network.png", dpi=130)
