"""Pictures per second and peak memory of every kind of source, of one set of pictures.

    python -m tools.bench.sources cifar10/train

The pictures are packed in each form first, with their files as they are where the form holds files.
Each form is then opened in a process of its own, its fingerprint computed, and every picture read,
class by class, one at a time. Seconds are those of the processor, as other work shares the machine.
"""

from __future__ import annotations

import io
import json
import pickle
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import click
import numpy as np

import ddcodec
from ddcodec.sources.folder import ImageFolder, scan

Pack = Callable[[ImageFolder, list[tuple[int, int]], Path], None]
SEED = 0
SHARDS, BATCHES = 10, 5


@click.command()
@click.argument("source", type=click.Path(path_type=Path))
@click.option("--measure", is_flag=True, help="Only measure SOURCE, as it is, in this process.")
def main(source: Path, measure: bool) -> None:
    if measure:
        print(json.dumps(measured(str(source))))
        return
    folder = scan(source)
    # Tables are shuffled, as those of others are.
    order = [(c, n) for c, count in enumerate(folder.counts) for n in range(count)]
    order = [order[i] for i in np.random.default_rng(SEED).permutation(len(order))]
    print("| source | opening, s | fingerprint, s | pictures per second | peak memory, MB |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as kept:
        first = told("folder", source)
        for name, pack in FORMS.items():
            path = Path(kept, name)
            pack(folder, order, path)
            told(name, path, first)


def told(name: str, path: Path, first: Mapping[str, float] | None = None) -> dict[str, float]:
    """Measure in a process of its own, and print a row with ratios to the first."""
    command = [sys.executable, "-m", "tools.bench.sources", str(path), "--measure"]
    found: dict[str, float] = json.loads(
        subprocess.run(command, check=True, capture_output=True).stdout
    )
    cells = [f"{found['open']:.1f}", f"{found['fingerprint']:.1f}"]
    for key, form in (("rate", ",.0f"), ("memory", ".0f")):
        ratio = "" if first is None else f" ({found[key] / first[key]:.2f})"
        cells.append(f"{found[key]:{form}}{ratio}")
    print(f"| {name} | {' | '.join(cells)} |", flush=True)
    return found


def measured(path: str) -> dict[str, float]:
    start = time.process_time()
    source = ddcodec.open_source(path)
    opened = time.process_time()
    _ = source.fingerprint
    known = time.process_time()
    for c, count in enumerate(source.counts):
        for n in range(count):
            source.read(c, n, None)
    seconds = time.process_time() - known
    return {
        "open": opened - start,
        "fingerprint": known - opened,
        "rate": len(source) / seconds,
        "memory": peak_kilobytes() / 1000,
    }


def peak_kilobytes() -> float:
    """The most memory that this process had, which getrusage confuses with its parent's."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return float(line.split()[1]) * 1.024


def names_of(folder: ImageFolder, order: list[tuple[int, int]]) -> list[tuple[Path, str]]:
    files = [(folder.files[c][n], folder.classes[c]) for c, n in order]
    return [(path, f"set/{name}/{path.name}") for path, name in files]


def zipped(folder: ImageFolder, order: list[tuple[int, int]], path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for file, name in names_of(folder, order):
            archive.write(file, name)


def tarred(folder: ImageFolder, order: list[tuple[int, int]], path: Path) -> None:
    with tarfile.open(path, "w:gz" if path.suffix == ".gz" else "w") as archive:
        for file, name in names_of(folder, order):
            archive.add(file, name)


def sharded(folder: ImageFolder, order: list[tuple[int, int]], path: Path) -> None:
    path.mkdir()
    for shard in range(SHARDS):
        with tarfile.open(path / f"train-{shard:06}.tar", "w") as archive:
            for number, (c, n) in enumerate(order[shard::SHARDS]):
                for suffix, data in (
                    (".cls", str(c).encode()),
                    (".png", folder.files[c][n].read_bytes()),
                ):
                    entry = tarfile.TarInfo(f"{number:08}{suffix}")
                    entry.size = len(data)
                    archive.addfile(entry, io.BytesIO(data))
    (path / "classes.txt").write_text("\n".join(folder.classes))


def tabled(folder: ImageFolder, order: list[tuple[int, int]], path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as parquet

    features = {"label": {"names": list(folder.classes), "_type": "ClassLabel"}}
    schema = pa.schema(
        {"image": pa.struct({"bytes": pa.binary(), "path": pa.string()}), "label": pa.int64()},
        {"huggingface": json.dumps({"info": {"features": features}})},
    )
    with parquet.ParquetWriter(path, schema) as writer:
        for start in range(0, len(order), 1000):
            part = order[start : start + 1000]
            pictures = [{"bytes": folder.files[c][n].read_bytes(), "path": None} for c, n in part]
            writer.write_table(pa.table([pictures, [c for c, _ in part]], schema=schema))


def pixels_of(folder: ImageFolder, order: list[tuple[int, int]]) -> np.ndarray:
    return np.stack([folder.read(c, n, (32, 32))[0] for c, n in order])


def arrayed(folder: ImageFolder, order: list[tuple[int, int]], path: Path) -> None:
    labels = np.array([c for c, _ in order])
    np.savez(path, images=pixels_of(folder, order), labels=labels, classes=np.array(folder.classes))


def pickled(folder: ImageFolder, order: list[tuple[int, int]], path: Path) -> None:
    path.mkdir()
    planes = pixels_of(folder, order).transpose(0, 3, 1, 2).reshape(len(order), -1)
    for batch in range(BATCHES):
        labels = [c for c, _ in order[batch::BATCHES]]
        value = {b"data": np.ascontiguousarray(planes[batch::BATCHES]), b"labels": labels}
        (path / f"data_batch_{batch + 1}").write_bytes(pickle.dumps(value, 2))
    meta = {b"label_names": [name.encode() for name in folder.classes]}
    (path / "batches.meta").write_bytes(pickle.dumps(meta, 2))


FORMS: Mapping[str, Pack] = {
    "photos.zip": zipped,
    "photos.tar": tarred,
    "photos.tar.gz": tarred,
    "shards": sharded,
    "train.parquet": tabled,
    "arrays.npz": arrayed,
    "cifar-10-batches-py": pickled,
}


if __name__ == "__main__":
    main()
