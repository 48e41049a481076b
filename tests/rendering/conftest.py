"""A small random pipeline, as the tests of priors have it."""

from __future__ import annotations

from tests.prior.conftest import pipeline_folder, prior, sdxl_folder, sdxl_prior

__all__ = ["pipeline_folder", "prior", "sdxl_folder", "sdxl_prior"]
