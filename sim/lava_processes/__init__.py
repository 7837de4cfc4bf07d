"""Lava Processes from a ChipNetwork, run in a worker process that ends cleanly.

Lava is imported here and nowhere else, and only in :mod:`models`, :mod:`build` and :mod:`worker`; :mod:`backend` runs
without it and says what to install. **This folder defines no Lava Process** (only process models): Lava's search for
models imports or executes every ``.py`` file in the folder of the file that defines a Process, and these files are
not written for that.
"""
