"""Artifacts of image2image: what each picture starts from, in any company and any slice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import ddcodec
from ddcodec.artifact import Artifact
from ddcodec.codecs.quantised_latents import QuantisedLatents, quantise
from ddcodec.container import Box, CopiedSection, NewSection, write_container
from ddcodec.errors import DecodeError, HeaderError
from ddcodec.prior.load import load_prior
from ddcodec.prior.partial_schedule import PartialSchedule
from ddcodec.randomness import mixup_partners, variation_seeds
from ddcodec.recipe.synthesis import BASES, Image2Image
from ddcodec.rendering.image2image import image2image, mix_latents, patch_latents
from tests.artifacts import redrawn

ROWS = [(c, s) for c in range(2) for s in range(3)]
EACH = pytest.mark.parametrize("base", BASES)
Make = Callable[[str], Artifact]


@pytest.fixture(scope="module")
def of(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Artifacts of a base with mixup, two variations and four patches in an image."""
    folder, made = tmp_path_factory.mktemp("redrawn"), {}

    def make(base: str) -> Artifact:
        if base not in made:
            path = folder / f"{base}.ddz"
            made[base] = redrawn(path, base, share=(2, 3), variations=2, grid=2)
        return made[base]

    return make


@EACH
def test_pictures_do_not_depend_on_how_they_are_asked_for(of: Make, base: str) -> None:
    artifact = of(base)
    assert artifact.verify("pixels") == 6
    whole, alone = artifact.renderer(), artifact.renderer()
    together = [whole.images(ROWS, view) for view in (2, 3)]
    for view, row in ((3, 5), (2, 4), (3, 0)):
        assert np.array_equal(alone.images([ROWS[row]], view)[0], together[view - 2][row])


@EACH
@pytest.mark.parametrize("profile", ["w8a15", "float"])
def test_a_picture_is_its_latent_redrawn_with_its_seed(
    tmp_path: Path, base: str, profile: str
) -> None:
    artifact = redrawn(tmp_path / "one.ddz", base, share=(1, 2), profile=profile, variations=2)
    table, synthesis = artifact.table, artifact.recipe.synthesis
    assert isinstance(synthesis, Image2Image)
    prior = load_prior("tiny", profile=profile, batch=4)
    if base == "patches":
        patches = np.concatenate([table.patches(1, s) for s in range(3)])
        latents = patch_latents(prior, patches, (16, 16))
    else:
        import torch

        latents = torch.from_numpy(np.concatenate([table.latents(1, s) for s in range(3)]))
    seeds = variation_seeds(table.seeds(1), 1)
    partners = mixup_partners(seeds, np.arange(3)).tolist()
    made = image2image(
        prior,
        mix_latents(latents, latents[partners], (1, 2)),
        prior.prompt(["A photo of puppy"] * 3),
        None,
        seeds,
        PartialSchedule.from_bits(synthesis.signal, table.schedule()),
        (1, 1),
    )
    shown = artifact.renderer().pictures([(1, s) for s in range(3)], view=1)
    assert np.array_equal(shown, made)


def test_partners_are_the_picture_itself_or_earlier_ones() -> None:
    seeds, numbers = np.arange(600, dtype=np.uint64), np.arange(600) % 6
    partners = mixup_partners(seeds, numbers)
    assert (partners <= numbers).all() and partners.min() == 0
    assert sorted(set(partners[numbers == 5].tolist())) == list(range(6))


@EACH
def test_slices_and_their_union_are_the_same_bytes(of: Make, base: str, tmp_path: Path) -> None:
    artifact = of(base)
    images = artifact.renderer().images(ROWS, 1)
    part = artifact.subset(tmp_path / "ipc.ddz", ipc=2, views=2)
    assert part.verify("pixels") == 4
    chosen = [(c, s) for c in range(2) for s in range(2)]
    assert np.array_equal(part.renderer().images(chosen, 1), images[[0, 1, 3, 4]])
    halves = [
        artifact.subset(tmp_path / f"{name}.ddz", classes=[name]) for name in artifact.head.classes
    ]
    ddcodec.merge(halves, tmp_path / "both.ddz")
    both = ddcodec.open(tmp_path / "both.ddz")
    assert both.verify("pixels") == 6
    assert np.array_equal(both.renderer().images(ROWS, 1), images)


def test_stored_latents_are_shown_beside_their_plain_size(of: Make) -> None:
    node = next(n for n in of("latents").sizes().children if n.name == "latents")
    assert node.plain == 2 * 2 * 3 * 4 * (8 * 4 * 4)
    assert 0 < node.stored < node.plain / 2


@EACH
def test_what_pictures_start_from_must_be_there(of: Make, base: str, tmp_path: Path) -> None:
    artifact = of(base)
    kept = [CopiedSection(artifact.reader, s, s.box) for s in artifact.sections if s.kind != base]
    write_container(tmp_path / "without.ddz", head=artifact.head.to_map(), sections=kept)
    with pytest.raises(HeaderError, match=f"{base} of class 'cat', slot 0 are missing"):
        ddcodec.open(tmp_path / "without.ddz").verify("structure")


def test_sections_of_the_other_base_have_no_use(of: Make, tmp_path: Path) -> None:
    patches, latents = of("patches"), of("latents")
    added = next(s for s in latents.sections if s.kind == "latents")
    both = [CopiedSection(patches.reader, s, s.box) for s in patches.sections]
    extra = CopiedSection(latents.reader, added, added.box)
    write_container(tmp_path / "x.ddz", head=patches.head.to_map(), sections=[*both, extra])
    with pytest.raises(HeaderError, match="a latents section, which a recipe"):
        ddcodec.open(tmp_path / "x.ddz").verify("structure")


def test_latents_of_another_size_are_refused(of: Make, tmp_path: Path) -> None:
    artifact = of("latents")
    codec = QuantisedLatents(8, 8, 8)
    values = quantise(np.zeros((2, 3, 4, 8, 8, 8), np.float32), np.ones(8, np.float32))
    kept = [
        CopiedSection(artifact.reader, s, s.box) for s in artifact.sections if s.kind != "latents"
    ]
    large = NewSection("latents", codec.spec(), Box(0, 2), codec.encode(values))
    write_container(tmp_path / "x.ddz", head=artifact.head.to_map(), sections=[*kept, large])
    with pytest.raises(DecodeError, match=r"shape \(8, 8, 8\) are not the prior's"):
        ddcodec.open(tmp_path / "x.ddz").renderer().pictures(ROWS[:1])
