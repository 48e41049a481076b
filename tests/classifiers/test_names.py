"""Class names against a classifier's outputs: what is found, and what is refused by name."""

from __future__ import annotations

import pytest

from ddcodec.classifiers.names import columns_of
from ddcodec.errors import ModelMismatchError
from ddcodec.imagenet import classes as imagenet_classes

IDS = tuple(imagenet_classes())
LABELS = tuple(", ".join(one.words) for one in imagenet_classes().values())
"""As classifiers of ``transformers`` call ImageNet's classes."""


@pytest.mark.parametrize("outputs", [IDS, LABELS])
def test_imagenet_is_known_by_ids_readable_names_and_words(outputs: tuple[str, ...]) -> None:
    names = ("n01440764", "crane bird", "construction_crane", "English Springer")
    assert columns_of(outputs, names, None, "T") == (0, 134, 517, 217)
    assert columns_of(outputs, ("tinca tinca",), None, "T") == (0,)


@pytest.mark.parametrize("outputs", [IDS, LABELS])
@pytest.mark.parametrize("name", ["crane", "Cardigan", "cardigan", "maillot"])
def test_a_word_of_two_classes_is_refused_and_both_are_named(
    outputs: tuple[str, ...], name: str
) -> None:
    first, second = {"crane": (134, 517), "maillot": (638, 639)}.get(name, (264, 474))
    with pytest.raises(
        ModelMismatchError, match=rf"several outputs called '{name}' \(outputs {first}, {second}\)"
    ):
        columns_of(outputs, ("tench", name), None, "T")
    assert columns_of(outputs, (name,), (IDS[second],), "T") == (second,)


def test_a_whole_label_is_clear_where_there_are_no_ids() -> None:
    assert columns_of(("cat, tabby", "Tabby", "tabby"), ("tabby", "Tabby"), None, "T") == (2, 1)
    with pytest.raises(ModelMismatchError, match="several outputs called 'TABBY'"):
        columns_of(("cat, tabby", "tabby"), ("TABBY",), None, "T")


def test_two_outputs_of_one_label_are_refused() -> None:
    with pytest.raises(ModelMismatchError, match=r"called 'crane' \(outputs 0, 1\)"):
        columns_of(("crane", "crane", "dog"), ("dog", "crane"), None, "T")


def test_names_may_differ_in_their_unicode_form() -> None:
    assert columns_of(("café", "bar"), ("cafe\u0301",), None, "T") == (0,)


def test_a_teacher_of_the_very_same_classes_needs_no_search() -> None:
    folders = tuple(name.replace(" ", "_") for name in LABELS[:133])
    assert columns_of(folders, folders, None, "T") == tuple(range(133))


def test_classes_that_are_one_output_are_named() -> None:
    with pytest.raises(ModelMismatchError, match=r"'crimson' and 'red' \(both are its 'red, cri"):
        columns_of(("red, crimson", "blue"), ("crimson", "red"), None, "T")


def test_unknown_classes_are_named_five_of_them_at_most() -> None:
    with pytest.raises(ModelMismatchError, match="'0', '1', '2', '3', '4' and 3 more; it knows"):
        columns_of(("red", "blue"), tuple("01234567"), None, "T")
