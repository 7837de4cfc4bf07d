"""Published experiments, one paper a file: protocol, metrics, expected figures.

They take what runs a network as an argument (:data:`~neuroalign.experiments.alignment.Learner`), import no backend, and
return arrays.
"""
