"""The script that checks every change."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[1] / ".ci/run"


def test_the_shell_reads_it_to_its_end() -> None:
    """It fails late: a shell meets what it cannot read only when it comes to it."""
    if (bash := shutil.which("bash")) is None:
        pytest.skip("needs bash")
    done = subprocess.run([bash, "-n", str(SCRIPT)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
