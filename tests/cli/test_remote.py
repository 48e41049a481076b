"""Every command that reads takes a URL in place of a path, and does the same."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Ddz
from tools.bench.file_server import file_server


def test_commands_that_read_take_a_url(ddz: Ddz, artifact: Path, tmp_path: Path) -> None:
    with file_server(artifact.read_bytes()) as served:
        far, near = (json.loads(ddz("inspect", p, "--json").out) for p in (served.url, artifact))
        assert far == {**near, "path": served.url}
        assert ddz("verify", served.url).out.startswith(f"ok: {served.url} at level digest")
        for name, place in (("far", served.url), ("near", artifact)):
            assert ddz("decode", place, "-o", tmp_path / name).code == 0
            assert ddz("subset", place, "--ipc", 1, "-o", tmp_path / f"{name}.ddz").code == 0
    sums = [(tmp_path / name / "SHA256SUMS").read_text() for name in ("far", "near")]
    assert sums[0] == sums[1]
    assert (tmp_path / "far.ddz").read_bytes() == (tmp_path / "near.ddz").read_bytes()


def test_parts_behind_urls_merge(ddz: Ddz, artifact: Path, tmp_path: Path) -> None:
    for name, classes in (("a", "blob"), ("b", "cross,stripes")):
        part = tmp_path / f"{name}.ddz"
        assert ddz("subset", artifact, "-o", part, "--classes", classes).code == 0
    parts = [(tmp_path / f"{name}.ddz").read_bytes() for name in "ab"]
    with file_server(parts[0]) as first, file_server(parts[1]) as second:
        merged = ddz("merge", first.url, second.url, "-o", tmp_path / "all.ddz")
        assert merged.code == 0, merged.err
    assert ddz("verify", tmp_path / "all.ddz").code == 0


def test_errors_of_a_url_say_what_to_do(ddz: Ddz, artifact: Path) -> None:
    with file_server(artifact.read_bytes()) as served:
        gone = ddz("inspect", served.url.replace("a.ddz", "b.ddz") + "?key=secret")
        assert gone.code == 2
        assert "there is no http" in gone.err and "secret" not in gone.err
        served.data = b"<!DOCTYPE html>" + served.data
        page = ddz("inspect", served.url)
        assert page.code != 0 and "bad-magic" in page.err
        assert f"ddz verify {served.url}" in page.err
    assert ddz("inspect", "nothing.ddz").code == 2
