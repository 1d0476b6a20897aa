"""`mpy`, and `python -m mirage_py`: tells again what was answered before; leaves the rest to the command line."""

from mirage_py.doors import signals

signals.install()  # before anything that takes time: what is told to end from here on ends as it should

import sys  # noqa: E402  # see above

from mirage_py._version import __version__  # noqa: E402


def main() -> None:
    """Run the command line of this process and end it with the command's exit code."""
    if sys.argv[1:] == ["--version"]:
        sys.stdout.write(f"mpy {__version__}\n")
        return
    import os

    from mirage_py.doors import answers

    key = answers.key_of(sys.argv[1:]) if answers.memorable(sys.argv[1:]) else None
    code = answers.recall(key) if key is not None else None
    if code is None:
        code = _run(key)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # no files are open and no children left: taking the interpreter apart takes 12 ms


def _run(key: bytes | None) -> int:
    """The exit code of the command line; what it answered is remembered under the key."""
    import gc

    gc.set_threshold(100_000)  # a start makes many objects and hardly any garbage: looking for it takes 6 ms
    watch = None
    if key is not None:
        from mirage_py.doors.watch import Watch

        watch = Watch(key)
    from mirage_py.cli.app import main as run

    code = run()
    if watch is not None and code == 0:
        watch.keep()
    return code


if __name__ == "__main__":
    main()
