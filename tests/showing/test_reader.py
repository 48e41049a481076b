"""The JavaScript reader: its own tests in Node, and its rows beside those of the package."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ddcodec
from ddcodec.artifact import Artifact
from tests.artifacts import encode_small, soft_copy

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent / "reader"
NODE = shutil.which("node")

pytestmark = pytest.mark.skipif(NODE is None, reason="needs Node 20 or later, as node")

# What turns a WebP or AVIF file on stdin into its size and RGBA.
DECODER = """
import io, struct, sys
from PIL import Image
picture = Image.open(io.BytesIO(sys.stdin.buffer.read())).convert("RGBA")
sys.stdout.buffer.write(struct.pack("<II", *picture.size) + picture.tobytes())
"""


def node(*arguments: str | Path) -> str:
    """What node says on stdout; its tests and errors where it fails."""
    assert NODE is not None
    command = [NODE, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=ROOT)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-8000:]
    return done.stdout


def test_the_readers_own_tests_pass() -> None:
    node("--test", *sorted(HERE.glob("*.test.mjs")))


def described(artifact: Artifact) -> dict[str, Any]:
    """What the package says of an artifact, as tests/showing/reader/describe.mjs does."""

    def sha256(array: Any) -> str:
        return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()

    data = artifact.dataset(pixels="uint8")
    rows = {}
    for view in range(data.views):
        data.set_epoch(view)
        indices = range(len(data))
        images = data.images(indices).permute(0, 2, 3, 1).numpy()
        labels = data.probabilities(indices)
        logits = data.logits(indices) if artifact.recipe.labels.kind == "soft" else None
        for i, (c, slot) in enumerate(data.rows):
            rows[c, slot, view] = {
                "row": [c, slot, view],
                "image": sha256(images[i]),
                "label": sha256(labels[i]),
                "logits": None if logits is None else sha256(logits[i]),
            }
    return {"digest": artifact.digest, "rows": [rows[key] for key in sorted(rows)]}


def test_the_documented_lines_run() -> None:
    page = (ROOT / "docs" / "javascript.md").read_text(encoding="utf-8")
    (lines,) = re.findall(r"```js\n(.+?)```", page, re.S)
    vector = "spec/vectors/y_table_stored.ddz"
    said = node("--input-type=module", "-e", lines.replace("photos.ddz", vector))
    assert "probabilities: Float32Array" in said


Make = Callable[[Path, Path, Path], Artifact]


def encoded(**settings: Any) -> Make:
    """Real pictures, with hard labels unless `labels` says otherwise."""

    def make(source: Path, teacher: Path, out: Path) -> Artifact:
        taught = {"teacher": teacher} if settings.get("labels") == "soft" else {}
        return encode_small(source, out, **settings, **taught)

    return make


def cut(**settings: Any) -> Make:
    """A slice by classes, whose views mix in pictures of classes that it no longer has."""

    def make(source: Path, teacher: Path, out: Path) -> Artifact:
        whole = encoded(**settings)(source, teacher, out.with_name("whole.ddz"))
        return whole.subset(out, classes=["stripes", "blob"], ipc=3, views=4)

    return make


def lists(source: Path, teacher: Path, out: Path) -> Artifact:
    """Soft labels as lists of their largest entries."""
    small = encode_small(source, out.with_name("hard.ddz"), view="crop+cutmix")
    return soft_copy(small, out, temperature=(5, 3))


def called_alike(source: Path, teacher: Path, out: Path) -> Artifact:
    """Readable names, which two classes share."""
    shutil.copy(ROOT / "spec/vectors/y_table_named.ddz", out)
    return ddcodec.open(out)


ARTIFACTS: dict[str, Make] = {
    "png, every augmentation": encoded(
        patch_codec="png", view="resized-crop+flip+vflip+rotate+brightness+gamma+cutmix", views=9
    ),
    "webp, pad-crops, soft": encoded(
        patch_codec="webp", view="crop+flip+cutmix", views=8, labels="soft"
    ),
    "avif, resized crops, soft": encoded(
        patch_codec="avif", view="resized-crop+flip+cutmix", views=8, labels="soft"
    ),
    "labels in fields, without a loss in sight": encoded(
        patch_codec="png", view="resized-crop+flip", views=30, labels="soft", label_quality=0.001
    ),
    "collages": encoded(method="rded", patch_codec="png", view="crop+cutmix", labels="soft"),
    "a slice with support": cut(view="crop+flip+cutmix", views=6, labels="soft"),
    "lists": lists,
    "classes that are called alike": called_alike,
}


@pytest.fixture(scope="module", params=ARTIFACTS)
def path(
    request: pytest.FixtureRequest,
    image_folder: Path,
    teacher_folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """One artifact of each."""
    out = tmp_path_factory.mktemp("reader") / "artifact.ddz"
    ARTIFACTS[request.param](image_folder / "train", teacher_folder, out).close()
    return out


def test_images_and_labels_are_those_of_the_package(path: Path) -> None:
    with ddcodec.open(path) as artifact:
        expected = described(artifact)
    said = node(HERE / "describe.mjs", path, sys.executable, "-c", DECODER)
    assert json.loads(said) == expected


def test_a_page_without_a_server_tells_what_a_page_with_one_tells(path: Path) -> None:
    source = pytest.importorskip("ddcodec.showing.source", reason="needs the page's server")
    with ddcodec.open(path) as artifact:
        page = source.PageSource(artifact)
        summary = page.summary()
        pictures = [
            {**page.picture(c["class"], slot), "views": page.views(c["class"], slot)}
            for c in summary["classes"]
            for slot in range(c["pictures"])
        ]
    said = node(HERE / "tell.mjs", path, sys.executable, "-c", DECODER)
    expected = json.loads(json.dumps({"summary": summary, "pictures": pictures}))
    assert json.loads(said) == expected
