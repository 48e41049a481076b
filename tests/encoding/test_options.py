"""The options of an encode are one dataclass: checked at once, the Python API, the job key."""

from __future__ import annotations

import inspect
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import torch

import ddcodec
from ddcodec.encoding.options import EncodeOptions
from ddcodec.errors import RequestError


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"labels": "sfot"}, "labels='sfot' is not allowed: it must be one of soft, hard, teacher"),
        ({"size": 0}, r"size=0 is not allowed.*1\.\.8192"),
        ({"size": -4}, "size=-4"),
        ({"size": (32, 0)}, r"size=\(32, 0\)"),
        ({"size": 9000}, r"1\.\.8192"),
        ({"size": "32"}, "size='32'"),
        ({"ipc": "3"}, "ipc='3' is not allowed: it must be an integer"),
        ({"ipc": True}, "ipc=True"),
        ({"seed": 1.5}, "seed=1.5 is not allowed: it must be an integer"),
        ({"seed": 1 << 64}, "seed="),
        ({"patch_codec": "png", "quality": 9}, "png', which loses nothing"),
        ({"mosaics": "slot"}, "one of class, all"),
        ({"quality": 0}, r"quality=0 is not allowed: it must be an integer 1\.\.100"),
        ({"views": 1 << 25}, r"views=33554432 is not allowed: it must be an integer 1\.\.2\^24"),
        ({"view": "crop+warp"}, "view 'crop.warp' is not auto"),
        ({"method": "magic"}, "unknown method 'magic'; known: coreset, d3m, d4m, el2n, expand"),
        ({"options": {"steps": 1}}, "method random has no option 'steps'"),
        ({"profile": "w4a4"}, "profile='w4a4'"),
        ({"teacher_bits": 9}, r"3\.\.8"),
        ({"label_temperature": "warm"}, "label_temperature='warm'"),
        ({"label_temperature": 2000}, "label_temperature=2000"),
        ({"label_layers": "all"}, "label_layers='all'"),
        ({"label_quality": 2.0}, "label_quality=2.0"),
        ({"label_bytes": 9, "label_layers": "class"}, "no budget"),
        ({"teacher": None}, "teacher=None"),
        ({"teacher": torch.nn.Linear(3, 2)}, r"give teacher=ddcodec.Teacher.from_module"),
        ({"device": 1}, "device=1"),
    ],
    ids=str,
)
def test_every_value_is_checked_before_anything_is_done(
    wrong: dict[str, Any], says: str, tmp_path: Path
) -> None:
    with pytest.raises(RequestError, match=says):
        EncodeOptions(**{"method": "random", **wrong})
    # The source is not even looked for.
    with pytest.raises(RequestError, match=says):
        ddcodec.encode(tmp_path / "nowhere", tmp_path / "a.ddz", **{"method": "random", **wrong})


def test_encode_has_the_signature_of_its_options() -> None:
    names = list(inspect.signature(ddcodec.encode).parameters)
    assert names == ["src", "out", *(f.name for f in fields(EncodeOptions))]
    with pytest.raises(TypeError, match="ipcs"):
        ddcodec.encode("src", "out", method="random", ipcs=3)  # type: ignore[call-arg]


def test_a_fraction_may_be_given_in_any_form() -> None:
    for value in ("5/2", 2.5, (5, 2), (10, 4)):
        assert EncodeOptions(method="random", label_temperature=value).temperature == (5, 2)


def test_paths_may_be_paths() -> None:
    assert EncodeOptions(method="random", teacher=Path("a/t")).teacher == "a/t"  # type: ignore[arg-type]


def test_the_key_of_a_job_leaves_out_places_and_coding() -> None:
    def key(**changes: Any) -> dict[str, Any]:
        return EncodeOptions(**{"method": "d3m", **changes}).job_key()

    plain = key()
    for same in (
        {"teacher": "b/t"},
        {"prior": "b/tiny"},
        {"label_quality": 0.05},
        {"label_layers": "class"},
        {"work": "w"},
        {"force": True},
        {"options": {"steps": "400"}},
    ):
        assert key(**same) == plain
    for other in ({"seed": 1}, {"device": "cuda"}, {"options": {"steps": 9}}, {"profile": "float"}):
        assert key(**other) != plain
