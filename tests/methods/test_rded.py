"""rded: the easiest patches, in the paper's order."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.artifacts import encode_small


def test_a_collage_takes_ranks_ipc_apart(
    image_folder: Path, teacher_folder: Path, tmp_path: Path
) -> None:
    request = {"method": "rded", "teacher": str(teacher_folder), "quality": 100}
    collage = encode_small(
        image_folder, tmp_path / "c.ddz", ipc=2, options={"factor": "2"}, **request
    )
    assert collage.recipe.layout.grid == 2
    patches = np.stack([collage.table.patches(0, s) for s in range(2)])
    assert patches.shape == (2, 4, 8, 8, 3)
    image = collage.renderer().pictures([(0, 0)])[0]
    # Row-major cells of the picture are the slot's patches.
    assert (image[:8, 8:] == patches[0, 1]).all()
    assert (image[8:, :8] == patches[0, 2]).all()


def test_more_images_than_the_options_say_are_looked_at_if_needed(
    image_folder: Path, teacher_folder: Path, tmp_path: Path
) -> None:
    artifact = encode_small(
        image_folder,
        tmp_path / "a.ddz",
        method="rded",
        ipc=12,
        teacher=str(teacher_folder),
        options={"images": "2", "crops": "2"},
    )
    assert artifact.verify("pixels") == 36


def test_patches_are_chosen_for_coverage(
    image_folder: Path, teacher_folder: Path, tmp_path: Path
) -> None:
    request = {"method": "rded", "teacher": str(teacher_folder)}
    first, again, easiest = (
        encode_small(image_folder, tmp_path / file, options={"select": select}, **request)
        for file, select in (
            ("a.ddz", "submodular"),
            ("b.ddz", "submodular"),
            ("c.ddz", "easiest"),
        )
    )
    assert first.digest == again.digest != easiest.digest
    assert first.info["options"]["select"] == "submodular"
