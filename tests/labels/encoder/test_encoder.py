"""Whole label sets at one fineness, and at the one that meets a target."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ddcodec.errors import EncodeError
from ddcodec.labels.encoder.encoder import EncodedLabels, LabelEncoder, Layers
from ddcodec.labels.encoder.label_set import LabelSet, Logits
from ddcodec.labels.encoder.rate import search
from ddcodec.labels.features import FeatureSet
from tests.labels.encoder.sets import FEATURES, known, on_grid, plain

LAYERS: tuple[Layers, ...] = ("class", "field", "innovation")


def coded(labels: LabelSet, fineness: float = 0.1, layers: Layers = "innovation") -> EncodedLabels:
    return LabelEncoder(labels, FEATURES, layers=layers).encode(fineness)


@pytest.mark.parametrize("mixes", [False, True])
def test_labels_that_are_a_field_need_no_innovations(mixes: bool) -> None:
    """Next to no divergence is left either, where means leave much."""
    labels = known(mixes=mixes, views=40).labels
    assert coded(labels, layers="class").divergence(labels) > 0.15
    fields = coded(labels, 0.03, "field")
    assert fields.symbols is None
    assert fields.divergence(labels) < 1e-3
    whole = coded(labels, 0.1)
    assert whole.divergence(labels) < 0.1**2 / 2
    assert whole.symbols is None or np.count_nonzero(whole.symbols) < 0.02 * labels.count * 3


@pytest.mark.parametrize("mixes", [False, True])
def test_labels_that_are_means_need_no_fields(mixes: bool) -> None:
    labels = known(mixes=mixes, field=0).labels
    found = coded(labels, 0.05)
    assert found.divergence(labels) < 1e-3
    assert not found.fields.any() and not found.model.class_fields.any()
    assert found.codec.atoms == 0


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0])
@pytest.mark.parametrize("mixes", [False, True])
def test_each_layer_brings_labels_closer(mixes: bool, temperature: float) -> None:
    labels = known(mixes=mixes, noise=0.5, temperature=temperature).labels
    means, fields, whole = (coded(labels, 0.05, layers) for layers in LAYERS)
    reached = [one.divergence(labels) for one in (means, fields, whole)]
    assert reached[0] > 1.5 * reached[1] > 3 * reached[2]
    assert means.codec.atoms == 0 and fields.symbols is None and whole.symbols is not None


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0])
@pytest.mark.parametrize("sharpness", [1.0, 12.0])
def test_the_divergence_falls_as_the_square_of_the_fineness(
    sharpness: float, temperature: float
) -> None:
    """At the finest, too, where a sharp label at a low temperature is nearly flat."""
    labels = known(
        classes=6, noise=1, sharpness=sharpness, temperature=temperature, mixes=True
    ).labels
    encoder = LabelEncoder(labels, FEATURES)
    reached = [encoder.encode(f).divergence(labels) / f**2 for f in (0.4, 0.2, 0.1, 0.05)]
    assert 0.01 < min(reached) < max(reached) < 0.6


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0])
@pytest.mark.parametrize("quality", [0.001, 0.02])
@pytest.mark.parametrize("sharpness", [1.0, 12.0])
def test_a_quality_is_met_and_used(quality: float, temperature: float, sharpness: float) -> None:
    labels = known(noise=1, sharpness=sharpness, temperature=temperature, mixes=True).labels
    encoder = LabelEncoder(labels, FEATURES)
    found = search(encoder.encode, lambda c: c.divergence(labels), quality, 0.1, rising=True)
    assert 0.6 * quality < found.measure <= quality
    assert found.measure == found.coded.divergence(labels)


def test_the_same_labels_give_the_same_integers_on_any_number_of_cores(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    labels = known(noise=0.5, mixes=True).labels
    monkeypatch.setattr("ddcodec.labels.encoder.innovations._CHUNK", 16 * 9)

    def integers(cores: int | None) -> list[Any]:
        monkeypatch.setattr("os.cpu_count", lambda: cores)
        found = coded(labels, 0.1)
        assert found.symbols is not None
        arrays = (*vars(found.model).values(), found.fields, found.symbols)
        return [found.codec, *(a.tolist() for a in arrays)]

    assert integers(1) == integers(5) == integers(None)


def test_only_atoms_in_use_are_kept() -> None:
    labels = known(classes=8, pictures=16, noise=0.01, field=0.3).labels
    found = coded(labels, 0.8)
    used = found.fields.any(axis=(0, 1)) | found.model.class_fields.any(axis=(0, 1))
    if found.symbols is not None:
        used |= found.symbols.any(axis=(0, 1))
    assert used.all() and 0 < found.codec.atoms == len(used) < 7


def test_shrunk_innovations_are_multiplied_to_make_up_for_it() -> None:
    labels = known(noise=0.3, views=40, field=0).labels
    nominal = 16
    assert coded(labels, 0.02).model.units.tolist() == pytest.approx([nominal] * 3, abs=1)
    assert coded(labels, 0.3).model.units.min() > nominal


def test_a_coarse_basis_takes_more_units_to_fit_eight_bits() -> None:
    """A step of a class that is next to never probable is many nats."""
    labels = known(noise=1).labels
    nats = labels.logits.rows(slice(None)).reshape(labels.logits.shape) / 64
    nats[..., 3] -= 12
    rare = replace(labels, logits=Logits.of(on_grid(nats)))
    fine, coarse = coded(rare, 0.02), coded(rare, 0.5)
    assert fine.model.units.tolist() == pytest.approx([16] * 3, abs=3)
    assert coarse.model.units.min() > 24
    assert np.abs(coarse.model.basis.astype(int)).max() <= 127
    assert coarse.divergence(rare) < 0.5**2


@pytest.mark.parametrize("fineness", [0, -1, 100, float("nan")])
def test_a_fineness_that_is_none_is_refused(fineness: float) -> None:
    with pytest.raises(EncodeError, match="fineness"):
        coded(known().labels, fineness)


def certain(pictures: int, views: int, classes: int, which: Any) -> np.ndarray:
    """Labels that are sure of one class by 511 nats."""
    logits = np.zeros((pictures, views, classes))
    np.put_along_axis(logits, np.broadcast_to(which, (pictures, views))[..., None], 1022, 2)
    return on_grid(logits)


def extremes() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        "one picture, one view": on_grid(rng.normal(0, 3, (1, 1, 5))),
        "one view": on_grid(rng.normal(0, 3, (10, 1, 5))),
        "two classes": on_grid(rng.normal(0, 3, (6, 5, 2))),
        "all alike": np.tile(on_grid(rng.normal(0, 3, 4)), (8, 5, 1)),
        "nothing known": np.zeros((8, 5, 4), np.int16),
        "certain and right": certain(8, 5, 4, np.arange(8)[:, None] // 2),
        "certain of one class": certain(8, 5, 4, 2),
        "certain at random": certain(8, 5, 4, rng.integers(0, 4, (8, 5))),
        "two classes, certain": certain(4, 2, 2, np.array([[0], [0], [1], [1]])),
        "wild": on_grid(rng.uniform(-300, 300, (8, 5, 4))),
    }


@pytest.mark.parametrize("temperature", [0.5, 4.0])
@pytest.mark.parametrize("name", extremes())
def test_extreme_labels_meet_a_quality_too(name: str, temperature: float) -> None:
    labels = plain(extremes()[name], temperature)
    encoder = LabelEncoder(labels, FeatureSet(1, 0, 0))
    found = search(encoder.encode, lambda c: c.divergence(labels), 1e-3, 0.05, rising=True)
    assert found.measure <= 1e-3
    assert np.abs(found.coded.logits(labels, slice(0, 1)).astype(int)).max() <= 1 << 15


@pytest.mark.parametrize("name", extremes())
def test_extreme_labels_have_means(name: str) -> None:
    labels = plain(extremes()[name], 1)
    found = coded(labels, 0.1, "class")
    assert np.isfinite(found.divergence(labels))
    assert found.codec.atoms == 0


def test_progress_counts_labels() -> None:
    told: list[tuple[int, int]] = []
    labels = known(noise=1).labels
    encoder = LabelEncoder(labels, FEATURES, progress=lambda *pair: told.append(pair))
    encoder.encode(0.1)
    assert told and all(0 < done <= total for done, total in told)
    assert told[0][1] % labels.count == 0
