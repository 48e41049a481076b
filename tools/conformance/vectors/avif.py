"""A bare AV1 picture of three patches of 8 x 6 pixels.

libaom 3.14 made the bytes, once, of the patches that ``webp.py`` names; an encoder need not make
them again. The pixels are what ``reference/av1.py`` makes of them.
"""

from __future__ import annotations

SHAPE = (3, 6, 8, 3)
RAW = bytes.fromhex(
    "1e198010414004fe7f5c3e23357e8b50dd9beab4618d7e00dcf8325c268cc275cf60c441870040ea30bf4fbb"
    "6aa588b251c30afb6860"
)
