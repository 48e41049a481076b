"""The quality of patches that fills a number of bytes, found from few encodes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ddcodec.codecs.mosaic_webp import MosaicWebp
from ddcodec.container import Box, NewSection
from ddcodec.encoding.patch_quality import Patches, fit_patches, stored_size

COUNT = 4


class Codec:
    """Mosaics whose bytes grow with the quality, and not evenly; it counts what is made."""

    def __init__(self, scale: int) -> None:
        self.scale, self.made = scale, set[int]()

    def __call__(self, quality: int) -> list[NewSection]:
        self.made.add(quality)
        each = self.scale * (10 + quality + quality**2 // 50)
        # Of a codec whose bytes are not compressed once more.
        spec = MosaicWebp(4, 4, 50).spec()
        return [NewSection("patches", spec, Box(i, 1), bytes(each)) for i in range(COUNT)]


@given(st.integers(1, 50), st.integers(100, 50_000), st.integers(1, 100))
def test_the_finest_quality_that_fits_is_found(scale: int, most: int, start: int) -> None:
    code = Codec(scale)
    found = fit_patches(code, most, start, exactly=True)
    fitting = [q for q in range(1, 101) if stored_size(Codec(scale)(q)) <= most]
    if not fitting:
        assert found is None
        return
    assert found is not None
    assert found.quality == fitting[-1]
    size = stored_size(found.sections(code))
    assert size <= most
    if found.quality < 100:  # one more of the finer mosaics would be too much
        assert found.finer < COUNT
        assert stored_size(found._replace(finer=found.finer + 1).sections(code)) > most


def test_a_few_encodes_are_enough_where_labels_take_the_rest() -> None:
    code = Codec(20)
    found = fit_patches(code, 6000, 28, exactly=False)
    assert found is not None
    assert 0.97 * 6000 <= stored_size(found.sections(code)) <= 6000
    assert len(code.made) <= 5


def test_the_first_mosaics_are_the_finer_ones() -> None:
    sizes = [len(section.raw) for section in Patches(9, 2).sections(Codec(1))]
    assert sizes == [22, 22, 20, 20]
