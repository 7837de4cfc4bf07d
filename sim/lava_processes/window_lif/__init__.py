"""A Lava process of our own for neurons that send third factors. Lava runs every file of this folder: keep it that small."""
