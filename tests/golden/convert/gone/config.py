"""Converted from config.ml."""

from mirage_py import job, main, package, register, runtime_arg

level = runtime_arg("Unikernel.level")

unikernel = main(
    "Unikernel.Main", job, runtime_args=[level], packages=[package("duration")]
)

register("loud", [unikernel])
