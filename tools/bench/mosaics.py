"""Other codecs of whole mosaics beside ours: bytes per picture and PSNR at each quality.

    python -m tools.bench.mosaics cifar10/train --per-class 25

One mosaic of all classes, as AV1 in ours (planes Y, Co, Cg as one grey picture) and as AVIF usually
is (colour at whole and at half resolution); as JPEG XL, where `pillow-jxl-plugin` is installed; and
as pictures of few colours each, their indices as lossless WebP and three bytes for each colour.
"""

from __future__ import annotations

import importlib
import io
import math
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import click
import numpy as np
from PIL import Image

from ddcodec.arrays import UInt8s
from ddcodec.codecs.mosaic import grid
from ddcodec.methods.patch_mosaics import PatchCoding
from ddcodec.sources.folder import scan

Row = tuple[str, float, float]
"""What it is, bytes per picture, PSNR in dB."""


@click.command()
@click.argument("source", type=click.Path(path_type=Path))
@click.option("--per-class", default=25, show_default=True)
@click.option("--size", type=int)
def main(source: Path, per_class: int, size: int | None) -> None:
    """Print a table."""
    folder = scan(source)
    shape = (size, size) if size else folder.native_size()
    pictures = np.stack(
        [
            folder.read(c, i, shape)[0]
            for c, count in enumerate(folder.counts)
            for i in islice(range(count), per_class)
        ]
    )
    for what, size_each, quality in (*ours(pictures), *files(pictures), *palettes(pictures)):
        print(f"{what:<24} {size_each:8.1f} bytes  {quality:5.2f} dB")


def ours(pictures: UInt8s) -> Iterator[Row]:
    height, width = pictures.shape[1:3]
    for quality in (15, 20, 28, 35, 45):
        codec = PatchCoding("avif", quality).mosaic(width, height)
        raw = codec.encode(pictures)
        shown = codec.decode(raw, pictures.shape)
        yield f"ours {quality}", len(raw) / len(pictures), psnr(shown, pictures)


def files(pictures: UInt8s) -> Iterator[Row]:
    """As files of formats that Pillow writes."""
    whole = tiled(pictures)
    formats = [("AVIF", {"speed": 3, "subsampling": colour}) for colour in ("4:4:4", "4:2:0")]
    try:
        importlib.import_module("pillow_jxl")
        formats.append(("JXL", {"effort": 9}))
    except ImportError:
        print("JPEG XL is left out: pip install pillow-jxl-plugin")
    for name, options in formats:
        for quality in (20, 28, 35, 45, 60, 75):
            file = io.BytesIO()
            Image.fromarray(whole).save(file, name, quality=quality, **options)
            shown = np.asarray(Image.open(io.BytesIO(file.getvalue())).convert("RGB"))
            what = f"{name} {options.get('subsampling', '')} {quality}"
            yield what, len(file.getvalue()) / len(pictures), psnr(shown, whole)


def palettes(pictures: UInt8s) -> Iterator[Row]:
    """Each picture in a few colours of its own."""
    for colours in (2, 4, 8, 16):
        coarse = [
            Image.fromarray(p).quantize(
                colours, Image.Quantize.MEDIANCUT, kmeans=3, dither=Image.Dither.NONE
            )
            for p in pictures
        ]
        indices = np.stack([np.asarray(picture) for picture in coarse])
        shown = np.stack([np.asarray(picture.convert("RGB")) for picture in coarse])
        file = io.BytesIO()
        grey = tiled(np.repeat(indices[..., None], 3, axis=-1))
        Image.fromarray(grey).save(file, "WEBP", lossless=True, method=6)
        each = len(file.getvalue()) / len(pictures) + 3 * colours
        yield f"{colours} colours", each, psnr(shown, pictures)


def tiled(pictures: UInt8s) -> UInt8s:
    """uint8 [h, w, 3]: a mosaic; blank cells at the end repeat the last picture."""
    count, height, width, _ = pictures.shape
    columns, rows = grid(count)
    cells = np.empty((rows * columns, height, width, 3), np.uint8)
    cells[:count], cells[count:] = pictures, pictures[-1]
    whole = cells.reshape(rows, columns, height, width, 3).swapaxes(1, 2)
    return np.ascontiguousarray(whole.reshape(rows * height, columns * width, 3))


def psnr(shown: UInt8s, meant: UInt8s) -> float:
    error = np.mean((shown.astype(np.float64) - meant) ** 2)
    return 10 * math.log10(255**2 / error)


if __name__ == "__main__":
    main()
