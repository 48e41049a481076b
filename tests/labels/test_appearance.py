"""Appearances of rows: the same in any company; partners only where they show."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import ddcodec
from ddcodec.artifact import Artifact
from ddcodec.labels.appearance import appearances
from ddcodec.labels.features import ONE, FeatureSet
from tools.conformance.vectors.labels import MAKER

WHICH = FeatureSet(2, 2, 1)
ROWS = np.array([(c, s) for c in range(4) for s in range(3)], np.intp)


@pytest.fixture
def mixing() -> Iterator[Artifact]:
    with ddcodec.open(MAKER.folder / "y_cutmix.ddz") as artifact:
        yield artifact


def test_each_row_may_have_its_own_view(mixing: Artifact) -> None:
    views = np.arange(len(ROWS)) % mixing.recipe.views
    together = appearances(mixing.table, WHICH, ROWS, views)
    for n, view in enumerate(views.tolist()):
        alone = appearances(mixing.table, WHICH, ROWS[n : n + 1], view)
        for whole, one in zip(together, alone, strict=True):
            assert whole.fields[n] == one.fields[0]
            assert whole.features[n].tolist() == one.features[0].tolist()


def test_shares_of_a_view_add_up(mixing: Artifact) -> None:
    for view in range(mixing.recipe.views):
        own, partner = appearances(mixing.table, WHICH, ROWS, view)
        assert (own.fields == ROWS[:, 0] * 3 + ROWS[:, 1]).all()
        # Each is rounded down.
        total = own.features[:, 0] + partner.features[:, 0]
        assert ((total >= ONE - 2) & (total <= ONE)).all()


def test_the_row_stands_in_for_a_partner_that_does_not_show(mixing: Artifact) -> None:
    own, partner = appearances(mixing.table, WHICH, ROWS, 0)
    assert (own.features[:, 0] == ONE).all()
    assert not partner.features.any()
    assert (partner.fields == own.fields).all()
