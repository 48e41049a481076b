"""Shared by the entropy coder's tests: the tables at hand."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="package", autouse=True)
def tables_at_hand() -> None:
    """Make what is made once: hypothesis would take it for an example that is slow by chance."""
    from ddcodec.entropy.tables import TABLES, lookup
    from tools.conformance.reference import entropy as reference

    lookup()
    for table in range(TABLES):
        reference.slots(table)
