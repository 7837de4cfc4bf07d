"""Lava Processes from a ChipNetwork, run in a worker process that ends cleanly; learning for Lava users.

Lava is imported here and nowhere else, and only in :mod:`models`, :mod:`build`, :mod:`worker` and, when they are
called, the two functions of :mod:`learning`; :mod:`backend` runs without it and says what to install. **This folder
defines no Lava Process** (only process models): Lava's search for models imports or executes every ``.py`` file in the
folder of the file that defines a Process, and these files are not written for that.
"""

from neuroalign.sim.lava_processes.learning import learning_dense, learning_rule

__all__ = ["learning_dense", "learning_rule"]
