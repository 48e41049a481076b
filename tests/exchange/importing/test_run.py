"""Imports as a whole: round trips, fidelity, dry runs, and labels brought by somebody else."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import ddcodec
from ddcodec.arrays import Int16s
from ddcodec.codecs.top_k_labels import TopKLabels
from ddcodec.container import Box, NewSection
from ddcodec.encoding.given import GivenLabels
from ddcodec.errors import RequestError, SourceError
from ddcodec.exchange.importing.options import ImportOptions
from ddcodec.exchange.importing.reading import Pictures
from ddcodec.exchange.importing.run import Importer
from ddcodec.exchange.top_k import from_top_k
from ddcodec.labels.encoder.label_set import Logits
from ddcodec.recipe.head import Head
from ddcodec.recipe.view import parse_view
from tests.exchange.importing.neighbours import class_major, mtt, normalised, pixels, rded
from tests.exchange.importing.test_matching import shown

IMAGES, LABELS = pixels(20), class_major(10, 2)


@settings(max_examples=15)
@given(
    st.integers(2, 5),
    st.integers(1, 5),
    st.tuples(st.integers(4, 21), st.integers(4, 21)),
    st.sampled_from([torch.float16, torch.float32, torch.float64, torch.bfloat16]),
    st.integers(0, 1 << 30),
)
def test_tensors_of_any_shape_come_back(
    classes: int, ipc: int, size: tuple[int, int], kind: torch.dtype, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (classes * ipc, *size, 3)).astype(np.uint8)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = mtt(folder / "run", normalised(images).to(kind), class_major(classes, ipc))
        made = ddcodec.import_artifact(
            source, folder / "a.ddz", classes="numbers", normalisation="cifar10"
        )
        there = shown(folder / "a.ddz")
    rounded = {torch.float16: 1, torch.bfloat16: 3}.get(kind, 0)  # of numbers of so few bits
    assert np.abs(there.astype(int) - images).max() <= rounded
    assert (made.size, made.ipc) == ((size[1], size[0]), ipc)


@pytest.mark.parametrize("codec", ["webp", "avif"])
def test_what_a_lossy_codec_costs_is_stated(codec: str, tmp_path: Path) -> None:
    exact = normalised(IMAGES) * 1.1
    source = mtt(tmp_path / "run", exact, LABELS)
    made = ddcodec.import_artifact(
        source,
        tmp_path / "a.ddz",
        classes="cifar10",
        patch_codec=codec,  # type: ignore[arg-type]
        quality=80,
    )
    mean, std = (
        torch.tensor(one).view(3, 1, 1)
        for one in ((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010))
    )
    clipped = (255 * (exact * std + mean)).clamp(0, 255).numpy().transpose(0, 2, 3, 1)
    error = ((shown(tmp_path / "a.ddz") - clipped.astype(np.float64)) ** 2).mean()
    assert made.psnr == pytest.approx(10 * np.log10(255**2 / error), abs=1e-3)
    assert 15 < made.psnr < 55


def test_two_imports_are_the_same_file(tmp_path: Path) -> None:
    logits = 5.0 * torch.nn.functional.one_hot(LABELS, 10) + torch.rand(20, 10)
    source = mtt(tmp_path / "run", normalised(IMAGES), logits)
    one, two = (
        ddcodec.import_artifact(source, tmp_path / name, classes="cifar10") for name in "ab"
    )
    assert one.digest == two.digest
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    with ddcodec.open(tmp_path / "a") as artifact:
        artifact.verify("pixels")


def test_a_dry_run_says_all_and_writes_nothing(tmp_path: Path) -> None:
    logits = 5.0 * torch.nn.functional.one_hot(LABELS, 10)
    source = mtt(tmp_path / "run", normalised(IMAGES) * 1.3, logits)
    made = ddcodec.import_artifact(
        source, tmp_path / "a.ddz", classes="cifar10", dry_run=True, patch_codec="webp"
    )
    assert made.path is None and [path.name for path in tmp_path.iterdir()] == ["run"]
    assert (made.format, made.order, made.ipc, made.labels) == ("mtt", "cifar10", 2, "source")
    assert made.normalisation == "cifar10" and made.clipped > 0
    really = ddcodec.import_artifact(
        source, tmp_path / "a.ddz", classes="cifar10", patch_codec="webp"
    )
    assert sum(made.expected.values()) == pytest.approx(really.file_len, rel=0.3)


def test_a_target_that_exists_is_kept(tmp_path: Path) -> None:
    source = mtt(tmp_path / "run", normalised(IMAGES), LABELS)
    (tmp_path / "a.ddz").write_bytes(b"mine")
    with pytest.raises(RequestError, match="exists; choose another name"):
        ddcodec.import_artifact(source, tmp_path / "a.ddz", classes="cifar10")
    assert (tmp_path / "a.ddz").read_bytes() == b"mine"
    ddcodec.import_artifact(source, tmp_path / "a.ddz", classes="cifar10", force=True)


def test_a_place_of_no_format_says_what_it_holds(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing", "utf-8")
    with pytest.raises(SourceError, match=r"of no known format .* it holds notes\.txt"):
        ddcodec.import_artifact(tmp_path, tmp_path / "a.ddz")
    torch.save(torch.zeros(2, 3, 4, 4), tmp_path / "syn.pt")
    with pytest.raises(SourceError, match=r"a tensor of shape \[2, 3, 4, 4\]: .* labels beside it"):
        ddcodec.import_artifact(tmp_path / "syn.pt", tmp_path / "a.ddz")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"format": "mtd"}, "did you mean 'mtt'"),
        ({"teacher": "auto"}, "distilled pictures teach no teacher"),
        ({"labels": "soft"}, "need a teacher, and none is named"),
        ({"quality": 50}, "says nothing to patch_codec='png'"),
        ({"views": 0}, "views=0 is not allowed"),
        ({"labels": "hot"}, "labels='hot' is not allowed"),
    ],
)
def test_options_that_make_no_sense_are_refused_at_once(
    given: dict[str, object], said: str, tmp_path: Path
) -> None:
    with pytest.raises(RequestError, match=said):
        ImportOptions(**given)  # type: ignore[arg-type]


def test_labels_that_other_files_hold_come_in_by_a_provider(tmp_path: Path) -> None:
    """Four views, whose draws follow from the rows' seeds, and logits of each."""
    source = rded(tmp_path / "set", pixels(6, 16), 2)
    asked: list[tuple[tuple[str, ...], int]] = []

    def provider(pictures: Pictures, ipc: int) -> GivenLabels:
        asked.append((pictures.classes, ipc))
        values = np.zeros((6, 4, 3), np.int16)
        values[np.arange(6), :, np.arange(6) // 2] = 300 + 10 * np.arange(4, dtype=np.int16)
        view = parse_view("crop+flip", (16, 16))
        return GivenLabels(Logits.of(centred_units(values)), "digest", (2, 1), view)

    options = ImportOptions(classes="numbers", label_layers="lossless")
    made = Importer(source, tmp_path / "a.ddz", options, provider).run()
    assert asked == [(("0", "1", "2"), 2)] and made.labels == "source"
    with ddcodec.open(tmp_path / "a.ddz") as artifact:
        recipe, data = artifact.recipe, artifact.dataset()
        assert (recipe.views, recipe.labels.temperature) == (4, (2, 1))
        assert recipe.view.flip
        data.set_epoch(3)
        found = np.asarray(data.probabilities(range(6)))
    expected = 1 / (1 + 2 * np.exp(-330 / 64 / 2))
    np.testing.assert_allclose(found[np.arange(6), np.arange(6) // 2], expected, atol=2e-3)


def test_labels_that_are_coded_already_are_kept_as_they_are(tmp_path: Path) -> None:
    source = rded(tmp_path / "set", pixels(6, 16), 2)
    listed = np.argsort(np.eye(3)[np.repeat([0, 1, 2], 2)], axis=1)[:, ::-1][:, :2]
    values = from_top_k(listed, np.log([[0.75, 0.25]] * 6), 3, rest="dropped").reshape(3, 2, 1, 3)

    def sections(head: Head) -> list[NewSection]:
        codec = TopKLabels.for_labels(values, 2)
        return [NewSection("labels", codec.spec(), Box(0, 3, 0, 2, 0, 1), codec.encode(values))]

    given = GivenLabels(Logits.of(values.reshape(6, 1, 3)), "digest", coded=sections)
    options = ImportOptions(classes="numbers")
    made = Importer(source, tmp_path / "a.ddz", options, lambda *_: given).run()
    assert made.divergence == 0
    with ddcodec.open(tmp_path / "a.ddz") as artifact:
        found = np.asarray(artifact.dataset().probabilities(range(6)))
    np.testing.assert_allclose(np.sort(found), [[0, 0.25, 0.75]] * 6, atol=0.01)


def test_other_files_of_a_folder_are_said(tmp_path: Path) -> None:
    source = mtt(tmp_path / "run", normalised(IMAGES), LABELS)
    (source / "syn_lrs.pt").write_bytes(b"never read")
    made = ddcodec.import_artifact(source, tmp_path / "a.ddz", classes="cifar10")
    assert made.warnings == (f"1 other file is left aside in {source}: syn_lrs.pt",)


def centred_units(values: Int16s) -> Int16s:
    mean = values.mean(axis=-1, keepdims=True)
    return np.rint(values - mean).astype(np.int16)
