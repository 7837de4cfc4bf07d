"""neuroalign: trained spiking networks and local learning rules to Loihi-class hardware, with proof of what changed."""

__version__ = "0.1.0"
