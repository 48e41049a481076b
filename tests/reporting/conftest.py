"""The small set of coloured pictures that tests of students have."""

from __future__ import annotations

from tests.evaluation.conftest import artifact_path, folders, write_pictures

__all__ = ["artifact_path", "folders", "write_pictures"]
