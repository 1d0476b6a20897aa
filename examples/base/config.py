from mirage_py import Package, Stubs, job, key, main, package, register

sources = key.string("base-source", default="_base", docv="DIR", doc="the folder of base's own sources")


def base(folder: str) -> tuple[Package, ...]:
    """Jane Street's base, whose C stubs are compiled from these sources where there is no operating system."""
    stubs = Stubs([f"{folder}/src/*.c", f"{folder}/hash_types/src/*.c"], cflags=["-mpopcnt"])
    return (package("base", stubs=stubs),)


register("base", [main("Unikernel", job, packages=sources.map(base))])
