from __future__ import annotations

import pytest

from ddcodec.errors import RequestError
from ddcodec.evaluation.protocols import PROTOCOLS, get_protocol


@pytest.mark.parametrize(("images", "epochs"), [(10, 300), (1_000, 300), (2_000, 150), (9_000, 60)])
def test_ddz_trains_fewer_epochs_on_more_images(images: int, epochs: int) -> None:
    assert get_protocol("ddz").plan(images, 1, 10).epochs == epochs


def test_fresh_pictures_are_worth_more_epochs_and_larger_batches() -> None:
    protocol = get_protocol("ddz")
    assert protocol.plan(100, 10, 10).epochs == 300
    assert protocol.plan(100, 10, 10, variations=2).epochs == 600
    many = protocol.plan(100, 10, 10, variations=300)
    assert (many.epochs, many.batch_size, many.steps) == (3000, 100, 3000)


def test_steps_are_whole_epochs() -> None:
    plan = get_protocol("ddz").with_epochs(7).plan(images=25, ipc=5, classes=5)
    assert (plan.batch_size, plan.steps) == (10, 21)


@pytest.mark.parametrize(
    ("ipc", "classes", "batch"), [(1, 10, 10), (10, 10, 50), (50, 10, 100), (10, 100, 100)]
)
def test_rded_batches_follow_its_table(ipc: int, classes: int, batch: int) -> None:
    assert get_protocol("rded").plan(ipc * classes, ipc, classes).batch_size == batch


def test_ddz16_is_ddz_in_batches_of_16() -> None:
    many, few = (get_protocol(name).plan(990, 99, 10) for name in ("ddz", "ddz16"))
    assert (many.epochs, many.batch_size, many.steps) == (300, 82, 3900)
    assert (few.epochs, few.batch_size, few.steps) == (300, 16, 18600)
    assert "more steps for the same images" in get_protocol("ddz16").describe(few, "4")


def test_a_batch_is_never_larger_than_the_set() -> None:
    assert get_protocol("ddz").plan(images=4, ipc=2, classes=2).batch_size == 4


def test_words_state_what_the_plan_does() -> None:
    protocol = get_protocol("rded").with_epochs(20)
    words = protocol.describe(protocol.plan(100, 10, 10), "20")
    for part in ("20 epochs of batches of 50", "to 50 % of it", "temperature 20", "tested, once"):
        assert part in words


def test_d3m_shows_the_plain_picture_only() -> None:
    protocol = get_protocol("d3m")
    assert not protocol.all_views
    assert "only plain pictures" in protocol.describe(protocol.plan(10, 1, 10), "4")


def test_unknown_protocols_and_no_epochs_are_refused() -> None:
    with pytest.raises(RequestError, match="use one of ddz, ddz16, rded, d3m, hald"):
        get_protocol("fkd")
    with pytest.raises(RequestError, match="at least 1"):
        PROTOCOLS[0].with_epochs(0)


def test_words_name_the_loss_of_hard_labels() -> None:
    protocol = get_protocol("ddz")
    assert "cross-entropy with the hard labels" in protocol.describe(protocol.plan(9, 3, 3), None)


def test_hald_shows_fresh_views_in_the_middle_half() -> None:
    protocol = get_protocol("hald")
    assert [protocol.is_free(e, 8) for e in range(8)] == [False] * 2 + [True] * 4 + [False] * 2
    words = protocol.describe(protocol.plan(100, 10, 10), "4")
    assert "From 25 % to 75 % of the epochs, fresh crops" in words
    assert "80 % are spread" in words
    assert not any(get_protocol("ddz").is_free(e, 8) for e in range(8))
