"""Pictures and captions for the tiny prior: image folders in, one uint8 array and token ids out."""

from __future__ import annotations

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

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".pgm", ".ppm", ".bmp"}
START, END, WORD_END = "<|startoftext|>", "<|endoftext|>", "</w>"


@dataclass(frozen=True)
class Pictures:
    """Training pictures: ``images`` uint8 [N, R, R, 3], ``labels`` int64 [N] into ``names``.

    ``digit`` bool [len(names)] marks handwritten digits: never mirrored, own captions.
    """

    images: np.ndarray
    labels: np.ndarray
    names: list[str]
    digit: np.ndarray

    def save(self, path: Path) -> None:
        np.savez(path, images=self.images, labels=self.labels, names=self.names, digit=self.digit)

    @classmethod
    def load(cls, path: Path) -> Pictures:
        with np.load(path) as z:
            return cls(z["images"], z["labels"], z["names"].tolist(), z["digit"])


def list_images(folder: Path) -> list[tuple[Path, str]]:
    """All (file, class name) of a ``<class>/<file>`` tree, sorted, so disk order never matters."""
    files = sorted(p for p in folder.glob("*/*") if p.suffix.lower() in SUFFIXES)
    return [(p, p.parent.name) for p in files]


def read_image(path: Path, size: int) -> np.ndarray:
    """One picture as uint8 [size, size, 3]: padded with black if smaller, else Lanczos-resized."""
    with Image.open(path) as im:
        im = im.convert("RGB")
        if im.width < size and im.height < size:
            out = Image.new("RGB", (size, size))
            out.paste(im, ((size - im.width) // 2, (size - im.height) // 2))
            return np.asarray(out)
        if im.size != (size, size):
            im = im.resize((size, size), Image.Resampling.LANCZOS)
        return np.asarray(im)


def gather(
    photos: Iterable[Path], digits: Iterable[Path], size: int, digit_count: int, seed: int
) -> Pictures:
    """Read every photo folder and a seeded subset of the digit folders."""
    rng = np.random.default_rng(seed)
    listed = [(p, c, False) for f in photos for p, c in list_images(f)]
    numerals = [(p, c, True) for f in digits for p, c in list_images(f)]
    pick = np.sort(rng.permutation(len(numerals))[:digit_count])
    listed += [numerals[i] for i in pick]
    if not listed:
        raise SystemExit("no images found: expected <folder>/<class>/<file>")
    names = sorted({c for _, c, _ in listed})
    index = {c: i for i, c in enumerate(names)}
    digit = np.zeros(len(names), bool)
    images = np.empty((len(listed), size, size, 3), np.uint8)
    labels = np.empty(len(listed), np.int64)
    for i, (path, name, is_digit) in enumerate(tqdm(listed, desc="read images", mininterval=5)):
        images[i], labels[i] = read_image(path, size), index[name]
        digit[index[name]] = is_digit
    return Pictures(images, labels, names, digit)


def captions(pictures: Pictures, config: dict[str, Any]) -> list[list[str]]:
    """Every caption of every class; a template's weight is how often it is listed.

    A class with aliases (hypernyms: "tabby" is also "cat") has them in ``alias_probability``
    of its captions.
    """
    out = []
    for name, is_digit in zip(pictures.names, pictures.digit, strict=True):
        templates = config["templates"]["digit" if is_digit else "photo"]
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
    return CLIPTokenizer(vocab=vocab, merges=merges, model_max_length=length)


def _merges(tokenizer: Tokenizer) -> list[list[str]]:
    import json

    return json.loads(tokenizer.to_str())["model"]["merges"]
