"""The model: what is known beforehand, corrected by pilots, and how sure it is."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from ddcodec.encoding.costs import Costs
from ddcodec.planning.model import Model, Observation, Training
from ddcodec.planning.settings import Filling, Setting, considered, plain

SETTINGS = list(considered(30_000, Filling("random"), Costs(700.0, 0.0, 80.0, 81.0), (5000,) * 10))
FIRST = plain(SETTINGS)


def trained(shown: int, batch: int = 20) -> Training:
    return Training(shown // 250, shown, shown // batch)


def observed(setting: Setting, accuracy: float, shown: int = 20_000) -> Observation:
    return Observation(setting, trained(shown), accuracy)


def test_more_of_everything_teaches_more() -> None:
    model = Model([observed(FIRST, 0.5)], 0.8)
    base = model.forecast(FIRST, trained(20_000)).accuracy
    assert model.forecast(replace(FIRST, ipc=2 * FIRST.ipc), trained(20_000)).accuracy > base
    assert model.forecast(replace(FIRST, coarseness=0.5), trained(20_000)).accuracy > base
    assert model.forecast(replace(FIRST, views=120), trained(20_000)).accuracy > base
    assert model.forecast(FIRST, trained(80_000)).accuracy > base
    assert model.forecast(replace(FIRST, label=0.5), trained(20_000)).accuracy < base
    assert model.forecast(FIRST, trained(20_000, batch=10)).accuracy > base, "more steps"


def test_drawn_pictures_are_counted_view_by_view() -> None:
    generated = Costs(900.0, 0.0, 0.0, 1.0)
    drawn = plain(list(considered(10_000, Filling("t2i"), generated, (5000,) * 10)))
    long = Training(3_000, 300_000, 18_750)
    model = Model([Observation(drawn, long, 0.6)], 0.8)
    base = model.forecast(drawn, long)
    assert base.accuracy == pytest.approx(0.6, abs=0.02)
    assert model.forecast(replace(drawn, views=2 * drawn.views), long).accuracy > base.accuracy
    assert model.forecast(replace(drawn, label=4.0), long).accuracy > base.accuracy
    longer = Training(6_000, 600_000, 37_500)
    assert model.forecast(drawn, longer).accuracy > base.accuracy
    # Slots and views of them are one and the same.
    other = replace(drawn, ipc=5 * drawn.ipc, views=drawn.views // 5)
    assert model.forecast(other, long).accuracy == pytest.approx(base.accuracy, abs=0.01)


def test_more_drawn_pictures_than_pilots_tell_of_are_not_forecast() -> None:
    """A pilot of 910 bytes, of 120 photographs: 100,000 pictures, said to teach 81 %."""
    generated = Costs(900.0, 0.0, 0.0, 1.0)
    drawn = plain(list(considered(10_000, Filling("t2i"), generated, (5000,) * 10)))
    model = Model([Observation(drawn, Training(3_000, 300_000, 18_750), 0.6)], 0.8)
    most = replace(drawn, views=16 * drawn.views)
    assert [model.within(one) for one in (drawn, FIRST, most)] == [drawn, FIRST, most]
    # Beyond, labels take what more pictures would have taken.
    assert model.within(replace(drawn, views=32 * drawn.views, label=1.0)) == replace(
        most, label=2.0
    )
    without = Model([observed(FIRST, 0.5)], 0.8)
    assert without.within(most).ipc * without.within(most).views <= 16 * 160


def test_few_pictures_held_out_say_little() -> None:
    other = replace(FIRST, filling=Filling("herding"))
    pilots = [observed(FIRST, 0.4), observed(other, 0.6)]

    def gain(held_out: int) -> float:
        model = Model(pilots, 0.8, held_out)
        both = [model.forecast(one, trained(20_000)).accuracy for one in (FIRST, other)]
        return both[1] - both[0]

    assert gain(12) < 0.5 * gain(1000)
    assert gain(1000) == pytest.approx(0.2, abs=0.03)


def test_views_that_are_never_shown_teach_nothing() -> None:
    model = Model([observed(FIRST, 0.5)], 0.8)
    short = trained(20_000)  # 80 epochs
    at_most = model.forecast(replace(FIRST, views=80), short)
    assert model.forecast(replace(FIRST, views=300), short) == at_most
    assert model.forecast(replace(FIRST, views=60), short).accuracy < at_most.accuracy


def test_a_pilot_tells_what_a_stored_teacher_is_worth() -> None:
    """It was forecast ten points too high once, where no pilot had one in its file."""
    stored = replace(FIRST, filling=replace(FIRST.filling, labels="teacher"), views=300)
    blind = Model([observed(FIRST, 0.5)], 0.8).forecast(stored, trained(20_000))
    assert blind.high - blind.low > 0.1
    model = Model([observed(FIRST, 0.5), observed(stored, 0.42)], 0.8)
    assert model.forecast(stored, trained(20_000)).accuracy == pytest.approx(0.42, abs=0.02)


def test_pilots_correct_what_was_known() -> None:
    """Where twice the pictures teach nothing, no more is expected of them."""
    double = replace(FIRST, ipc=2 * FIRST.ipc)
    known = Model([observed(FIRST, 0.5)], 0.8)
    flat = Model([observed(FIRST, 0.5), observed(double, 0.5)], 0.8)
    four = replace(FIRST, ipc=4 * FIRST.ipc)
    gains = [m.forecast(four, trained(20_000)).accuracy - 0.5 for m in (flat, known)]
    assert gains[0] < 0.75 * gains[1]


def test_a_model_finds_the_weights_that_made_its_pilots() -> None:
    random = np.random.default_rng(0)
    weight, level = 0.6, -0.3
    pilots = []
    for ipc in random.integers(5, 200, 60).tolist():
        odds = level + weight * math.log2(ipc / 10) + random.normal(0, 0.02)
        pilots.append(observed(replace(FIRST, ipc=ipc), 0.8 / (1 + math.exp(-odds)), 30_000))
    found, spread = Model(pilots, 0.8).weights()["pictures"]
    assert found == pytest.approx(weight, abs=3 * spread)
    assert spread < 0.03


def test_forecasts_are_less_sure_the_farther_they_are() -> None:
    few = Model([observed(FIRST, 0.5)], 0.8)
    near = few.forecast(FIRST, trained(20_000))
    far = few.forecast(replace(FIRST, ipc=FIRST.ipc // 4), trained(5_000))
    assert near.low < near.accuracy < near.high
    assert far.high - far.low > 1.3 * (near.high - near.low)
    more = Model([observed(FIRST, 0.5)] * 4, 0.8).forecast(FIRST, trained(20_000))
    assert more.high - more.low < near.high - near.low


def test_no_student_surpasses_its_teacher_by_much() -> None:
    model = Model([observed(FIRST, 0.7)], 0.8)
    best = model.forecast(replace(FIRST, ipc=10_000), trained(10_000_000))
    assert 0.75 < best.accuracy < best.high <= 0.8
    # But where pilots do, they are believed.
    assert Model([observed(FIRST, 0.9)], 0.8).forecast(FIRST, trained(20_000)).accuracy > 0.85


def test_methods_are_told_apart_by_their_pilots() -> None:
    other = replace(FIRST, filling=Filling("herding"))
    model = Model([observed(FIRST, 0.4), observed(other, 0.5)], 0.8)
    gain = (
        model.forecast(other, trained(20_000)).accuracy
        - model.forecast(FIRST, trained(20_000)).accuracy
    )
    assert gain == pytest.approx(0.1, abs=0.02)
