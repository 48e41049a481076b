"""Orders of classes: the known ones, files of them, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from ddcodec.errors import MissingFileError, RequestError
from ddcodec.exchange.importing.orders import fitting_orders, known_orders, order_of
from ddcodec.imagenet import classes as imagenet_classes


def test_known_orders_have_as_many_classes_as_their_sets() -> None:
    counts = {name: len(one.classes) for name, one in known_orders().items()}
    assert counts == {
        "cifar10": 10,
        "cifar100": 100,
        "tinyimagenet": 200,
        "imagenette": 10,
        "imagewoof": 10,
        "imagewoof-mtt": 10,
        "imagenet": 1000,
    }


@pytest.mark.parametrize("name", sorted(set(known_orders()) - {"imagewoof-mtt"}))
def test_all_are_sorted_but_imagewoof_as_mtt_has_it(name: str) -> None:
    classes = known_orders()[name].classes
    assert list(classes) == sorted(set(classes))


def test_imagewoof_of_mtt_is_that_of_its_indices_into_imagenet() -> None:
    ids = tuple(imagenet_classes())
    mtt = [193, 182, 258, 162, 155, 167, 159, 273, 207, 229]
    assert known_orders()["imagewoof-mtt"].classes == tuple(ids[i] for i in mtt)
    assert {*known_orders()["imagewoof"].classes} == {ids[i] for i in mtt}


def test_ids_are_of_imagenet() -> None:
    for name in ("tinyimagenet", "imagenette", "imagewoof"):
        assert {*known_orders()[name].classes} <= imagenet_classes().keys()


def test_a_file_has_a_class_on_each_line(tmp_path: Path) -> None:
    path = tmp_path / "class.txt"
    path.write_text("n01440764\n\n kitchen table \n", "utf-8")
    assert order_of(str(path), 2) == ("n01440764", "kitchen table")


@pytest.mark.parametrize(
    ("text", "said"),
    [("a\nb\na\n", "names class 'a' twice"), ("\n \n", "is empty"), ("a\nb", "has 2 classes")],
)
def test_files_that_are_no_order_are_refused(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "class.txt"
    path.write_text(text, "utf-8")
    with pytest.raises(RequestError, match=said):
        order_of(str(path), 3)


def test_a_name_that_is_nearly_known_is_suggested() -> None:
    with pytest.raises(MissingFileError, match="did you mean 'cifar100'"):
        order_of("cifar-100", 100)


def test_an_order_of_another_number_names_those_that_fit() -> None:
    with pytest.raises(RequestError, match="and the labels 200: of that many are tinyimagenet, n"):
        order_of("cifar100", 200)
    assert fitting_orders(7) == ["numbers"]
