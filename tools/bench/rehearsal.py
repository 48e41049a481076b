"""A rehearsal at ImageNet's shape: a thousand classes, a hundred small pictures of each.

    python -m tools.bench.rehearsal FOLDER --classes 1000 --images 100 --size 32 \
        --encode "random labels=hard" --encode "rded"

Makes pictures of smooth noise, called by ImageNet's ids, and a teacher of a few steps (what its
labels say does not matter here; how many there are does). Then runs each command in a process of
its own: encode, verify, subset to half of the classes and one image each, and opening. Prints one
JSON line each: seconds, largest memory in MiB, bytes. What is in FOLDER already is used again.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image

from ddcodec.arrays import UInt8s
from ddcodec.classifiers.store import save_teacher
from ddcodec.classifiers.teacher_training import TeacherSettings, train_teacher
from ddcodec.imagenet import classes as imagenet_classes
from ddcodec.methods import get_method
from tools.processes import surroundings

COARSE = 4  # noise of so many pixels a side, enlarged
TEACHER_IMAGES = 20

PEAK = "peak memory in KiB: "
# A child's own record: what the system keeps of a child counts its parent's memory, too.
WITH_PEAK = f"""
import atexit, re
from pathlib import Path
from ddcodec.cli import main
status = Path("/proc/self/status")
peak = lambda: re.search(r"VmHWM:\\s+(\\d+)", status.read_text()).group(1)
atexit.register(lambda: print("{PEAK}" + peak()))
main()
"""


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--classes", type=int, default=1000)
    parser.add_argument("--images", type=int, default=100)
    parser.add_argument("--size", type=int, default=32)
    parser.add_argument("--encode", action="append", default=[], metavar="METHOD [KEY=VALUE...]")
    arguments = parser.parse_args()
    names = [*imagenet_classes()][: arguments.classes]
    pictures, teacher = arguments.folder / "pictures", arguments.folder / "teacher"
    if not pictures.exists():
        write_pictures(pictures, names, arguments.images, arguments.size)
    if not teacher.exists():
        write_teacher(teacher, tuple(names), arguments.size)
    for text in arguments.encode:
        rehearse(text, pictures, teacher, arguments.folder, len(names) // 2)
    return 0


def write_pictures(folder: Path, names: list[str], images: int, size: int) -> None:
    """One folder per class, all at once in place."""
    part = folder.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    for number, name in enumerate(names):
        (part / name).mkdir(parents=True)
        for i, picture in enumerate(noise(number, images)):
            enlarged = Image.fromarray(picture).resize((size, size), Image.Resampling.BICUBIC)
            enlarged.save(part / name / f"{i:04d}.jpg", quality=90)
    part.rename(folder)


def noise(seed: int, images: int) -> UInt8s:
    """uint8 [images, COARSE, COARSE, 3], about a mean of the class's own."""
    rng = np.random.default_rng(seed)
    mean = rng.integers(0, 256, (COARSE, COARSE, 3))
    pictures = mean + rng.integers(-60, 61, (images, *mean.shape))
    made: UInt8s = np.clip(pictures, 0, 255).astype(np.uint8)
    return made


def write_teacher(folder: Path, names: tuple[str, ...], size: int) -> None:
    """A ResNet of some thirty steps: its labels differ, and that is enough."""
    count = len(names) * TEACHER_IMAGES
    small = np.concatenate([noise(c, TEACHER_IMAGES) for c in range(len(names))])
    images = small.repeat(size // COARSE, 1).repeat(size // COARSE, 2)
    labels = np.arange(count) // TEACHER_IMAGES
    settings = TeacherSettings(arch="resnet18-half", steps=30, batch_size=64, pad=1)
    save_teacher(train_teacher(images, labels, names, settings), folder)


def rehearse(text: str, pictures: Path, teacher: Path, folder: Path, half: int) -> None:
    """Encode, verify, subset, inspect."""
    method, *words = text.split()
    out = folder / f"{text.replace(' ', '_')}.ddz"
    options = [w for word in words for w in option_words(word)]
    few = folder / "few.ddz"
    few.unlink(missing_ok=True)
    asked = get_method(method).uses_teacher or "labels=hard" not in words
    options += ["--teacher", str(teacher)] if asked else []
    encode = ["encode", str(pictures), "--method", method, *options]
    classes = ",".join(sorted(p.name for p in pictures.iterdir())[:half])
    commands = {
        "encode": [*encode, "-o", str(out), "--force"],
        "inspect": ["inspect", str(out)],
        "verify": ["verify", str(out)],
        "subset": [
            "subset",
            str(out),
            "--classes",
            classes,
            "--ipc",
            "1",
            "-o",
            str(few),
            "--force",
        ],
    }
    for name, command in commands.items():
        seconds, mebibytes = measured(command)
        row = {"what": text, "command": name, "seconds": round(seconds, 1), "MiB": mebibytes}
        row["bytes"] = (few if name == "subset" else out).stat().st_size
        print(json.dumps(row), flush=True)


def option_words(word: str) -> list[str]:
    """``labels=hard`` as an option of the encode; ``option:key=value`` as one of the method."""
    if word.startswith("option:"):
        return ["--option", word.removeprefix("option:")]
    name, _, value = word.partition("=")
    return [f"--{name.replace('_', '-')}", value]


def measured(command: list[str]) -> tuple[float, int]:
    """Seconds of the wall and largest resident memory in MiB of a command of ddz.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", WITH_PEAK, *command],
        env=surroundings(os.environ),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return time.perf_counter() - began, int(done.stdout.rsplit(PEAK, 1)[1]) >> 10


if __name__ == "__main__":
    sys.exit(main())
