"""Move spikes to given times by the exact gradient.

A neuron gets the weights of a witness, disturbed, and the witness' spikes as its goal. Each step follows the exact
gradient of the error between the two spike trains, spike times included.
"""

import matplotlib.pyplot as plt
import numpy as np

from neuroalign.exact_spikes import Layer, Response, network_gradient, run_layers, step, trains_of

response, rng = Response(), np.random.default_rng(3)
signs = np.where(np.arange(20) < 16, 1, -1)
source = trains_of([np.sort(rng.uniform(5, 95, 3)) for _ in signs])  # ms
witness = (Layer(rng.uniform(1.0, 2.5, (1, 20)), signs, np.full(1, 1.0)),)
desired = run_layers(witness, source, 100.0, response)[-1]
layers = (Layer(witness[0].weight * rng.uniform(0.85, 1.15, (1, 20)), signs, np.full(1, 1.0)),)

errors, trains = [], []
for _ in range(60):
    spikes = run_layers(layers, source, 100.0, response)
    gradient = network_gradient(layers, source, spikes, desired, np.arange(60.0, 101.0, 10.0), response)
    errors.append(gradient.error)
    trains.append(np.asarray(spikes[-1].times).ravel())
    layers = step(layers, gradient, rate=0.2, cap=0.02)
print(f"error of the spike train: {errors[0]:.3g} at first, {errors[-1]:.3g} after {len(errors)} steps")

figure, (raster, curve) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
for k, times in enumerate(trains):
    raster.plot(times, np.full(times.size, k), "|", color="C0", markersize=4)
for time in np.asarray(desired.times).ravel():
    raster.axvline(time, color="C1", linewidth=0.8)
raster.set(title="Spikes (blue) and their goals (orange)", xlabel="time (ms)", ylabel="step")
curve.semilogy(errors)
curve.set(title="Error of the spike train", xlabel="step")
figure.savefig("06_spike_train.png", dpi=130)
