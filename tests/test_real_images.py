"""The path on photographs: CIFAR-10 where the machine has it, see the ``cifar10`` fixture."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import ddcodec
from ddcodec.sources.folder import scan
from ddcodec.sources.source import load_images


def test_stored_photographs_come_back_as_they_were_but_for_the_codec(
    cifar10: Path, tmp_path: Path
) -> None:
    source = scan(cifar10)
    assert len(source.classes) == 10 and source.classes[0] == "airplane"
    assert source.native_size() == (32, 32)
    path = tmp_path / "c10.ddz"
    result = ddcodec.encode(
        cifar10, path, method="random", labels="hard", ipc=2, views=1, quality=90
    )
    assert result.warnings == ()
    with ddcodec.open(path) as artifact:
        assert artifact.verify("pixels") == 20
        assert artifact.classes == source.classes
        for class_index in (0, 9):
            originals, _ = load_images(source, (32, 32), classes=[class_index])
            rows = [(class_index, slot) for slot in range(2)]
            for picture in artifact.renderer().pictures(rows):
                distance = np.abs(originals.astype(int) - picture.astype(int)).mean((1, 2, 3))
                nearest, next_nearest = np.sort(distance)[:2]
                # WebP at quality 90 with halved chroma; another photograph is far away.
                assert nearest < 12 and nearest < next_nearest / 2
