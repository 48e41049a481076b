"""Shared by the tests of pictures: a picture like a photo."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest


@pytest.fixture
def photo() -> npt.NDArray[np.uint8]:
    """uint8 [1, 64, 48, 3]: a bright disc with a soft edge before a sloping sky."""
    y, x = np.mgrid[0:64, 0:48]
    disc = np.clip((14 - np.hypot(y - 30, x - 20)) / 3, 0, 1)[..., None]
    sky = np.stack([90 + y, 120 + x, 200 - y + x // 2], axis=-1)
    return np.rint(sky * (1 - disc) + disc * [250, 220, 40]).astype(np.uint8)[None]
