"""A Lava process of our own for neurons Lava has none for. Lava runs every file of this folder: keep it that small."""
