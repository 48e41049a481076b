"""Shared by the entropy coder's tests: the tools folder on the path, the tables at hand."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))


@pytest.fixture(scope="package", autouse=True)
def tables_at_hand() -> None:
    """Make what is made once: hypothesis would take it for an example that is slow by chance."""
    import read_entropy

    from ddcodec.entropy.tables import TABLES, lookup

    lookup()
    for table in range(TABLES):
        read_entropy.slots(table)
