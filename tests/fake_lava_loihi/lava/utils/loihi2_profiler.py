"""Lava takes the presence of this module for lava-loihi; it stands in for Intel's closed package in tests."""
