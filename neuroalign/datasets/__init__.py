"""Images with labels: digits that ship with the package, and readers of the usual files of others."""

from neuroalign.datasets.images import Images
from neuroalign.datasets.named import load_images

__all__ = ["Images", "load_images"]
