"""The pin of a prior: round trips, and names and paths that no file may carry."""

from __future__ import annotations

import hashlib

import pytest

from ddcodec.errors import HeaderError
from ddcodec.recipe.pin import PriorPin, digest_of_files

SHA = "0123456789abcdef" * 4
RAW = bytes.fromhex(SHA)


@pytest.mark.parametrize(
    ("source", "revision"),
    [("tiny", None), ("my folder (2)", None), ("owner/name.v1-5", "0" * 40)],
)
def test_pin_survives_the_header(source: str, revision: str | None) -> None:
    pin = PriorPin.of(source, revision, {"vae/config.json": SHA, "model_index.json": SHA})
    assert PriorPin.from_map(pin.to_map()) == pin
    assert pin.files == ("model_index.json", "vae/config.json")


def test_digest_is_of_sorted_paths_and_the_digests_of_their_files() -> None:
    text = b"ddz/prior/1\0" + b"model_index.json\0" + RAW + b"vae/config.json\0" + RAW[::-1]
    files = {"vae/config.json": RAW[::-1].hex(), "model_index.json": SHA}
    assert digest_of_files(files) == hashlib.sha256(text).hexdigest()
    assert PriorPin.of("prior", None, files).digest == digest_of_files(files)


@pytest.mark.parametrize(
    "change",
    [
        {"source": ""},
        {"source": "/home/me/prior"},
        {"source": "../prior"},
        {"source": "a\\b"},
        {"source": 7},
        {"source": "owner/name"},
        {"revision": "main"},
        {"revision": "0" * 40},
        {"revision": 1},
        {"files": []},
        {"files": {"model_index.json": RAW}},
        {"files": ["vae/config.json"]},
        {"files": ["model_index.json", 7]},
        {"files": ["model_index.json", "unet/weights.bin"]},
        {"files": ["../config.json", "model_index.json"]},
        {"files": ["/etc/config.json", "model_index.json"]},
        {"files": ["a/b/config.json", "model_index.json"]},
        {"files": ["vae/config.json", "model_index.json"]},
        {"files": ["model_index.json", "model_index.json"]},
        {"files": ["model_index.json", *(f"unet/{i:03}.json" for i in range(256))]},
        {"digest": RAW[:31]},
        {"digest": SHA},
        {"digest": None},
        {"surprise": 1},
    ],
    ids=str,
)
def test_malformed_pin_is_refused(change: dict[str, object]) -> None:
    good = {
        "source": "prior",
        "revision": None,
        "files": ["model_index.json"],
        "digest": RAW,
    }
    assert PriorPin.from_map(good).source == "prior"
    with pytest.raises(HeaderError, match=r"head\.prior"):
        PriorPin.from_map({**good, **change})


@pytest.mark.parametrize("value", [None, [], "tiny", {"source": "tiny"}])
def test_pin_of_another_shape_is_refused(value: object) -> None:
    with pytest.raises(HeaderError, match=r"head\.prior"):
        PriorPin.from_map(value)
