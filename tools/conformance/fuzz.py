"""Open many damaged .ddz files: each must open, or be refused with an error of ddcodec.

    python -m tools.conformance.fuzz [--count 100000] [--seed 0] [--reader READER]
        [--memory MIB] [--seconds S] [FILE...]

The files to damage are the vectors in spec/vectors and those named. Run i of a seed is always the
same file, so ``--only i`` repeats it. READER says what has to withstand them:

    container   header, checksums, decompression and content digest (the default)
    artifact    the recipe too, and every section decoded to its array
    both        both readers of the container: each must accept what the other accepts
    tables      both readers' rules of sections and boxes, likewise
    ways        every public way to read, slice, merge and decode; files are edited where that means
                something, and their checksums and digest made true

A file that shows a fault is written to the current folder, to become a vector once the fault is
mended.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from ddcodec.artifact.artifact import from_reader
from ddcodec.container import KIND_FLAGS, Limits, Reader
from ddcodec.errors import DdcodecError, HeaderError
from ddcodec.table.kinds import kind_of
from tools.conformance.mutations import mutated, structured
from tools.conformance.reference.container import read, read_header
from tools.conformance.reference.refusal import Refused
from tools.conformance.reference.table import check_table
from tools.conformance.walk import walk
from tools.processes import ROOT

VECTORS = ROOT / "spec" / "vectors"
SECONDS_PER_RUN = 2.0
GROWTH_KIB = 256 << 10
LARGE = 1 << 14  # files above so many bytes take part once, for they take long
SMALL = Limits(section_raw=1 << 20, total_raw=1 << 24)


class Fault(Exception):
    """A file that was neither opened nor refused as it should be; ``__cause__`` says how."""

    def __init__(self, message: str, run: int, data: bytes) -> None:
        super().__init__(message)
        self.run = run
        self.data = data


def open_fully(data: bytes) -> None:
    """Everything the container can do with a file."""
    reader = Reader.from_bytes(data, limits=SMALL)
    reader.check_kinds(KIND_FLAGS)
    reader.verify("digest")


def decode_fully(data: bytes) -> None:
    """Everything that can be had of an artifact without its prior."""
    artifact = from_reader(Reader.from_bytes(data, limits=SMALL))
    artifact.table.check()
    for section in artifact.sections:
        if kind_of(section) is not None:
            artifact.table.decode(section)
    recipe = artifact.recipe
    if recipe.labels.kind == "soft":
        for c in artifact.head.row_classes[:4]:
            for view in {0, recipe.views // 2, recipe.views - 1}:
                artifact.labels.logits([(c, 0), (c, recipe.ipc - 1)], view)
    artifact.verify("digest")


def open_twice(data: bytes) -> None:
    """Open with both readers; a difference of opinion is a fault."""
    try:
        read(data)
        refused = None
    except Refused as error:
        refused = error
    try:
        Reader.from_bytes(data).verify("digest")
    except DdcodecError as error:
        if refused is None:
            raise RuntimeError(f"only ddcodec refuses the file: {error}") from error
        raise
    if refused is not None:
        raise RuntimeError(f"only the second reader refuses the file: {refused}")


def check_twice(data: bytes) -> None:
    """Hold the sections to the rules of spec/table.md twice, as far as the file is an artifact."""
    artifact = from_reader(Reader.from_bytes(data, limits=SMALL))
    try:
        check_table(read_header(data))
        refused = None
    except Refused as error:
        refused = error
    try:
        artifact.verify("structure")
    except HeaderError as error:
        # Layers of soft labels that do not fit each other are no matter of boxes.
        if refused is None and artifact.recipe.labels.kind != "soft":
            raise RuntimeError(f"only ddcodec refuses the table: {error}") from error
        raise
    if refused is not None:
        raise RuntimeError(f"only the second reader refuses the table: {refused}")


def read_every_way(data: bytes) -> None:
    """Whatever can be done with a file, but for generating pictures."""
    with tempfile.TemporaryDirectory(prefix="ddz-fuzz-") as name:
        folder = Path(name)
        (folder / "out").mkdir()
        path = folder / "file.ddz"
        path.write_bytes(data)
        found = walk(path, folder / "out")
    code = found.get("open") or found["digest"]
    if code != "ok":
        raise _Refused(code)


class _Refused(DdcodecError):
    """Opening a file, or verifying it, ended in an error of ours, by its code."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code  # type: ignore[misc]


def fuzz(
    corpus: Sequence[bytes],
    runs: Iterable[int],
    seed: int,
    open_fully: Callable[[bytes], None] = open_fully,
    make: Callable[[Sequence[bytes], int, int], bytes] = mutated,
) -> Counter[str]:
    """Damage and open files; returns how often each error code came, ``ok`` for none.

    Args:
        corpus: files to start from.
        runs: the numbers of the runs to make.
        seed: with a run's number, fixes what is done to which file.
        open_fully: what shall withstand the file: returns, or raises a DdcodecError.
        make: (corpus, seed, run) -> the file of a run.

    Raises:
        Fault: ``open_fully`` let out another exception, took more than ``SECONDS_PER_RUN`` of
            processor time, or the process grew by more than ``GROWTH_KIB``.
    """
    outcomes: Counter[str] = Counter()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for run in runs:
        data = make(corpus, seed, run)
        start = time.process_time()
        try:
            open_fully(data)
            outcomes["ok"] += 1
        except DdcodecError as error:
            outcomes[error.code] += 1
        except Exception as error:  # any other exception is what a fuzzer looks for
            raise Fault(f"run {run} of seed {seed}: {error!r}", run, data) from error
        if time.process_time() - start > SECONDS_PER_RUN:
            raise Fault(f"run {run} of seed {seed} took over {SECONDS_PER_RUN} s", run, data)
        if resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory > GROWTH_KIB:
            raise Fault(f"run {run} of seed {seed} took over {GROWTH_KIB >> 10} MiB", run, data)
    return outcomes


READERS: dict[str, Callable[[bytes], None]] = {
    "container": open_fully,
    "artifact": decode_fully,
    "both": open_twice,
    "tables": check_twice,
    "ways": read_every_way,
}


def load_corpus(files: Sequence[Path] = ()) -> list[bytes]:
    """The vectors and more files; good files four times, because most faults lie behind them."""
    vectors = sorted(VECTORS.rglob("*.ddz"))
    small = [path for path in vectors if path.stat().st_size <= LARGE]
    good = [*(path for path in small if path.name.startswith("y_")), *files]
    return [path.read_bytes() for path in [*vectors, *good * 3, *files]]


def load_good(files: Sequence[Path] = ()) -> list[bytes]:
    """The good vectors, small ones of every kind, and more files."""
    vectors = sorted(VECTORS.rglob("y_*.ddz"))
    small = [path for path in vectors if path.stat().st_size <= LARGE]
    found = []
    for path in [*small, *files]:
        try:
            from_reader(Reader.from_bytes(path.read_bytes())).table.check()
            found.append(path.read_bytes())
        except DdcodecError:
            continue  # a container without a table in it
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description="Open many damaged .ddz files.")
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, help="repeat one run")
    parser.add_argument("--memory", type=int, help="address space in MiB that may not be exceeded")
    parser.add_argument("--seconds", type=float, help="stop after so many")
    parser.add_argument("--reader", choices=READERS, default="container")
    parser.add_argument("files", nargs="*", type=Path)
    options = parser.parse_args()
    ways = options.reader == "ways"
    corpus = load_good(options.files) if ways else load_corpus(options.files)
    check, make = READERS[options.reader], structured if ways else mutated
    if ways:
        check(corpus[0])  # imports are no growth
    if options.memory:
        resource.setrlimit(resource.RLIMIT_AS, (options.memory << 20, options.memory << 20))
    start = time.perf_counter()
    first = options.only or 0
    runs = range(first, options.count if options.only is None else first + 1)
    try:
        timed = _until(runs, start, options.seconds)
        outcomes = fuzz(corpus, timed, options.seed, check, make)
    except Fault as fault:
        path = Path(f"fuzz-{options.seed}-{fault.run}.ddz")
        path.write_bytes(fault.data)
        print(f"{fault}\nits file is {path}", file=sys.stderr)
        raise
    seconds = time.perf_counter() - start
    for code, count in outcomes.most_common():
        print(f"{count:8d} {code}")
    done = outcomes.total()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    print(f"{done} files in {seconds:.1f} s, {done / seconds:.0f} files/s, {memory} MiB, no fault")
    return 0


def _until(runs: Iterable[int], start: float, seconds: float | None) -> Iterator[int]:
    """The runs that begin within so many seconds."""
    for run in runs:
        if seconds is not None and time.perf_counter() - start > seconds:
            return
        yield run


if __name__ == "__main__":
    sys.exit(main())
