"""Running Python again, for what only a process of its own can show."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
"""The root of the repository."""


def surroundings(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment in which Python finds the modules that this process finds."""
    path = os.pathsep.join([str(ROOT), *filter(None, sys.path)])
    return {**environment, "PYTHONPATH": path}


def run_module(module: str, *arguments: str, environment: Mapping[str, str] | None = None) -> str:
    """Run ``python -m module``; returns what it prints, and lets through what it says on stderr.

    Args:
        module: dotted name.
        arguments: of its command line.
        environment: in place of this process's.

    Raises:
        subprocess.CalledProcessError: it did not end with exit code 0.
    """
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        env=surroundings(os.environ if environment is None else environment),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout
