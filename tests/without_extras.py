"""A Python process in which nothing is installed but what the base of ddcodec asks for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from ddcodec.extras import EXTRAS

ROOT = Path(__file__).resolve().parents[1]

# An import of them fails as it does where they are not installed.
_HIDDEN = f"""
import sys
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {sorted(p for ps in EXTRAS.values() for p in ps)!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Hidden())
"""


def run_without_extras(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run Python code with arguments; packages of every extra are hidden from it."""
    words = [sys.executable, "-c", _HIDDEN + code, *map(str, arguments)]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=120)
