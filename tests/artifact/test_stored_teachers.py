"""What people are told of a stored teacher."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from ddcodec.artifact.summary import describe_labels, stored_teachers
from ddcodec.container import Box, CodecSpec, Section


def section(index: int, stored: int) -> Section:
    params = {"arch": "convnet3", "bits": 6, "classes": 10, "side": 32}
    codec = CodecSpec("teacher-weights", 1, "zstd", params)
    return Section(index, "teacher", 0, codec, Box(0, 10), stored, 999, 0, 64)


def table(*teachers: Section, labels: int) -> Any:
    """As much of a table as a summary looks at."""
    kind = SimpleNamespace(kind="teacher", soft=True, temperature=(4, 1))
    recipe = SimpleNamespace(labels=kind, ipc=labels, views=1)
    return SimpleNamespace(
        head=SimpleNamespace(recipe=recipe, row_classes=(0,)),
        reader=SimpleNamespace(info={}, sections=teachers),
        sections=lambda _: teachers,
    )


def test_it_is_called_what_it_is_and_compared_with_stored_labels() -> None:
    first, second, _ = describe_labels(table(section(0, 1000), labels=300))
    assert first.startswith("computed by a stored teacher, convnet3 at 6 bits, 1,000 bytes, exact")
    assert second == (
        "larger than stored labels would be at 1 byte each: it pays from 1,001 labels on, this "
        "table has 300"
    )
    same, smaller, _ = describe_labels(table(section(0, 1000), labels=1001))
    assert same == first and smaller.startswith("smaller than")


def test_several_teachers_count_together() -> None:
    *each, last, _ = describe_labels(table(section(0, 1000), section(1, 2000), labels=10))
    assert len(each) == 2 and "from 3,001 labels" in last


def test_the_same_in_figures() -> None:
    found = stored_teachers(table(section(0, 1000), labels=1))
    assert [teacher.to_map() for teacher in found] == [
        {
            "arch": "convnet3",
            "bits": 6,
            "stored": 1000,
            "reference_bytes_per_label": 1,
            "break_even_labels": 1001,
        }
    ]
