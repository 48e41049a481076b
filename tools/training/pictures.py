"""Pictures and captions for the tiny prior: image folders in, one uint8 array and token ids out."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from tokenizers import Tokenizer, pre_tokenizers, trainers
from tokenizers.models import BPE
from tqdm import tqdm
from transformers import CLIPTokenizer

from ddcodec.arrays import Bools, Int64s, UInt8s

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".pgm", ".ppm", ".bmp"}
SMALL, LARGE = 32, 64
START, END, WORD_END = "<|startoftext|>", "<|endoftext|>", "</w>"


@dataclass(frozen=True)
class Pictures:
    """Training pictures of two sizes, and their classes.

    Attributes:
        small: uint8 [N, 32, 32, 3]: pictures that came with no more than 32 pixels.
        large: uint8 [M, 64, 64, 3]: all others.
        small_labels, large_labels: int64 [N], [M], into ``names``.
        names: class names; one name is one class, whatever folders it came from.
        digit: bool [len(names)]: handwritten digits, never mirrored, with captions of their own.
    """

    small: UInt8s
    small_labels: Int64s
    large: UInt8s
    large_labels: Int64s
    names: list[str]
    digit: Bools

    def save(self, path: Path) -> None:
        np.savez(path, **vars(self))

    @classmethod
    def load(cls, path: Path) -> Pictures:
        with np.load(path) as z:
            return cls(**{k: z[k].tolist() if k == "names" else z[k] for k in z.files})

    def halved(self) -> UInt8s:
        """The large pictures at 32 pixels, uint8 [M, 32, 32, 3]: mean of each 2 x 2 block."""
        m = len(self.large)
        blocks = self.large.reshape(m, SMALL, 2, SMALL, 2, 3).astype(np.uint16)
        halved: UInt8s = ((blocks.sum((2, 4)) + 2) // 4).astype(np.uint8)
        return halved


def list_images(folder: Path) -> list[tuple[Path, str]]:
    """All (file, class name) of a ``<class>/<file>`` tree, sorted, so disk order never matters."""
    files = sorted(p for p in folder.glob("*/*") if p.suffix.lower() in SUFFIXES)
    return [(p, p.parent.name) for p in files]


def read_image(path: Path, size: int) -> UInt8s:
    """One picture as uint8 [size, size, 3]: padded with black if smaller, else Lanczos-resized."""
    with Image.open(path) as im:
        return fit(im.convert("RGB"), size)


def fit(im: Image.Image, size: int) -> UInt8s:
    if im.width < size and im.height < size:
        out = Image.new("RGB", (size, size))
        out.paste(im, ((size - im.width) // 2, (size - im.height) // 2))
        return np.asarray(out)
    if im.size != (size, size):
        im = im.resize((size, size), Image.Resampling.LANCZOS)
    return np.asarray(im)


def gather(photos: Iterable[Path], digits: Iterable[Path], digit_count: int, seed: int) -> Pictures:
    """Read every photo folder and a seeded subset of the digit folders."""
    rng = np.random.default_rng(seed)
    listed = [(p, c, False) for f in photos for p, c in list_images(f)]
    numerals = [(p, c, True) for f in digits for p, c in list_images(f)]
    listed += [numerals[i] for i in np.sort(rng.permutation(len(numerals))[:digit_count])]
    if not listed:
        raise SystemExit("no images found: expected <folder>/<class>/<file>")
    names = sorted({c for _, c, _ in listed})
    index = {c: i for i, c in enumerate(names)}
    digit = np.zeros(len(names), bool)
    found: dict[int, tuple[list[UInt8s], list[int]]] = {SMALL: ([], []), LARGE: ([], [])}
    for path, name, is_digit in tqdm(listed, desc="read images", mininterval=5):
        with Image.open(path) as im:
            size = SMALL if max(im.size) <= SMALL else LARGE
            images, labels = found[size]
            images.append(fit(im.convert("RGB"), size))
        labels.append(index[name])
        digit[index[name]] |= is_digit
    arrays = [
        (np.array(i, np.uint8).reshape(-1, size, size, 3), np.array(label, np.int64))
        for size, (i, label) in found.items()
    ]
    return Pictures(*arrays[0], *arrays[1], names, digit)


def captions(pictures: Pictures, config: dict[str, Any], kind: str) -> list[list[str]]:
    """Every caption of every class for pictures of a kind, ``single`` or ``collage``.

    A template's weight is how often it is listed. A class with aliases (hypernyms: "tabby" is
    also "cat") has them in ``alias_probability`` of its captions.
    """
    out = []
    for name, is_digit in zip(pictures.names, pictures.digit, strict=True):
        templates = config["templates"][f"digit {kind}" if is_digit else kind]
        own = [t.format(name.replace("_", " ")) for t in templates]
        also = [a for a, members in config["aliases"].items() if name in members and not is_digit]
        if also:
            share = config["alias_probability"]
            repeat = max(1, round((1 - share) / share)) * len(also)
            own = own * repeat + [t.format(a) for a in also for t in templates]
        out.append(own)
    return out


def train_tokenizer(texts: Iterable[str], vocab_size: int, length: int) -> CLIPTokenizer:
    """CLIP's byte-level BPE, trained on ``texts``; every byte has a token, so any name encodes."""
    clip = CLIPTokenizer()
    trainee = Tokenizer(BPE(end_of_word_suffix=WORD_END))
    trainee.normalizer = clip.backend_tokenizer.normalizer
    trainee.pre_tokenizer = clip.backend_tokenizer.pre_tokenizer
    trainee.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=vocab_size - 256,
            end_of_word_suffix=WORD_END,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    pieces = alphabet + [a + WORD_END for a in alphabet]
    merges = [tuple(m) for m in _merges(trainee)][: vocab_size - len(pieces) - 2]
    pieces += dict.fromkeys("".join(m) for m in merges if "".join(m) not in pieces)
    vocab = {piece: i for i, piece in enumerate([*pieces, START, END])}
    # The library says that merges are text, and takes pairs.
    return CLIPTokenizer(vocab=vocab, merges=merges, model_max_length=length)  # type: ignore[arg-type]


def _merges(tokenizer: Tokenizer) -> list[list[str]]:
    merges: list[list[str]] = json.loads(tokenizer.to_str())["model"]["merges"]
    return merges
