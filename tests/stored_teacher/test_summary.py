"""What people are told of a stored teacher."""

from __future__ import annotations

from ddcodec.container import Box, CodecSpec, Section
from ddcodec.stored_teacher.summary import in_words, summaries


def section(index: int, stored: int, kind: str = "teacher") -> Section:
    params = {"arch": "convnet3", "bits": 6, "classes": 10, "side": 32}
    codec = CodecSpec("teacher-weights", 1, "zstd", params)
    return Section(index, kind, 0, codec, Box(0, 10), stored, 999, 0, 64)


def test_it_is_called_what_it_is_and_compared_with_stored_labels() -> None:
    first, second = in_words([section(0, 1000), section(1, 5, "seeds")], 300)
    assert first.startswith("computed by a stored teacher, convnet3 at 6 bits, 1,000 bytes, exact")
    assert second == (
        "larger than stored labels would be at 1 byte each: it pays from 1,001 labels on, this "
        "table has 300"
    )
    assert next(iter(in_words([section(0, 1000)], 1001))) == first
    assert list(in_words([section(0, 1000)], 1001))[1].startswith("smaller than")


def test_several_teachers_count_together() -> None:
    *each, last = in_words([section(0, 1000), section(1, 2000)], 10)
    assert len(each) == 2 and "from 3,001 labels" in last


def test_stored_labels_need_no_words() -> None:
    assert list(in_words([section(0, 9, "labels")], 10)) == []


def test_the_same_in_figures() -> None:
    assert [found.to_map() for found in summaries([section(0, 1000)])] == [
        {
            "arch": "convnet3",
            "bits": 6,
            "bytes": 1000,
            "reference_bytes_a_label": 1,
            "break_even_labels": 1001,
        }
    ]
