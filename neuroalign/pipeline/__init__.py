"""From a trained network to a judged deployment: the one call, its stages, how to run it."""

from neuroalign.pipeline.call import deploy
from neuroalign.pipeline.stages import deploy_network
from neuroalign.pipeline.versions import versions

__all__ = ["deploy", "deploy_network", "versions"]
