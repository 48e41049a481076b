from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from ddcodec.classifiers.architectures import ARCHITECTURES
from ddcodec.errors import RequestError
from ddcodec.reporting.collect import Report
from ddcodec.reporting.figures import figures_of
from ddcodec.reporting.published import PUBLISHED, PublishedSet, check_published, published_for
from tests.reporting.figures import evaluation

CIFAR10 = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
SETS = [name for name in PUBLISHED if name not in ("auto", "none")]


def artifact(*classes: str, side: int = 32) -> Any:
    """What of an artifact tells its data set."""
    recipe = SimpleNamespace(size=(side, side))
    return SimpleNamespace(classes=classes, recipe=recipe, file_name="own.ddz")


def found(asked: PublishedSet, *artifacts: Any, test_pictures: int = 10_000) -> tuple[str, str]:
    """(the set, why there is none)."""
    published, why = published_for(asked, artifacts, [test_pictures] * len(artifacts))
    return "" if published is None else published.data_set, why


def test_auto_knows_a_set_by_its_class_names_size_and_test_pictures() -> None:
    assert found("auto", artifact(*CIFAR10), artifact(*reversed(CIFAR10))) == ("cifar10", "")
    for other in (
        artifact(*CIFAR10, side=64),
        artifact(*CIFAR10[:5]),
        artifact(*CIFAR10[:9], "lorry"),
    ):
        assert found("auto", other) == ("", "")
        assert found("auto", artifact(*CIFAR10), other) == ("", "")


def test_auto_does_not_take_another_set_of_the_same_names_for_it() -> None:
    cinic = 90_000  # test pictures of CINIC-10, which has the class names of CIFAR-10
    name, why = found("auto", artifact(*CIFAR10), test_pictures=cinic)
    assert name == ""
    assert "it has 10,000 test pictures, and here are 90,000" in why
    assert found("cifar10", artifact(*CIFAR10), test_pictures=cinic)[0] == "cifar10"
    assert found("none", artifact(*CIFAR10)) == ("", "")


def test_a_set_of_another_shape_is_refused() -> None:
    with pytest.raises(RequestError, match=r"has 10 classes at 32x32 px, and own.ddz has 2 at"):
        found("cifar10", artifact("cat", "dog"))
    with pytest.raises(RequestError, match=r"did you mean 'cifar10'"):
        check_published("cifar_10")


@pytest.mark.parametrize("name", SETS)
def test_every_published_figure_says_how_it_was_counted_and_where_it_was_read(
    name: PublishedSet,
) -> None:
    classes, side = (100 if name == "cifar100" else 10), (32 if name[:5] == "cifar" else 128)
    published, _ = published_for(name, [artifact(*map(str, range(classes)), side=side)], [1])
    assert published is not None
    sizes = [figure.stored for figure in published.figures]
    assert sizes == sorted(sizes)
    for figure in published.figures:
        assert 0 < figure.accuracy < 1
        assert figure.student in ARCHITECTURES
        assert figure.read in ("paper", "repository", "notes")
        assert all((figure.counted, figure.label_words, figure.protocol, figure.source))
        if figure.stored_8bit is not None:
            assert figure.counted.startswith("pixels as float32")
            assert figure.stored == 4 * figure.stored_8bit


def test_published_figures_are_the_papers() -> None:
    published, _ = published_for("cifar10", [artifact(*CIFAR10)], [10_000])
    assert published is not None
    known = {(f.method, f.stored): f for f in published.of_student("convnet3")}
    assert known["MTT", 122_880].accuracy == pytest.approx(0.463)
    assert known["MTT", 122_880].stored_8bit == 30_720  # ten pictures of 32 x 32 x 3 bytes
    ruo = known["DD-RUO", 133_000]
    assert (ruo.accuracy, ruo.stored_8bit) == (pytest.approx(0.703), None)
    assert ruo.counted == "coded bits of samples, labels and decoder"


def test_only_figures_of_the_student_and_near_the_own_sizes_are_drawn() -> None:
    published, _ = published_for("cifar10", [artifact(*CIFAR10)], [10_000])
    report = Report((evaluation("own.ddz", 0.6, file_len=30_000),), (), published=published)
    (figure,) = figures_of(report)
    references = [one for method in figure.methods for one in method.references]
    assert {one.figure.student for one in references} == {"convnet3"}
    drawn = [one for one in references if one.key]
    assert drawn and all(3_000 <= one.figure.stored <= 300_000 for one in drawn)
    assert any(one.figure.stored > 300_000 for one in references)
    assert len({one.key for one in drawn}) == len(drawn)
    assert max(drawn, key=lambda one: one.figure.accuracy).best
    other = replace(report, evaluations=(replace(report.evaluations[0], student="convnet5"),))
    assert figures_of(other)[0].methods == ()


def test_a_mark_has_the_shape_of_its_labels_and_tells_them() -> None:
    soft = replace(evaluation("a.ddz", 0.5), labels="soft", settings={"epochs": 300})
    rival = replace(evaluation("random", 0.4, role="baseline"), labels="hard")
    (figure,) = figures_of(Report((soft, rival), ()))
    assert [mark.point.shape for mark in figure.wide.marks] == ["soft", "hard"]
    told = "soft labels, protocol ddz, 30,000 pictures shown"
    assert figure.wide.marks[0].point.told == told
    assert [key.words for key in figure.legend] == [
        "artifact, soft labels",
        "random real pictures, hard labels",
    ]
    unknown = Report((evaluation("old.ddz", 0.5),), ())
    assert [key.words for key in figures_of(unknown)[0].legend] == ["artifact"]


def test_the_whole_set_is_a_line_however_many_bytes_it_has() -> None:
    own = evaluation("a.ddz", 0.5, file_len=30_000)
    whole = evaluation("the whole training set", 0.85, file_len=115_000_000, role="whole")
    (figure,) = figures_of(Report((own, whole), ()))
    assert [mark.point.label for mark in figure.wide.marks] == ["a"]
    assert "whole set, 115 MB: 85.0" in [level.text for level in figure.wide.levels]
