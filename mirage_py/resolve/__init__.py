"""The pure engine: a configuration and a context become a graph of connected devices and what is known about it."""
