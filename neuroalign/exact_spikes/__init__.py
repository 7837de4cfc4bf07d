"""Neurons without reset whose spike times are exact, and the exact gradient of a spike train's error by every weight."""

from neuroalign.exact_spikes.error import HORIZON, train_error, train_gradient
from neuroalign.exact_spikes.gradient import Gradient, network_gradient, pull_back_layer, spike_jacobians
from neuroalign.exact_spikes.learning import step
from neuroalign.exact_spikes.model import Layer, Response, Trains, trains_of
from neuroalign.exact_spikes.normalised import NEAR, network_jacobians, normalised_step, paired_residuals
from neuroalign.exact_spikes.simulate import potential_at, run_layer, run_layers

__all__ = [
    "HORIZON",
    "NEAR",
    "Gradient",
    "Layer",
    "Response",
    "Trains",
    "network_gradient",
    "network_jacobians",
    "normalised_step",
    "paired_residuals",
    "potential_at",
    "pull_back_layer",
    "run_layer",
    "run_layers",
    "spike_jacobians",
    "step",
    "train_error",
    "train_gradient",
    "trains_of",
]
