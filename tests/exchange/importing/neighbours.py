"""Tiny files as the neighbours' code writes them: the same calls of ``torch.save``, other numbers.

The layouts are those of MTT (50dccea), DATM (97ae510), DC, DSA and DM (53f63a6), IDC (ceac95a),
DDiF (b628e7b), DD-RUO (f6fc102), RDED (3f6453d), SRe2L (8d00cba), D4M (da35d10) and the ECCV 2024
contest (a6ca5cb).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ddcodec.arrays import UInt8s

MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)
"""Of CIFAR-10 as MTT has them."""


def pixels(count: int, side: int = 8, seed: int = 0) -> UInt8s:
    """uint8 [count, side, side, 3], smooth so that codecs have something to do."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (count, 2, 2, 3)).astype(np.uint8)
    return coarse.repeat(side // 2, axis=1).repeat(side // 2, axis=2)


def planar(images: UInt8s) -> Tensor:
    """float32 [n, 3, h, w] in 0..1, as torchvision's ToTensor makes them."""
    return torch.from_numpy(images.transpose(0, 3, 1, 2).astype(np.float32)) / 255


def normalised(
    images: UInt8s, mean: tuple[float, ...] = MEAN, std: tuple[float, ...] = STD
) -> Tensor:
    """The same normalised, as torchvision's Normalize does."""
    m, s = (torch.tensor(one).view(1, 3, 1, 1) for one in (mean, std))
    return (planar(images) - m) / s


def class_major(classes: int, ipc: int) -> Tensor:
    """int64 [classes * ipc]: 0, 0, 1, 1, ..."""
    return torch.arange(classes).repeat_interleave(ipc)


def mtt(folder: Path, images: Tensor, labels: Tensor, iteration: str = "best") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(images, folder / f"images_{iteration}.pt")
    torch.save(labels, folder / f"labels_{iteration}.pt")
    return folder


def datm(folder: Path, images: Tensor, logits: Tensor, rate: float, iteration: str) -> Path:
    mtt(folder / "Normal", images, logits, iteration)
    torch.save(torch.tensor(rate), folder / "Normal" / f"lr_{iteration}.pt")
    return folder


def dc(folder: Path, runs: list[tuple[Tensor, Tensor]]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "res_DM_CIFAR10_ConvNet_2ipc.pt"
    accuracies = {"ConvNet": [np.float64(0.25), np.float64(0.5)]}
    data = [[images, labels] for images, labels in runs]
    torch.save({"data": data, "accs_all_exps": accuracies}, path)
    return path


def idc(folder: Path, images: Tensor, labels: Tensor) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    torch.save([images, labels], folder / "data.pt")
    return folder


def ddif(folder: Path, images: Tensor, label: Tensor, rate: float) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(images, folder / "images_best.pt")
    fields = [{"net.0.weight": torch.zeros(2, 2)}]
    saved = {"nf": fields, "label": label, "syn_lr": torch.tensor(rate)}
    torch.save(saved, folder / "DDiF_best.pt")
    return folder


def rded(folder: Path, images: UInt8s, ipc: int) -> Path:
    return _files(folder, images, ipc, "{c:05d}", "class{c:05d}_id{i:05d}.jpg")


def sre2l(folder: Path, images: UInt8s, ipc: int) -> Path:
    return _files(folder, images, ipc, "new{c:03d}", "class{c:03d}_id{i:03d}.jpg")


def d4m(folder: Path, images: UInt8s, ipc: int) -> Path:
    return _files(folder, images, ipc, "{c}", "{i}.png")


def wordnet(folder: Path, images: UInt8s, ipc: int, ids: tuple[str, ...]) -> Path:
    for c, name in enumerate(ids):
        (folder / name).mkdir(parents=True)
        for i in range(ipc):
            Image.fromarray(images[c * ipc + i]).save(folder / name / f"{i}.png")
    return folder


def _files(folder: Path, images: UInt8s, ipc: int, inner: str, file: str) -> Path:
    for n, image in enumerate(images):
        c, i = divmod(n, ipc)
        path = folder / inner.format(c=c) / file.format(c=c, i=i)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)
    return folder
