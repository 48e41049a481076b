"""A lossy WebP of three patches of 8 x 6 pixels, and the pixels that it decodes to.

libwebp 1.6 made the bytes at quality 60, once, of patches whose pixel in row y, column x of patch i
is (60 i + 10 x, 200 - 20 y - 5 x, 30 + 25 y + 30 i); an encoder need not make them again. Versions
1.2.4 and 1.6.0 of libwebp decode them to these pixels.
"""

from __future__ import annotations

from tools.conformance.reference.arrays import nest

SHAPE = (3, 6, 8, 3)
RAW = bytes.fromhex(
    "524946465600000057454250565038204a000000f001009d012a10000c0002804225b0027447ff81e7f52100"
    "00fe786c6cc938f62e04dc588996a006df3ff749550c7dff7a4aa8fdfbd7b9ac47e3d117fc2dbda5e2fb23a7"
    "614e5a3f1800"
)
PIXELS = nest(
    bytes.fromhex(
        "11bc3c16ba3c21b43c2cae3c3aa73c46a13c4f9c3c4e9d3c0ab0420fae4219a94226a342329c423f96424991"
        "42459242009e52059c520f97521a9152288a523584523f7f523a8152008d6a038a6a0d856a1a7f6a28786a33"
        "726a3d6d6a3a6f6a0779870c7687157287226b872f65873c5e87455987445a87116e73166b732166732c6073"
        "3b597346537353507556527857ba5254bb525cb75265b25270ad527aa85282a45285a2524db0584ab15852ad"
        "585da85868a258739c587d97588295583da1683aa368459d68519668608f686d89687883687e80683d8f8139"
        "9081458a81518481607d816c76817870817e6d81447297417497497097546a976164976c5e977659977a5797"
        "4d5a7a4e5d7c555d7f5d597f65557f6d517f714e7f754d7f71be8677bb8681b6868eb0869aa986a7a386b29f"
        "88b89e8979b4737eb17389ac7394a673a39f73ae9973ba9474bf92747da38b82a18b8d9b8b98958ba78e8bb2"
        "888bbd838bc17f8a7b91a7808ea78b89a79683a7a57ca7b076a7bb70a7bf6da6737cc47879c48373c48e6ec4"
        "9c66c4a861c4b35bc4b658c36c6fd0716cd07c67d08761d0975bd1a255d1ad4fd1b14cd0"
    ),
    SHAPE,
)

FRAME = RAW[20:]
"""The VP8 frame alone."""

# A flat picture of as many pixels without loss, and a flat alpha channel; also made once.
LOSSLESS = bytes.fromhex("2f0fc0020007508f2257abff8188e87f00")
ALPHA = bytes.fromhex("010750b288084444ff03")
