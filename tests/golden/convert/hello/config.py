"""Converted from config.ml."""

from mirage_py import job, main, package, register

# The packages that the unikernel reads.
packages = [package("duration"), package("fmt", min="0.9.0", max="1.0.0")]
unikernel = main("Unikernel", job, packages=packages)
register("greeting", [unikernel])
