"""`mpy`, and `python -m mirage_py`: answers `--version` at once, leaves everything else to the command line."""

import sys

from mirage_py._version import __version__


def main() -> None:
    """Run the command line of this process and end it with the command's exit code."""
    if sys.argv[1:] == ["--version"]:
        sys.stdout.write(f"mpy {__version__}\n")
        return
    import gc
    import os

    gc.set_threshold(100_000)  # a start makes many objects and hardly any garbage: looking for it takes 6 ms
    from mirage_py.cli.app import main as run

    code = run()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # no files are open and no children left: taking the interpreter apart takes 12 ms


if __name__ == "__main__":
    main()
