"""Differential testing: random networks in Lava and in the emulator, every state at every step."""
