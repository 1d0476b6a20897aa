"""`mpy`, and `python -m mirage_py`: tells again what was answered before; leaves the rest to the command line."""

from mirage_py.doors import signals

signals.install()  # before anything that takes time: what is told to end from here on ends as it should

import io  # noqa: E402  # see above
import sys  # noqa: E402  # see above

from mirage_py._version import __version__  # noqa: E402


def main() -> None:
    """Run the command line of this process and end it with the command's exit code."""
    import os

    if None in (sys.stdin, sys.stdout, sys.stderr):
        _open_streams()
    if isinstance(sys.stdout, io.TextIOWrapper):  # as stderr has it: a narrow locale, a name that is no UTF-8
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        code = _answer(sys.argv[1:])
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError as refused:  # a full disk, where what is told was to be kept
        code = _untold(refused)
    os._exit(code)  # no files are open and no children left: taking the interpreter apart takes 12 ms


def _answer(line: list[str]) -> int:
    if line == ["--version"]:
        sys.stdout.write(f"mpy {__version__}\n")
        return 0
    from mirage_py.doors import answers
    from mirage_py.doors.streams import open_to_all

    open_to_all()
    answers.kinds["options"] = _options
    key = answers.key_of(line) if answers.memorable(line) else None
    code = _remembered(key) if key is not None else None
    return _run(key) if code is None else code


def _open_streams() -> None:
    """Put the null device where nothing is open: the next file that is opened would take that place."""
    import os

    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:  # the three that every program has
        pass
    os.close(descriptor)
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115


def _untold(refused: OSError) -> int:
    import os
    from contextlib import suppress

    if isinstance(refused, BrokenPipeError):
        return 141  # as shells have it: nobody reads on
    with suppress(OSError):
        os.write(2, f"error: cannot write what there is to tell: {refused.strerror}\n".encode())
    return 1


def _remembered(key: bytes) -> int | None:
    """The exit code of a line that is answered, or built, as it was before; None where that cannot be."""
    from mirage_py.doors import answers

    answer = answers.recall(key)
    if answer is None:
        return None
    if answer.rest is None:
        return answers.tell(answer.told) if answer.holds() else None
    from mirage_py.cli.again import build_again

    try:
        return build_again(key, answer)
    except KeyboardInterrupt as stopped:
        from mirage_py.cli.app import ended

        return ended(stopped)


def _options(content: bytes) -> object:
    """What of a module counts for a configuration, where all that is asked are its options."""
    from mirage_py.project.options_told import told_by

    return told_by(content)


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
