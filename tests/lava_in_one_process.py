"""Pytest plugin: Lava's own tests run as our workers run Lava, see :mod:`neuroalign.sim.lava_processes.one_process`."""

from neuroalign.sim.lava_processes.one_process import install

install()
