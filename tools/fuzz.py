"""Open many damaged .ddz files: each must open, or be refused with an error of ddcodec.

    python tools/fuzz.py [--count 100000] [--seed 0] [--only RUN] [--reader READER] [FILE...]

The files to damage are the vectors in spec/vectors and those named. Run i of a seed is always the
same file, so ``--only i`` repeats it. READER says what has to withstand them:

    container   header, checksums, decompression and content digest (the default)
    artifact    the recipe too, and every section decoded to its array
    both        both readers of the container: each must accept what the other accepts

A file that shows a fault is written to the current folder, to become a vector once the fault is
mended.
"""

from __future__ import annotations

import argparse
import random
import resource
import struct
import sys
import time
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgpack

sys.path.insert(0, str(Path(__file__).parent))

import read_ddz

from ddcodec.artifact import from_reader
from ddcodec.container import KINDS, Limits, Reader
from ddcodec.errors import DdcodecError

VECTORS = Path(__file__).resolve().parent.parent / "spec" / "vectors"
SECONDS_A_RUN = 2.0
GROWTH_KIB = 256 << 10
SMALL = Limits(section_raw=1 << 20, total_raw=1 << 24)
NUMBERS = [0, 1, 2, 5, 31, 32, 127, 128, 255, 256, 65535, 65536, 2**31, 2**32 - 1, 2**32, 2**63]
ODD = [None, True, -1, 2**64 - 1, "", "a", "\u00e9", b"", b"\x00" * 32, [], {}, [[]], 0.5]


class Fault(Exception):
    """A file that was neither opened nor refused as it should be; ``__cause__`` says how."""

    def __init__(self, message: str, run: int, data: bytes) -> None:
        super().__init__(message)
        self.run = run
        self.data = data


def open_fully(data: bytes) -> None:
    """Everything the container can do with a file."""
    reader = Reader.from_bytes(data, limits=SMALL)
    reader.check_kinds(KINDS)
    reader.verify("digest")


def decode_fully(data: bytes) -> None:
    """Everything that can be had of an artifact without its prior."""
    artifact = from_reader(Reader.from_bytes(data, limits=SMALL))
    contents = artifact.contents
    contents.check_coverage()
    for section in artifact.sections:
        if section.kind == "schedule":
            contents.schedule()
        elif section.kind == "teacher":
            contents.teacher(section.box.class_start)
        else:
            contents.decode(section)
    recipe = artifact.recipe
    if recipe.labels.kind == "soft":
        for c in artifact.head.row_classes[:4]:
            for view in {0, recipe.views // 2, recipe.views - 1}:
                artifact.labels.logits([(c, 0), (c, recipe.ipc - 1)], view)
    artifact.verify("digest")


def open_twice(data: bytes) -> None:
    """Open with both readers; a difference of opinion is a fault."""
    try:
        read_ddz.read(data)
        refused = None
    except read_ddz.Refused as error:
        refused = error
    try:
        Reader.from_bytes(data).verify("digest")
    except DdcodecError as error:
        if refused is None:
            raise RuntimeError(f"only ddcodec refuses the file: {error}") from error
        raise
    if refused is not None:
        raise RuntimeError(f"only the second reader refuses the file: {refused}")


def fuzz(
    corpus: Sequence[bytes],
    runs: range,
    seed: int,
    open_fully: Callable[[bytes], None] = open_fully,
) -> Counter[str]:
    """Damage and open files; returns how often each error code came, ``ok`` for none.

    Args:
        corpus: files to start from.
        runs: the numbers of the runs to make.
        seed: with a run's number, fixes what is done to which file.
        open_fully: what shall withstand the file: returns, or raises a DdcodecError.

    Raises:
        Fault: ``open_fully`` let out another exception, took more than ``SECONDS_A_RUN`` of
            processor time, or the process grew by more than ``GROWTH_KIB``.
    """
    outcomes: Counter[str] = Counter()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for run in runs:
        data = mutated(corpus, seed, run)
        start = time.process_time()
        try:
            open_fully(data)
            outcomes["ok"] += 1
        except DdcodecError as error:
            outcomes[error.code] += 1
        except Exception as error:  # any other exception is what a fuzzer looks for
            raise Fault(f"run {run} of seed {seed}: {error!r}", run, data) from error
        if time.process_time() - start > SECONDS_A_RUN:
            raise Fault(f"run {run} of seed {seed} took over {SECONDS_A_RUN} s", run, data)
        if resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory > GROWTH_KIB:
            raise Fault(f"run {run} of seed {seed} took over {GROWTH_KIB >> 10} MiB", run, data)
    return outcomes


def mutated(corpus: Sequence[bytes], seed: int, run: int) -> bytes:
    """The file of a run: one of the corpus after one to three mutations, usually with true sums."""
    rng = random.Random(seed << 40 | run)
    data = rng.choice(corpus)
    for _ in range(rng.choice((1, 1, 2, 3))):
        mutation = rng.choice(MUTATIONS)
        data = mutation(rng, data, corpus)
    # Most runs shall get past the prelude, to where the checks are many.
    return join(data, *split(data)) if rng.random() < 0.7 else data


Mutation = Callable[[random.Random, bytes, Sequence[bytes]], bytes]


def flip_bits(rng: random.Random, data: bytes, corpus: Sequence[bytes]) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 8)) if data else 0):
        changed[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def truncate(rng: random.Random, data: bytes, corpus: Sequence[bytes]) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


def splice(rng: random.Random, data: bytes, corpus: Sequence[bytes]) -> bytes:
    other = rng.choice(corpus)
    return data[: rng.randrange(len(data) + 1)] + other[rng.randrange(len(other) + 1) :]


def edit_run(rng: random.Random, data: bytes, corpus: Sequence[bytes]) -> bytes:
    """Cut out, repeat or overwrite a run of bytes."""
    start = rng.randrange(len(data) + 1)
    end = min(len(data), start + rng.randrange(40))
    run = rng.choice((b"", data[start:end] * 2, rng.randbytes(end - start)))
    return data[:start] + run + data[end:]


def edit_prelude(rng: random.Random, data: bytes, corpus: Sequence[bytes]) -> bytes:
    offset, form = rng.choice(
        ((8, "<H"), (10, "<H"), (12, "<I"), (16, "<I"), (20, "<I"), (24, "<Q"))
    )
    value = rng.choice((rng.choice(NUMBERS), len(data) + rng.randrange(-3, 4)))
    packed = struct.pack(form, value % (1 << 8 * struct.calcsize(form)))
    return data[:offset] + packed + data[offset + len(packed) :]


def split(data: bytes) -> tuple[bytes, bytes]:
    """Header and payload, as far as the prelude can be believed."""
    header_len = int.from_bytes(data[16:20], "little")
    return data[32 : 32 + header_len], data[32 + header_len :]


def join(data: bytes, header: bytes, payload: bytes) -> bytes:
    """The file with this header and payload, and the lengths and checksum of its prelude true."""
    size = 32 + len(header) + len(payload)
    return data[:16] + struct.pack("<IIQ", len(header), zlib.crc32(header), size) + header + payload


def damage_header(rng: random.Random, data: bytes, corpus: Sequence[bytes]) -> bytes:
    """Damage msgpack bytes, with the header's checksum made true again."""
    header, payload = split(data)
    change = rng.choice((flip_bits, flip_bits, edit_run, truncate))
    return join(data, change(rng, header, corpus), payload)


def edit_header(rng: random.Random, data: bytes, corpus: Sequence[bytes]) -> bytes:
    """Change values within the header and encode it again: reaches the checks of the index."""
    encoded, payload = split(data)
    try:
        header = msgpack.unpackb(encoded)
        for _ in range(rng.choice((1, 1, 2, 4))):
            edit_value(rng, header)
        return join(data, msgpack.packb(header), payload)
    except ValueError:
        return data  # the header was damaged before, beyond decoding or encoding


def edit_value(rng: random.Random, node: Any) -> None:
    """Change one thing at a random depth of a tree of lists and maps, in place."""
    while isinstance(node, (dict, list)) and node:
        keys = list(node) if isinstance(node, dict) else range(len(node))
        key = rng.choice(keys)
        if isinstance(node[key], (dict, list)) and rng.random() < 0.85:
            node = node[key]
            continue
        action = rng.randrange(5)
        if action == 0:
            del node[key]
        elif action == 1 and isinstance(node, list):
            node.insert(key, node[key])
        elif action == 2 and type(node[key]) is int:
            node[key] = max(-(2**63), min(2**64 - 1, node[key] + rng.choice((-1, 1, 256))))
        else:
            node[key] = rng.choice(NUMBERS) if rng.random() < 0.6 else rng.choice(ODD)
        return


def damage_sections(rng: random.Random, data: bytes, corpus: Sequence[bytes]) -> bytes:
    """Damage stored bytes, with all checksums and lengths made true again."""
    encoded, payload = split(data)
    try:
        header = msgpack.unpackb(encoded)
        index = header["index"]
        sizes, at, parts = index["stored"], 0, []
        for size in sizes:
            parts.append(payload[at : at + size])
            at += size
        target = rng.randrange(len(parts))
        parts[target] = rng.choice((flip_bits, edit_run, truncate))(rng, parts[target], corpus)
        index["stored"][target] = len(parts[target])
        index["crc"][target] = zlib.crc32(parts[target])
        if index["raw"][target] == sizes[target]:
            index["raw"][target] = len(parts[target])
        return join(data, msgpack.packb(header), b"".join(parts))
    except (ValueError, TypeError, LookupError, OverflowError):
        return data  # the file was damaged before, beyond finding its sections


def true_digest(rng: random.Random, data: bytes, corpus: Sequence[bytes]) -> bytes:
    """Make the content digest true, so that altered content is accepted and read further."""
    try:
        header = read_ddz.read_header(data)
        header["digest"] = read_ddz.content_digest(header, read_ddz.read_sections(data, header))
    except read_ddz.Refused:
        return data
    return join(data, msgpack.packb(header), split(data)[1])


MUTATIONS: Sequence[Mutation] = (
    flip_bits,
    truncate,
    splice,
    edit_run,
    edit_prelude,
    damage_header,
    edit_header,
    edit_header,
    damage_sections,
    damage_sections,
    true_digest,
)


READERS: dict[str, Callable[[bytes], None]] = {
    "container": open_fully,
    "artifact": decode_fully,
    "both": open_twice,
}


def load_corpus(files: Sequence[Path] = ()) -> list[bytes]:
    """The vectors and more files; good files four times, because most faults lie behind them."""
    vectors = sorted(VECTORS.rglob("*.ddz"))
    good = [*(path for path in vectors if path.name.startswith("y_")), *files]
    return [path.read_bytes() for path in [*vectors, *good * 3, *files]]


def main() -> int:
    parser = argparse.ArgumentParser(description="Open many damaged .ddz files.")
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, help="repeat one run")
    parser.add_argument("--reader", choices=READERS, default="container")
    parser.add_argument("files", nargs="*", type=Path)
    options = parser.parse_args()
    corpus = load_corpus(options.files)
    check = READERS[options.reader]
    start = time.perf_counter()
    first = options.only or 0
    runs = range(first, options.count if options.only is None else first + 1)
    try:
        outcomes = fuzz(corpus, runs, options.seed, check)
    except Fault as fault:
        path = Path(f"fuzz-{options.seed}-{fault.run}.ddz")
        path.write_bytes(fault.data)
        print(f"{fault}\nits file is {path}", file=sys.stderr)
        raise
    seconds = time.perf_counter() - start
    for code, count in outcomes.most_common():
        print(f"{count:8d} {code}")
    print(f"{len(runs)} files in {seconds:.1f} s, {len(runs) / seconds:.0f} files/s, no fault")
    return 0


if __name__ == "__main__":
    sys.exit(main())
