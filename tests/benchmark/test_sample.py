"""The sample is what an encode by method random stores, in a file of the same size."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import ddcodec
from ddcodec.benchmark.sample import Sample
from ddcodec.methods.patch_mosaics import PatchCoding


def test_an_encode_stores_the_same_pictures_in_as_many_bytes(
    sample: Sample, image_folder: Path, tmp_path: Path
) -> None:
    sample.write(tmp_path / "sample.ddz", PatchCoding("png"))
    words = {"labels": "hard", "views": 1, "patch_codec": "png", "omit_provenance": True}
    ddcodec.encode(image_folder, tmp_path / "a.ddz", method="random", ipc=4, **words)  # type: ignore[arg-type]
    made, encoded = ddcodec.open(tmp_path / "sample.ddz"), ddcodec.open(tmp_path / "a.ddz")
    made.verify()
    for kind in ("patches", "seeds", "pixels", "labels"):
        ours, theirs = (one.table.sections(kind) for one in (made, encoded))
        assert [made.reader.read_raw(s) for s in ours] == [
            encoded.reader.read_raw(s) for s in theirs
        ]
    # Only the input statistics are of other pictures.
    assert abs(made.file_len - encoded.file_len) <= 12
    rows = made.head.all_rows
    assert np.array_equal(made.renderer().pictures(rows), sample.pictures)
