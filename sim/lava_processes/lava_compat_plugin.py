"""Pytest plugin: ``-p neuroalign.sim.lava_processes.lava_compat_plugin`` makes Lava importable in the tests.

For Lava's own installed tests, which import Lava without knowing of :mod:`lava_compat`.
"""

from neuroalign.sim.lava_processes.lava_compat import install

install()
