"""The catalogue: one module per family of devices, written with the same words that a config.py has."""
