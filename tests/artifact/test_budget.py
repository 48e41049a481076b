from __future__ import annotations

from pathlib import Path

from ddcodec.artifact import SizeNode
from ddcodec.artifact.budget import parts_of, pieces_of, purposes
from tests.artifacts import encode_small


def node(name: str, stored: int, *children: SizeNode) -> SizeNode:
    return SizeNode(name, stored, stored, 4 * stored, children)


TOTAL = node(
    "file",
    100,
    node("labels", 20, node("innovations", 15), node("fields", 5)),
    node("patches", 70, node("mosaic-webp v1", 70)),
    node("container", 6),
    node("pixels", 4, node("pixel-digest v1", 4)),
)


def test_pieces_of_a_bar_keep_their_colours_and_sum_to_the_file() -> None:
    pieces = pieces_of(TOTAL)
    assert [(p.name, p.colour, p.text) for p in pieces] == [
        ("pictures", 0, "70 %"),
        ("labels", 1, "20 %"),
        ("header", 4, ""),
        ("pixel digests", 5, ""),
    ]
    assert sum(p.share for p in pieces) == 1


def test_a_part_of_one_codec_takes_one_line() -> None:
    lines = parts_of(TOTAL, {"patches": "pictures of things"})
    assert [line.name for line in lines] == [
        "pictures",
        "labels",
        "innovations",
        "fields",
        "header",
        "pixel digests",
    ]
    assert lines[0].buys == "pictures of things"
    assert lines[0].ratio == "4.0"


def test_every_part_of_a_file_says_what_it_buys(image_folder: Path, tmp_path: Path) -> None:
    with encode_small(image_folder, tmp_path / "a.ddz") as artifact:
        buys, sizes = purposes(artifact), artifact.sizes()
    assert buys.keys() == {child.name for child in sizes.children}
    stored = next(child.stored for child in sizes.children if child.name == "patches")
    assert buys["patches"] == f"12 pictures of 16 x 16 px: {stored / 12:.1f} B per picture"
    assert buys["labels"].startswith("36 labels, one of every view: ")
