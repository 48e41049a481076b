"""A small random SDXL pipeline, as the tests of priors have it."""

from __future__ import annotations

from tests.prior.conftest import sdxl_folder

__all__ = ["sdxl_folder"]
