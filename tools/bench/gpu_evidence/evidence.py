"""Findings on a GPU so far, stage by stage, within a number of minutes."""

from __future__ import annotations

import dataclasses
import gc
import json
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from ddcodec.errors import DdcodecError
from tools.bench.gpu_evidence.report import as_markdown
from tools.networks.environment import environment
from tools.networks.unets import SD15, SDXL_TURBO, SMALL_SD15, SMALL_SDXL, Config, ExactUnets

Report = dict[str, Any]

CPU = torch.device("cpu")
PROFILES = ("w8a8", "w8a15")


@dataclasses.dataclass(frozen=True)
class Scale:
    """How large everything is.

    Attributes:
        unets: by name, the U-Nets whose speed is measured; the first one's identity is, too.
        images: of the tiny prior that large batches render.
        batches: of identity.
        speeds: batches of speed.
        rows: of the first U-Net, whose digests are made on a CPU.
        seconds: of repeated evaluations for one number.
    """

    unets: Mapping[str, Config]
    images: int
    batches: tuple[int, ...]
    speeds: tuple[int, ...]
    rows: int
    seconds: float


FULL = Scale(
    {"sd15": SD15, "sdxl-turbo": SDXL_TURBO},
    1000,
    (1, 3, 8, 64),
    (1, 8, 32),
    2,
    4,
)
QUICK = Scale(
    {"small-sd15": SMALL_SD15, "small-sdxl": SMALL_SDXL},
    6,
    (1, 3),
    (1, 2),
    2,
    0.1,
)


class OutOfTime(Exception):
    """A stage's share of the minutes is used up."""


class Evidence:
    """What has been found, and the time that is left."""

    def __init__(self, device: torch.device, scale: Scale, out: Path, minutes: float) -> None:
        self.device, self.scale, self.out = device, scale, out
        self.began, self.limit = time.monotonic(), 60 * minutes
        self.report: Report = {"device": _device_name(device), "cuda": torch.version.cuda}
        self.report |= {"environment": environment()}
        self.differences: list[str] = []
        self.unets = ExactUnets()
        self._deadline = self.limit

    def stage(self, name: str, share: float, work: Callable[[Evidence, Report], None]) -> None:
        """Run one stage until ``share`` of all minutes is used; keep what it found, and go on."""
        found: Report = {}
        self.report[name] = found
        self._deadline = share * self.limit
        began = time.monotonic()
        try:
            self.check_time()
            work(self, found)
        except OutOfTime:
            found["left_out"] = "the rest: its time was used up"
        except (RuntimeError, DdcodecError, OSError, subprocess.SubprocessError) as error:
            found["failed"] = f"{type(error).__name__}: {str(error)[:500]}"
            self.differences.append(f"{name} failed")
        found["seconds"] = round(time.monotonic() - began, 1)
        release()
        print(f"{name}: {found['seconds']} s", json.dumps(found)[:2000], flush=True)
        self.write()

    def check_time(self, needed: float = 0.0) -> None:
        """Write down what there is, and stop the stage if ``needed`` seconds are not left."""
        self.write()
        if time.monotonic() - self.began + needed > self._deadline:
            raise OutOfTime

    def compare(self, found: Report, what: str, value: Any, expected: Any) -> None:
        """Note whether two digests are one."""
        found[what] = "equal" if value == expected else f"differs: {value}, expected {expected}"
        if value != expected:
            self.differences.append(what)

    def wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def write(self) -> None:
        self.report["differences"] = self.differences
        self.report["seconds"] = round(time.monotonic() - self.began, 1)
        text = json.dumps(self.report, indent=1) + "\n"
        (self.out / "evidence.json").write_text(text, encoding="utf-8")
        (self.out / "evidence.md").write_text(as_markdown(self.report), encoding="utf-8")


def _device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"


def release() -> None:
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
