"""What a user of Lava has, taken as it is: networks of processes in memory, and learning rules as objects or text."""
