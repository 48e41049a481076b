"""Pilots: pictures held out, and the settings that tell most."""

from __future__ import annotations

from pathlib import Path

import pytest

from ddcodec.encoding.costs import Costs
from ddcodec.errors import RequestError
from ddcodec.planning.pilots import halves_of, pilot_budget, pilot_settings
from ddcodec.planning.settings import Filling, considered
from ddcodec.sources.folder import scan

COSTS = Costs(700.0, 0.0, 80.0, 81.0)


def test_no_picture_is_in_both_halves(image_folder: Path) -> None:
    source = scan(image_folder)
    halves = halves_of(source, 0)
    for c, files in enumerate(source.files):
        fit, held = set(halves.fit.files[c]), set(halves.held_out.files[c])
        assert len(held) == 1, "a tenth of 12 pictures"
        assert fit | held == set(files)
        assert not fit & held
    assert halves_of(source, 0) == halves
    assert halves_of(source, 1).held_out.files != halves.held_out.files


def test_a_class_of_one_picture_cannot_be_held_out_of(image_folder: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "only.png").write_bytes(
            next(image_folder.rglob("*.png")).read_bytes() + name.encode()
        )
    with pytest.raises(RequestError, match="class 'a' has but one picture"):
        halves_of(scan(tmp_path), 0)


def test_each_pilot_differs_from_the_first_in_one_thing() -> None:
    counts = (5000,) * 10
    choices = {
        filling: [
            *considered(29_000, filling, COSTS, counts),
            *considered(11_600, filling, COSTS, counts),
        ]
        for filling in (Filling("random"), Filling("herding"))
    }
    pilots = list(pilot_settings(choices, 8))
    assert len(set(pilots)) == 8
    (first, _), (other, _), *_ = pilots
    assert other.filling.method == "herding"
    assert (other.ipc, other.views) == (first.ipc, first.views)
    assert (first, 3) in pilots, "the same with three times as many pictures shown"
    changes = {setting.budget / first.budget for setting, _ in pilots}
    assert changes == {1, 0.4}
    assert {s.views for s, _ in pilots} > {first.views}
    assert min(s.coarseness for s, _ in pilots) < 0.7
    assert max(s.coarseness for s, _ in pilots) > 1.5
    assert list(pilot_settings(choices, 2)) == pilots[:2]


def test_pilots_stay_small() -> None:
    assert pilot_budget(COSTS, 24.0, 10, 10_000_000) == 700 + 250 * 105
    assert pilot_budget(COSTS, 24.0, 10, 9000) == 9000
    assert pilot_budget(COSTS, 24.0, 1000, 10_000_000) == 700 + 3000 * 105
