"""The pin of a prior: round trips, and names and paths that no file may carry."""

from __future__ import annotations

import pytest

from ddcodec.errors import HeaderError
from ddcodec.recipe.pin import PriorPin

SHA = "0123456789abcdef" * 4
RAW = bytes.fromhex(SHA)


@pytest.mark.parametrize(
    ("source", "revision"),
    [("tiny", None), ("my folder (2)", None), ("owner/name.v1-5", "0" * 40)],
)
def test_pin_survives_the_header(source: str, revision: str | None) -> None:
    pin = PriorPin(source, revision, {"vae/config.json": SHA, "model_index.json": SHA})
    assert PriorPin.from_map(pin.to_map()) == pin
    assert list(pin.files) == ["model_index.json", "vae/config.json"]


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
        {"files": {}},
        {"files": ["model_index.json"]},
        {"files": {"vae/config.json": RAW}},
        {"files": {"model_index.json": RAW, "unet/weights.bin": RAW}},
        {"files": {"model_index.json": RAW, "../config.json": RAW}},
        {"files": {"model_index.json": RAW, "/etc/config.json": RAW}},
        {"files": {"model_index.json": RAW, "a/b/config.json": RAW}},
        {"files": {"model_index.json": RAW[:31]}},
        {"files": {"model_index.json": None}},
        {"files": {f"unet/{i}.json": RAW for i in range(257)}},
        {"surprise": 1},
    ],
    ids=str,
)
def test_malformed_pin_is_refused(change: dict[str, object]) -> None:
    good = {"source": "prior", "revision": None, "files": {"model_index.json": RAW}}
    assert PriorPin.from_map(good).source == "prior"
    with pytest.raises(HeaderError, match=r"head\.prior"):
        PriorPin.from_map({**good, **change})


@pytest.mark.parametrize("value", [None, [], "tiny", {"source": "tiny"}])
def test_pin_of_another_shape_is_refused(value: object) -> None:
    with pytest.raises(HeaderError, match=r"head\.prior"):
        PriorPin.from_map(value)
