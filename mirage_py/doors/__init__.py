"""The ways out: files, processes, the terminal, what is remembered of this machine. Nothing else reaches the world."""
