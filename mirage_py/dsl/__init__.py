"""The language of a config.py: module types, keys, runtime arguments, packages, devices and their composition."""
