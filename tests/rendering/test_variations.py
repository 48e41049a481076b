"""Variations: a slot has several pictures, and each view shows the next of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import ddcodec
from ddcodec.artifact import Artifact
from ddcodec.codecs.pixel_digest import pixel_digest, slot_digest
from ddcodec.codecs.seed_list import SeedList
from ddcodec.container import Box, CopiedSection, NewSection, write_container
from ddcodec.randomness import variation_seeds
from ddcodec.recipe.view import View
from tests.artifacts import generated

ROWS = [(c, s) for c in range(2) for s in range(3)]


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """Six slots of three pictures in seven views."""
    folder = tmp_path_factory.mktemp("varied")
    return generated(folder / "v.ddz", views=7, variations=3, steps=1, guidance=(1, 1))


def plain(artifact: Artifact, out: Path) -> Artifact:
    """The same in views that change nothing."""
    recipe = replace(artifact.recipe, view=View())
    sections = [CopiedSection(artifact.reader, s, s.box) for s in artifact.sections]
    write_container(out, head=replace(artifact.head, recipe=recipe).to_map(), sections=sections)
    return ddcodec.open(out)


def test_view_v_shows_picture_v_modulo_their_number(artifact: Artifact, tmp_path: Path) -> None:
    renderer = plain(artifact, tmp_path / "plain.ddz").renderer()
    shown = [renderer.images(ROWS, view) for view in range(7)]
    for view in range(7):
        assert np.array_equal(shown[view], shown[view % 3])
    for one, other in ((0, 1), (1, 2), (0, 2)):
        assert all(not np.array_equal(a, b) for a, b in zip(shown[one], shown[other], strict=True))


def test_a_variation_is_the_picture_of_its_own_seed(artifact: Artifact, tmp_path: Path) -> None:
    """A slot whose stored seed is that of a variation shows that picture as its first."""
    renderer = artifact.renderer()
    second = renderer.pictures(ROWS, view=1)
    seeds = variation_seeds(artifact.table.seeds_of(np.array(ROWS)), 1).reshape(2, 3)
    codec = SeedList()
    others = [
        CopiedSection(artifact.reader, s, s.box)
        for s in artifact.sections
        if s.kind not in ("seeds", "pixels")
    ]
    stored = NewSection("seeds", codec.spec(), Box(0, 2), codec.encode(seeds))
    out = tmp_path / "reseeded.ddz"
    write_container(out, head=artifact.head.to_map(), sections=[*others, stored])
    assert np.array_equal(ddcodec.open(out).renderer().pictures(ROWS), second)


def test_pictures_do_not_depend_on_what_was_made_before(artifact: Artifact) -> None:
    fresh, used = artifact.renderer(), artifact.renderer()
    used.prefetch(ROWS, range(7))
    for view in (4, 2):
        assert np.array_equal(fresh.images(ROWS[2:4], view), used.images(ROWS, view)[2:4])


def test_a_digest_is_of_all_pictures_of_its_slot(artifact: Artifact) -> None:
    renderer = artifact.renderer()
    pictures = [renderer.pictures([(1, 2)], view)[0] for view in range(3)]
    assert renderer.digests([(1, 2)]) == [slot_digest(np.stack(pictures))]
    assert artifact.table.pixel_digest(1, 2) == slot_digest(np.stack(pictures))[:4]
    assert slot_digest(np.stack(pictures[::-1])) != slot_digest(np.stack(pictures))
    assert artifact.verify("pixels") == 6


def test_one_picture_has_the_digest_it_always_had(tmp_path: Path) -> None:
    single = generated(tmp_path / "one.ddz", steps=1, guidance=(1, 1))
    renderer = single.renderer()
    assert renderer.digests([(0, 1)]) == [pixel_digest(renderer.pictures([(0, 1)])[0])]


def test_slices_show_what_they_showed(artifact: Artifact, tmp_path: Path) -> None:
    whole = artifact.renderer()
    part = artifact.subset(tmp_path / "part.ddz", classes=["dog"], ipc=2, views=5)
    assert (part.recipe.views, part.recipe.variations) == (5, 3)
    renderer = part.renderer()
    for view in range(5):
        rows = [(1, 0), (1, 1)]
        assert np.array_equal(renderer.images(rows, view), whole.images(rows, view))
    assert part.verify("pixels", renderer=renderer) == 2
    # Fewer views than variations: the pictures that remain are the same.
    few = artifact.subset(tmp_path / "few.ddz", views=2)
    assert np.array_equal(few.renderer().images(ROWS, 1), whole.images(ROWS, 1))


def test_epochs_of_a_dataset_show_fresh_pictures(artifact: Artifact) -> None:
    data = artifact.dataset()
    data.set_epoch(0)
    first = data[0][0]
    data.set_epoch(4)
    again = data[0][0]
    assert data.view == 4 and not np.array_equal(first, again)
    data.set_epoch(7)
    assert data.view == 0 and np.array_equal(first, data[0][0])
