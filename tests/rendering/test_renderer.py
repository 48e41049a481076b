"""Generated pictures: the same bytes in any company, and a clear word where they are not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import ddcodec
from ddcodec.arrays import Row, UInt8s
from ddcodec.artifact import Artifact
from ddcodec.codecs.pixel_digest import PixelDigests
from ddcodec.container import CopiedSection, NewSection, write_container
from ddcodec.errors import ModelMismatchError, PixelDriftError
from ddcodec.prior.load import fingerprint
from ddcodec.recipe.synthesis import Text2Image
from ddcodec.table.draws import draw_rows
from ddcodec.table.table import Table
from tests.artifacts import encode_small, generated, rewritten

ROWS = [(c, s) for c in range(2) for s in range(3)]


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    return generated(tmp_path_factory.mktemp("generated") / "exact.ddz")


def altered(artifact: Artifact, out: Path, rows: Sequence[int]) -> Artifact:
    """The artifact with other pixel digests for some of its six pictures."""
    section = next(s for s in artifact.sections if s.kind == "pixels")
    digests = np.stack([artifact.table.pixel_digest(*row) for row in ROWS])
    values = np.array([np.frombuffer(d, np.uint8) for d in digests.tolist()])
    values[list(rows)] ^= 1
    raw = PixelDigests(4).encode(values.reshape(2, 3, 4))
    kept = [CopiedSection(artifact.reader, s, s.box) for s in artifact.sections if s is not section]
    new = NewSection("pixels", section.codec, section.box, raw, section.flags)
    head = artifact.head.to_map()
    write_container(out, head=head, sections=[*kept, new], info=artifact.info)
    return ddcodec.open(out)


def test_exact_pictures_do_not_depend_on_how_they_are_asked_for(artifact: Artifact) -> None:
    together = dict(zip(ROWS, artifact.renderer().pictures(ROWS), strict=True))
    mixed = [ROWS[i] for i in (4, 0, 5, 2, 1, 3)]
    for size in (1, 2, 4, 6):
        renderer = artifact.renderer()
        for start in range(0, 6, size):
            chunk = mixed[start : start + size]
            for row, picture in zip(chunk, renderer.pictures(chunk), strict=True):
                assert np.array_equal(picture, together[row])


def test_views_and_slices_of_an_exact_artifact_are_the_same_bytes(
    artifact: Artifact, tmp_path: Path
) -> None:
    whole = artifact.renderer().images(ROWS, 1)
    part = artifact.subset(tmp_path / "part.ddz", classes=["dog"], ipc=2)
    assert part.verify("pixels") == 2
    assert np.array_equal(part.renderer().images([(1, 0), (1, 1)], 1), whole[3:5])


@pytest.mark.parametrize("backend", ["float32", "float64"])
def test_another_back_end_makes_the_pictures_of_the_file(
    artifact: Artifact, monkeypatch: pytest.MonkeyPatch, backend: str
) -> None:
    monkeypatch.setenv("DDCODEC_BACKEND", backend)
    renderer = artifact.renderer()
    assert renderer.execution is None
    assert artifact.verify("pixels", renderer=renderer) == 6
    assert renderer.execution == ("w8a15", backend)


@pytest.mark.parametrize("profile", ["w8a8", "w15a15", "float"])
def test_every_profile_verifies_and_draws_its_own_pictures(
    artifact: Artifact, tmp_path: Path, profile: str
) -> None:
    other = generated(tmp_path / "other.ddz", profile=profile)
    renderer = other.renderer()
    assert other.verify("pixels", renderer=renderer) == 6
    assert renderer.execution is not None and renderer.execution.profile == profile
    assert not np.array_equal(renderer.pictures(ROWS), artifact.renderer().pictures(ROWS))


def test_cells_of_a_generated_collage_are_exact_too(tmp_path: Path) -> None:
    quarters = generated(tmp_path / "grid.ddz", grid=2)
    assert quarters.recipe.generated_per_class == 1
    assert quarters.verify("pixels", sample=3) == 3


def test_a_drifted_picture_of_an_exact_profile_is_a_bug(artifact: Artifact, tmp_path: Path) -> None:
    broken = altered(artifact, tmp_path / "x.ddz", [1, 5])
    with pytest.raises(PixelDriftError) as caught:
        broken.verify("pixels")
    said = str(caught.value)
    assert said.startswith("2 of 6 pictures differ from the stored pixel digests: cat/1, dog/2.")
    assert "Profile w8a15 promises these bytes on every machine" in said
    assert "a bug or a damaged installation" in said
    renderer = broken.renderer()
    renderer.pictures([(0, 0)])
    assert renderer.execution is not None and f"back end {renderer.execution.backend}" in said


def test_a_drifted_picture_of_the_float_profile_names_both_environments(tmp_path: Path) -> None:
    made = {"torch": "1.0", "machine": "abacus"}
    whole = generated(tmp_path / "float.ddz", profile="float", environment=made)
    with pytest.raises(PixelDriftError) as caught:
        altered(whole, tmp_path / "x.ddz", [0]).verify("pixels")
    said = str(caught.value)
    assert "1 of 6 pictures" in said and "cat/0" in said
    assert "made under machine abacus, torch 1.0; this is torch" in said
    assert f"machine {fingerprint()['machine']}" in said


def test_a_sample_is_spread_and_finds_what_it_looks_at(artifact: Artifact, tmp_path: Path) -> None:
    assert artifact.verify("pixels", sample=2) == 2
    assert artifact.verify("pixels", sample=100) == 6
    broken = altered(artifact, tmp_path / "x.ddz", range(6))
    with pytest.raises(PixelDriftError, match=r"2 of 2 pictures differ .*: cat/\d, dog/\d\."):
        broken.verify("pixels", sample=2)


def test_other_integer_weights_are_refused_in_words(artifact: Artifact, tmp_path: Path) -> None:
    synthesis = artifact.recipe.synthesis
    assert isinstance(synthesis, Text2Image)
    recipe = replace(artifact.recipe, synthesis=replace(synthesis, weights=bytes(32)))
    head = replace(artifact.head, recipe=recipe).to_map()
    other = ddcodec.open(rewritten(artifact, tmp_path / "other.ddz", head))
    with pytest.raises(ModelMismatchError, match=r"integer weights of profile w8a15 differ"):
        other.verify("pixels")
    assert other.verify("digest") == 0


def test_a_partner_of_which_no_pixel_shows_need_not_be_there(
    image_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Boxes of a small area may be empty; other readers never ask for their partners."""
    artifact = encode_small(image_folder, tmp_path / "a.ddz", view="flip+cutmix", views=300)
    rows = [(c, slot) for c in range(3) for slot in range(4)]
    row, view = next(
        (row, view)
        for view in range(1, 300)
        for row, partner, mixed in zip(rows, *_partners(artifact, rows, view), strict=True)
        if partner != row[0] and not mixed
    )
    whole, patches = artifact.renderer().images([row], view), Table.patches

    def of_one_class(self: Table, class_index: int, slot: int) -> UInt8s:
        assert class_index == row[0], "the partner's picture was asked for"
        return patches(self, class_index, slot)

    monkeypatch.setattr(Table, "patches", of_one_class)
    np.testing.assert_array_equal(artifact.renderer().images([row], view), whole)


def _partners(artifact: Artifact, rows: list[Row], view: int) -> tuple[list[int], list[bool]]:
    drawn, partners = draw_rows(artifact.table, rows, view)
    assert partners is not None
    return partners[:, 0].tolist(), drawn.mixed.tolist()
