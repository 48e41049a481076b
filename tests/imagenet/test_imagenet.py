"""The table of ImageNet-1k's classes: known entries, and classifiers recognised by their labels."""

from __future__ import annotations

import pytest

from ddcodec.imagenet import classes, ids_of, is_wordnet_id
from tools.imagenet import CLEARER


def labels() -> list[str]:
    """As ``transformers`` classifiers of ImageNet-1k label their outputs."""
    return [", ".join(one.words) for one in classes().values()]


@pytest.mark.parametrize(
    ("number", "name", "index"),
    [
        ("n01440764", "tench", 0),
        ("n01443537", "goldfish", 1),
        ("n02012849", "crane bird", 134),
        ("n02112137", "chow", 260),
        ("n03126707", "construction crane", 517),
        ("n03444034", "go-kart", 573),
        ("n03710637", "maillot swimsuit", 638),
        ("n03710721", "maillot tank suit", 639),
        ("n04356056", "sunglasses", 837),
        ("n15075141", "toilet tissue", 999),
    ],
)
def test_known_classes_stand_where_classifiers_number_them(
    number: str, name: str, index: int
) -> None:
    assert classes()[number].name == name
    assert list(classes()).index(number) == index


def test_there_are_a_thousand_ids_in_order_and_no_two_names_are_alike() -> None:
    table = classes()
    assert len(table) == 1000
    assert list(table) == sorted(table) and all(map(is_wordnet_id, table))
    assert len({one.name.casefold() for one in table.values()}) == 1000


def test_names_are_wordnets_first_words_unless_a_clearer_one_is_chosen() -> None:
    """The generator's choices are all in the table, and each of them changes something."""
    table = classes()
    changed = {number: one.name for number, one in table.items() if one.name != one.words[0]}
    assert changed == CLEARER


def test_a_classifier_of_the_thousand_is_known_by_its_labels() -> None:
    assert ids_of(labels()) == tuple(classes())
    short = [label.partition(",")[0].replace(" ", "_").upper() for label in labels()]
    assert ids_of(short) == tuple(classes())


def test_other_classifiers_are_not_taken_for_it() -> None:
    swapped = labels()
    swapped[0], swapped[1] = swapped[1], swapped[0]
    assert ids_of(swapped) is None
    assert ids_of(labels()[:10]) is None
    assert ids_of([f"LABEL_{i}" for i in range(1000)]) is None
