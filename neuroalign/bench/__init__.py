"""Benchmarks: the emulator against Lava and other simulators, its kernels against the machine, and what they cost.

Every ratio is of one run: both sides take turns, on the same network with the same spikes. Nothing here is a test.
"""
