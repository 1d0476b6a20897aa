"""`mpy`, and `python -m mirage_py`: answers `--version` at once, leaves everything else to the command line."""

import sys

from mirage_py._version import __version__


def main() -> None:
    """Run the command line of this process and end it with the command's exit code."""
    if sys.argv[1:] == ["--version"]:
        sys.stdout.write(f"mpy {__version__}\n")
        return
    from mirage_py.cli.app import main as run

    sys.exit(run())


if __name__ == "__main__":
    main()
