"""The streams of a command, and the signals that stop it."""

from __future__ import annotations

import io
import os
import signal
import sys
from types import FrameType
from typing import Any

__all__ = ["Stopped", "catch_stops", "open_streams"]

# A scheduler or a container's host stops work with the first, a terminal that closes with the
# second.
_STOPS = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]


class Stopped(KeyboardInterrupt):
    """A signal asks for the end, which then is as clean as that of Ctrl-C."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.exit_code = 128 + number


class _Unheard(io.FileIO):
    """A stream whose reader may go, and whose disk may be full, without harm."""

    def write(self, data: Any, /) -> int:
        whole = memoryview(data).nbytes
        try:
            written = super().write(data)
        except OSError:
            return whole
        return whole if written is None else written


def catch_stops() -> None:
    """From now on, let the signals that ask for an end raise :class:`Stopped`.

    Those that are ignored, as by nohup, still are. A child process ends at once, as it would have.
    """
    parent = os.getpid()

    def stop(number: int, frame: FrameType | None) -> None:
        if os.getpid() != parent:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        raise Stopped(number)

    for number in _STOPS:
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, stop)


def _is_for_reading(number: int) -> bool:
    """Whether an open handle can be read and not written, as far as the system says.

    Raises:
        OSError: it is not open.
    """
    if sys.platform == "win32":
        os.fstat(number)
        return False
    import fcntl

    return fcntl.fcntl(number, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY


def open_streams() -> None:
    """Make the standard streams usable, whatever the shell or the system's daemon left of them."""
    for number in (0, 1, 2):
        try:
            readable_only = _is_for_reading(number)
        except OSError:
            # Else the next file that is opened takes its number, and what is printed goes into it.
            # Workers inherit it, whose pipes would take its number otherwise.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
        else:
            # bash, too, opens its script in the place of a stream that is closed.
            if number and readable_only:
                os.dup2(os.open(os.devnull, os.O_WRONLY), number)
    # Python has no object for a stream that was closed when it started.
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    # What is said of the work is not the work: it goes on where nobody can hear it any more.
    if sys.stderr is None or isinstance(sys.stderr, io.TextIOWrapper):
        encoding = "utf-8" if sys.stderr is None else sys.stderr.encoding
        said = io.BufferedWriter(_Unheard(2, "w", closefd=False))
        sys.stderr = io.TextIOWrapper(said, encoding=encoding, line_buffering=True)
    for stream in (sys.stdout, sys.stderr):
        # Paths may hold bytes that are not UTF-8: said with escapes, where it would fail otherwise.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
