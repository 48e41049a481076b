"""A second tokenizer of prompts (spec/prior.md, "Tokens")."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

SPACES = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)
CONTRACTIONS = ("'s", "'t", "'re", "'ve", "'m", "'ll", "'d")


def byte_letters() -> list[str]:
    """The letter that stands for each byte."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [b for b in range(256) if b not in plain]
    return [chr(b if b in plain else 256 + others.index(b)) for b in range(256)]


def kind(character: str) -> str:
    """Whether a character is a space, a letter, a number or anything else."""
    if character in SPACES:
        return "space"
    return {"L": "letter", "N": "number"}.get(unicodedata.category(character)[0], "other")


def words(text: str) -> Iterator[str]:
    """The parts of a text that are coded each by itself."""
    text = "".join(c.lower() for c in unicodedata.normalize("NFC", text))
    at = 0
    while at < len(text):
        start, what = at, kind(text[at])
        short = next((c for c in CONTRACTIONS if text.startswith(c, at)), None)
        at += len(short) if short else 1
        while not short and what in ("letter", "other") and at < len(text):
            if kind(text[at]) != what:
                break
            at += 1
        if what != "space":
            yield text[start:at]


class Tokenizer:
    """A prior's tokenizer, of ``tokenizer.json`` or of ``vocab.json`` and ``merges.txt``."""

    def __init__(self, folder: Path) -> None:
        if (folder / "tokenizer.json").is_file():
            model = json.loads((folder / "tokenizer.json").read_text("utf-8"))["model"]
            self.vocabulary, merges = model["vocab"], model["merges"]
        else:
            self.vocabulary = json.loads((folder / "vocab.json").read_text("utf-8"))
            lines = (folder / "merges.txt").read_text("utf-8").split("\n")
            merges = [line for line in lines if line and not line.startswith("#version")]
        pairs = (one.split(" ") if isinstance(one, str) else one for one in merges)
        self.ranks = {(left, right): rank for rank, (left, right) in enumerate(pairs)}
        settings = json.loads((folder / "tokenizer_config.json").read_text("utf-8"))
        special = [content(settings[f"{name}_token"]) for name in ("bos", "eos", "pad", "unk")]
        self.start, self.end, self.padding, self.unknown = (self.vocabulary[s] for s in special)
        self.special = re.compile("(" + "|".join(map(re.escape, special[:2])) + ")")
        self.letters = byte_letters()

    def ids(self, text: str) -> list[int]:
        """A text's ids without start and end."""
        found = []
        for number, piece in enumerate(self.special.split(text)):
            if number % 2:
                found.append(self.vocabulary[piece])
                continue
            parts = (part for word in words(piece) for part in self.parts(word))
            found += [self.vocabulary.get(part, self.unknown) for part in parts]
        return found

    def parts(self, word: str) -> list[str]:
        parts = [self.letters[byte] for byte in word.encode()]
        parts[-1] += "</w>"
        while True:
            ranked = [(self.ranks.get(pair), pair) for pair in pairwise(parts)]
            best = min(((rank, pair) for rank, pair in ranked if rank is not None), default=None)
            if best is None:
                return parts
            merged: list[str] = []
            for part in parts:
                joined = bool(merged) and not merged[-1].endswith("\n")
                if joined and (merged[-1], part) == best[1]:
                    merged[-1] += part + "\n"  # so that it is not joined twice
                else:
                    merged.append(part)
            parts = [part.rstrip("\n") for part in merged]

    def prompt(self, template: str, learned: int, length: int) -> tuple[list[int], list[int]]:
        """The ids of a prompt, and where its learned vectors stand."""
        before, _, after = template.partition("{}") if learned else (template, "", "")
        first = [self.start, *self.ids(before)]
        places = [*range(len(first), len(first) + learned)]
        found = [*first, *[self.padding] * learned, *self.ids(after), self.end]
        assert len(found) <= length, "the prompt is too long"
        return found + [self.padding] * (length - len(found)), places


def content(token: Any) -> str:
    """A special token's text, which settings give alone or in a map."""
    found: str = token["content"] if isinstance(token, dict) else token
    return found
