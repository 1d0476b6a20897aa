"""Running an image: the command for each target, its devices, and a machine in software where there is none."""
