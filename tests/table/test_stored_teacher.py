"""A stored teacher fits the classes and pictures of its origin, or both readers refuse it."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tools.conformance.fuzz import VECTORS
from tools.conformance.reference.container import read_header
from tools.conformance.reference.refusal import Refused
from tools.conformance.reference.table import check_table


@pytest.fixture
def header() -> dict[str, Any]:
    return read_header((VECTORS / "datasets" / "y_stored_teacher.ddz").read_bytes())


def test_the_second_reader_takes_a_teacher_of_these_pictures_alone(header: dict[str, Any]) -> None:
    check_table(header)
    for name, message in (("side", "another size"), ("classes", "other classes")):
        other = copy.deepcopy(header)
        (teacher,) = (c for c in other["index"]["codecs"] if c["name"] == "teacher-weights")
        teacher["params"][name] += 1
        with pytest.raises(Refused, match=message):
            check_table(other)
