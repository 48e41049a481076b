"""Baselines of random real pictures: of the same IPC, and of the same bytes."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from ddcodec.arrays import Progress
from ddcodec.artifact import Artifact, open_artifact
from ddcodec.encoding.encode import encode
from ddcodec.errors import SourceError
from ddcodec.randomness import derive_seed, shuffled
from ddcodec.sources.folder import ImageFolder, scan

__all__ = ["Baseline", "make_baselines"]

# No coded picture takes fewer bits per pixel than this, so a budget bounds how many can fit.
_LEAST_BITS_PER_PIXEL = 0.25


@dataclass(frozen=True)
class Baseline:
    """A real artifact to compare with; ``path`` is None where it cannot be made, see ``why``.

    ``for_bytes``: it fills the bytes of one artifact, so no other artifact shares it.
    """

    name: str
    path: Path | None
    why: str = ""
    for_bytes: bool = False


def make_baselines(
    artifact: Artifact,
    train: Path,
    folder: Path,
    *,
    same_ipc: bool = True,
    seed: int = 0,
    progress: Progress | None = None,
) -> list[Baseline]:
    """Artifacts of random real pictures with hard labels and the same views, written to ``folder``.

    One has the artifact's IPC; one has the largest IPC whose file is no larger than the
    artifact, found by bisection on files really encoded. The first can be left out
    (``same_ipc``), where another artifact of the report shares it.

    Raises:
        SourceError: the training folder lacks a class of the artifact.
    """
    pool = _Pool(artifact, scan(train), folder / "pool", seed)
    shared = [_same_ipc(pool, folder)] if same_ipc else []
    return [*shared, _same_bytes(pool, folder, progress)]


class _Pool:
    """Randomly chosen training pictures of the artifact's classes, as a folder of links.

    The choice is made once, so that no trial has to list and hash the whole training folder.
    """

    def __init__(self, artifact: Artifact, source: ImageFolder, folder: Path, seed: int) -> None:
        self.artifact = artifact
        self.folder = folder
        self.seed = seed
        index = {name: i for i, name in enumerate(source.classes)}
        missing = [name for name in artifact.classes if name not in index]
        if missing:
            raise SourceError(
                f"the training folder lacks {missing[0]!r} and {len(missing) - 1} more classes of "
                "the artifact: give the folder it was made from, as train_dir"
            )
        self.smallest = min(len(source.files[index[name]]) for name in artifact.classes)
        self.limit = min(self.smallest, max(artifact.recipe.ipc, self._most()))
        for name in artifact.classes:
            files = source.files[index[name]]
            order = shuffled(derive_seed(seed, name), len(files))[: self.limit]
            (folder / name).mkdir(parents=True)
            for rank, i in enumerate(order):
                _link(files[int(i)], folder / name / f"{rank:07d}{files[int(i)].suffix.lower()}")

    def _most(self) -> int:
        recipe = self.artifact.recipe
        least = recipe.width * recipe.height * _LEAST_BITS_PER_PIXEL / 8
        return int(self.artifact.file_len / len(self.artifact.classes) / least) + 1

    def encode(self, ipc: int, out: Path) -> int:
        """Write an artifact of ``ipc`` random pictures per class; returns its bytes."""
        recipe = self.artifact.recipe
        result = encode(
            self.folder,
            out,
            method="random",
            ipc=ipc,
            views=recipe.views,
            seed=self.seed,
            labels="hard",
            view=recipe.view.describe(),
            size=recipe.size,
            force=True,
        )
        return result.file_len


def _same_ipc(pool: _Pool, folder: Path) -> Baseline:
    ipc = pool.artifact.recipe.ipc
    name = f"random real pictures, same IPC ({ipc})"
    if pool.smallest < ipc:
        return Baseline(name, None, f"a class has only {pool.smallest} training pictures")
    path = folder / "same-ipc.ddz"
    pool.encode(ipc, path)
    return Baseline(name, path)


def _same_bytes(pool: _Pool, folder: Path, progress: Progress | None) -> Baseline:
    budget = pool.artifact.file_len
    trial, best = folder / "trial.ddz", folder / "same-bytes.ddz"
    fits, fails = 0, pool.limit + 1
    while fits + 1 < fails:
        # Doubling first: a small trial is quick, and most answers are far below the limit.
        middle = min(2 * fits or 1, pool.limit) if fails > pool.limit else (fits + fails) // 2
        if pool.encode(middle, trial) <= budget:
            fits = middle
            trial.replace(best)
        else:
            fails = middle
        if progress is not None:
            progress("pictures that fit the same bytes", fits, fails - 1)
    if fits == 0:
        with open_artifact(trial) as smallest:
            return Baseline(
                "random real pictures, same bytes",
                None,
                f"one picture a class takes {smallest.file_len} bytes, more than the artifact's "
                f"{budget}",
                for_bytes=True,
            )
    return Baseline(f"random real pictures, same bytes (IPC {fits})", best, for_bytes=True)


def _link(source: Path, target: Path) -> None:
    try:
        os.symlink(source.resolve(), target)
    except OSError:
        # Not every file system has links.
        shutil.copyfile(source, target)
