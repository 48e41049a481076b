"""Trials: one command, one kind of fault, one seed; what must hold afterwards."""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ddcodec.errors import DdcodecError
from tools.conformance.faults.commands import Child, Command, Place, fresh

__all__ = ["KINDS", "Fault", "Reference", "reference"]

_KILLS = (signal.SIGKILL, signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
_CLEAN = {0, 130, 143}  # what a process may end with that was asked to
_REFUSALS = ("another process is at work", "is not empty", "exists")
_SMALL_DISK, _LARGE_DISK = 8, 256 << 10  # kB
_PATIENCE = 60  # seconds; an idle worker whose parent was killed ends after 30


class Fault(Exception):
    """Something that must not happen has happened."""


@dataclass(frozen=True)
class Reference:
    """What a command does where nothing goes wrong.

    Attributes:
        value: of what it writes.
        seconds: that it takes.
        kilobytes: that its files take in the end.
    """

    value: str
    seconds: float
    kilobytes: int


def reference(command: Command, place: Place) -> Reference:
    """Run a command undisturbed."""
    fresh(command, place)
    began = time.monotonic()
    code, said = Child(command.words(place), place).end()
    if code:
        raise Fault(f"ended with {code} undisturbed: {said[-400:]}")
    files = [path for path in place.folder.rglob("*") if path.is_file()]
    size = sum(path.stat().st_size + 4096 for path in files) >> 10
    return Reference(command.value(place.folder / command.out), time.monotonic() - began, size)


# A folder that is finished has one of them.
_MARKS = ("README.md", "config.json", "ddz.json", "index.html")
_REFUSES_ITS_RESULT = ("teacher", "prior", "site", "export generated")


def _value(command: Command, place: Place) -> str | None:
    """What is at the target; None where there is nothing, or a folder that is not finished."""
    path = place.folder / command.out
    if not path.exists() or not (path.suffix or any((path / mark).exists() for mark in _MARKS)):
        return None
    try:
        return command.value(path)
    except (DdcodecError, OSError, ValueError, KeyError) as error:
        raise Fault(f"a half-written result: {error}") from error


def _check_said(code: int, said: str) -> None:
    """An error is one line and an exit code, whatever came before it."""
    if "Traceback" in said or "error[internal]" in said:
        raise Fault(f"a traceback: {said[-600:]}")
    if code < 0:
        raise Fault(f"ended by signal {-code}: {said[-200:]}")
    last = said.strip().splitlines()[-1:] or [""]
    if code and code not in (130, 143) and not last[0].startswith("error["):
        raise Fault(f"ended with {code}, and said: {said[-200:]}")


def _finish(command: Command, place: Place, known: Reference) -> None:
    """The same command again makes the same result and leaves nothing else."""
    if _value(command, place) is not None and command.out.endswith(".ddz"):
        (place.folder / command.out).unlink()  # it was finished: a rerun would only say so
    elif _value(command, place) is not None and command.name in _REFUSES_ITS_RESULT:
        shutil.rmtree(place.folder / command.out)
    code, said = Child(command.words(place), place).end()
    if code:
        raise Fault(f"the rerun ended with {code}: {said[-600:]}")
    if _value(command, place) != known.value:
        raise Fault("the rerun made something else")
    left = [path for path in place.folder.rglob(".*.tmp") if "cache" not in path.parts]
    left += [p for p in place.folder.iterdir() if p.suffix in (".work", ".training")]
    left += [p for p in place.folder.rglob("checkpoint")]
    if left:
        raise Fault(f"left behind: {', '.join(map(str, left))}")


def _check_target(command: Command, place: Place, known: Reference) -> None:
    if _value(command, place) not in (None, known.value):
        raise Fault("a wrong result is at the target")


def kill(command: Command, place: Place, known: Reference, rng: random.Random) -> None:
    """Killed at a random moment, perhaps again and again, and run to the end."""
    fresh(command, place)
    for _ in range(rng.choice((1, 1, 2, 3))):
        child, number = Child(command.words(place), place), rng.choice(_KILLS)
        latest = time.monotonic() + rng.uniform(0, 1.1 * known.seconds)
        while child.running() and time.monotonic() < latest:
            time.sleep(0.001)
        child.kill(number)
        code, said = child.end()
        # Where it was finished before, the command says that its target is there.
        finished = _value(command, place) is not None
        if number != signal.SIGKILL and code not in _CLEAN and not finished:
            _check_said(code, said)
            raise Fault(f"ended with {code} after a {number.name}: {said[-400:]}")
        _check_target(command, place, known)
    _finish(command, place, known)


def full_disk(command: Command, place: Place, known: Reference, rng: random.Random) -> None:
    """On a disk of random size, everything on it; then with space again."""
    size = rng.randint(_SMALL_DISK, max(64, round(1.2 * known.kilobytes)))
    with _disk(place, size, files=rng.random() < 0.25) as (inside, limit, grow):
        if command.warm and limit is _no_limit:
            fresh(command, place)  # a cache that is there takes no space of this disk
            cache = {"DDCODEC_CACHE": str(place.folder / "cache")}
        else:
            cache = {}
        (inside.folder / "tmp").mkdir(exist_ok=True)
        child = Child(command.words(inside), inside, prepare=limit, environment=cache)
        code, said = child.end()
        _check_said(code, said)
        _check_target(command, inside, known)
        if code == 0 and _value(command, inside) is None:
            raise Fault("nothing was written, and nothing said")
        grow()
        _finish(command, inside, known)


def _no_limit() -> None:
    pass


@contextmanager
def _disk(
    place: Place, kilobytes: int, *, files: bool
) -> Iterator[tuple[Place, Callable[[], None], Callable[[], None]]]:
    """A place on a small disk, how a child is limited, and how the disk gets space again.

    With ``files``, and where none can be mounted, the size of single files is limited instead.
    """
    folder = place.folder.with_name("disk")
    folder.mkdir(exist_ok=True)
    words = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "none", str(folder)]
    inside = Place(place.given, folder)
    if files or subprocess.run(words, capture_output=True).returncode:
        most = kilobytes << 10

        def limit() -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))

        try:
            yield inside, limit, _no_limit
        finally:
            shutil.rmtree(folder)
        return

    def grow() -> None:
        words = ["mount", "-o", f"remount,size={_LARGE_DISK}k", str(folder)]
        subprocess.run(words, check=True)

    try:
        yield inside, _no_limit, grow
    finally:
        _unmount(folder)


def _unmount(folder: Path) -> None:
    """Take a disk away. A worker may outlive its parent for a moment, but not for long."""
    latest = time.monotonic() + _PATIENCE
    while subprocess.run(["umount", folder], capture_output=True).returncode:
        if time.monotonic() > latest:
            subprocess.run(["umount", "--lazy", folder], check=True)
            raise Fault(f"a process still used its disk {_PATIENCE} seconds after the command")
        time.sleep(0.05)


def two(command: Command, place: Place, known: Reference, rng: random.Random) -> None:
    """Two at once, one of which may be killed: each is right, or is refused."""
    fresh(command, place)
    words, victim = command.words(place), rng.choice((None, 0, 1))
    children = [Child(words, place)]
    time.sleep(rng.uniform(0, 0.8 * known.seconds))
    children.append(Child(words, place))
    if victim is not None:
        time.sleep(rng.uniform(0, 0.8 * known.seconds))
        children[victim].kill(signal.SIGKILL)
    ends = [child.end() for child in children]
    for number, (code, said) in enumerate(ends):
        if number == victim and code == -signal.SIGKILL:
            continue
        _check_said(code, said)
        if code and not any(text in said for text in _REFUSALS):
            raise Fault(f"ended with {code} beside another: {said[-400:]}")
    if all(code for code, _ in ends) and victim is None:
        raise Fault("neither of the two did anything")
    _check_target(command, place, known)
    _finish(command, place, known)


def damage(command: Command, place: Place, known: Reference, rng: random.Random) -> None:
    """Killed, and some of what it had written and of its cache damaged; then run to the end."""
    fresh(command, place)
    child = Child(command.words(place), place)
    latest = time.monotonic() + rng.uniform(0.2, 1.2) * known.seconds
    while child.running() and time.monotonic() < latest:
        time.sleep(0.001)
    child.kill(signal.SIGKILL)
    child.end()
    parts = [p for p in place.folder.rglob("*") if p.is_file() and _is_part(p, place)]
    for path in rng.sample(parts, min(len(parts), rng.choice((1, 3, len(parts))))):
        _damage(path, rng)
    _finish(command, place, known)


def poor_machine(command: Command, place: Place, known: Reference, rng: random.Random) -> None:
    """Without some of what is only convenient: the work is done all the same."""
    fresh(command, place)
    blocked, gone = place.folder / "blocked", place.folder / "gone"
    blocked.touch()
    gone.mkdir()
    environments: list[dict[str, str | None]] = [
        {"DDCODEC_CACHE": None, "HOME": None, "XDG_CACHE_HOME": str(place.folder / "xdg")},
        {"DDCODEC_CACHE": str(blocked)},
        {"TMPDIR": "/nonexistent", "LC_ALL": "C"},
        {},
    ]
    code, said = Child(
        command.words(place),
        place,
        prepare=rng.choice((_full_stderr, _closed_streams, _few_files, partial(_nowhere, gone))),
        environment=rng.choice(environments),
    ).end()
    if code:
        raise Fault(f"ended with {code} on a poor machine: {said[-400:]}")
    _check_target(command, place, known)
    _finish(command, place, known)


def _full_stderr() -> None:
    os.dup2(os.open("/dev/full", os.O_WRONLY), 2)


def _closed_streams() -> None:
    for number in range(3):
        os.close(number)


def _few_files() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))


def _nowhere(folder: Path) -> None:
    os.umask(0o077)
    os.chdir(folder)
    folder.rmdir()


def _is_part(path: Path, place: Place) -> bool:
    """Whether a file is one that is kept for the next run; results and locks are not."""
    if path.name == "lock":
        return False
    inside = path.relative_to(place.folder).parts
    return inside[0] == "cache" or inside[0].endswith((".work", ".training"))


def _damage(path: Path, rng: random.Random) -> None:
    data = bytearray(path.read_bytes())
    how = rng.choice(("cut", "flipped", "emptied", "gone", "unreadable", "other"))
    if how in ("cut", "flipped") and not data:
        how = "gone"
    if how == "cut":
        os.truncate(path, rng.randrange(len(data)))
    elif how == "flipped":
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        path.write_bytes(data)
    elif how == "emptied":
        path.write_bytes(b"")
    elif how == "other":
        path.write_bytes(rng.randbytes(len(data) + rng.randrange(9)))
    elif how == "unreadable":
        path.chmod(0)
    else:
        path.unlink()


Trial = Callable[[Command, Place, Reference, random.Random], None]

KINDS: dict[str, Trial] = {
    "kills": kill,
    "full disks": full_disk,
    "two at once": two,
    "damage": damage,
    "poor machine": poor_machine,
}
