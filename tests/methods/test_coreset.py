"""coreset: the patches of rded, chosen for coverage."""

from __future__ import annotations

from pathlib import Path

from ddcodec.artifact import Artifact
from tests.artifacts import encode_small


def made(source: Path, out: Path, teacher: Path, method: str = "coreset", **more: str) -> Artifact:
    options = {"crops": "2", **more}
    return encode_small(source, out, method=method, teacher=str(teacher), options=options)


def test_each_choice_is_another_and_is_repeated(
    image_folder: Path, teacher_folder: Path, tmp_path: Path
) -> None:
    digests = set()
    for select in ("submodular", "k-center", "herding", "easiest"):
        first, again = (
            made(image_folder, tmp_path / f"{select}{n}.ddz", teacher_folder, select=select)
            for n in range(2)
        )
        assert first.digest == again.digest
        assert first.verify("pixels") == 12
        digests.add(first.digest)
    assert len(digests) == 4


def test_the_default_is_what_rded_calls_submodular(
    image_folder: Path, teacher_folder: Path, tmp_path: Path
) -> None:
    coreset = made(image_folder, tmp_path / "c.ddz", teacher_folder)
    rded = made(image_folder, tmp_path / "r.ddz", teacher_folder, "rded", select="submodular")
    assert coreset.digest == rded.digest
    assert (coreset.info["method"], coreset.info["options"]["select"]) == ("coreset", "submodular")
    assert coreset.info["options"]["images"] == "auto"
