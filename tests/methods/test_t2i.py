"""t2i: names of classes as prompts, fresh pictures in every view, labels of those pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ddcodec
from ddcodec.arrays import UInt8s
from ddcodec.artifact import Artifact
from ddcodec.classifiers.store import load_teacher
from ddcodec.codecs.pixel_digest import digested_variations
from ddcodec.errors import EncodeError, RequestError
from ddcodec.prior.conditioning import Conditioning
from ddcodec.prior.load import Prior, load_prior
from ddcodec.recipe.synthesis import Text2Image
from ddcodec.rendering import text2image as text2image_module
from ddcodec.rendering.text2image import text2image
from ddcodec.synthesis.resample import resize

QUICK = {"sampling_steps": 1, "guidance": "1", "grid": 1}


@pytest.fixture(scope="module")
def artifact(
    image_folder: Path, teacher_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Artifact:
    """Three classes x 2 slots, each of four pictures in four views."""
    out = tmp_path_factory.mktemp("t2i") / "t2i.ddz"
    ddcodec.encode(
        image_folder,
        out,
        method="t2i",
        ipc=2,
        views=4,
        variations=4,
        view="flip",
        teacher=str(teacher_folder),
        label_layers="lossless",
        options=QUICK,
    )
    return ddcodec.open(out)


def test_an_interrupted_encode_draws_no_class_twice(
    image_folder: Path,
    teacher_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Pictures of all classes were drawn first: an hour that an interruption lost."""
    drawn, variations, digested = list[int](), 17, digested_variations(17)
    draw = text2image_module.text2image

    def counted(prior: Prior, prompts: Conditioning, *others: Any) -> UInt8s:
        drawn.append(len(prompts))
        return draw(prior, prompts, *others)

    def interrupt(what: str, done: int, total: int) -> None:
        if (what, done) == ("labels", 1):
            raise KeyboardInterrupt

    monkeypatch.setattr(text2image_module, "text2image", counted)
    out = tmp_path / "t2i.ddz"
    again: dict[str, Any] = {
        **{"method": "t2i", "ipc": 2, "views": variations, "variations": variations},
        **{"view": "flip", "teacher": str(teacher_folder), "options": QUICK},
    }
    with pytest.raises(KeyboardInterrupt):
        ddcodec.encode(image_folder, out, progress=interrupt, **again)
    assert digested < variations
    # A few of each slot for its digest, and the others of one class for its labels.
    assert sum(drawn) == 3 * 2 * digested + 2 * (variations - digested)
    drawn.clear()
    ddcodec.encode(image_folder, out, **again)
    assert sum(drawn) == 2 * 2 * variations, "two classes were left"


def test_it_stores_a_template_and_nothing_of_the_classes(artifact: Artifact) -> None:
    synthesis = artifact.recipe.synthesis
    assert isinstance(synthesis, Text2Image)
    assert (synthesis.prompt, synthesis.vectors, synthesis.negative) == ("A photo of {}", (0,), "")
    prompts = next(s for s in artifact.sections if s.kind == "prompts")
    assert (prompts.codec.name, prompts.raw_len) == ("prompt-text", 2 * 3)
    assert artifact.table.prompt_text(1) == "cross"


def test_pictures_are_those_of_the_written_out_prompt(artifact: Artifact) -> None:
    prior = load_prior("tiny")
    seeds = artifact.table.seeds_of(np.array([(1, 0), (1, 1)]))
    wanted = text2image(
        prior,
        prior.prompt(["A photo of cross"] * 2),
        None,
        seeds,
        artifact.table.schedule(),
        (1, 1),
        (prior.size, prior.size),
    )
    pictures = artifact.renderer().pictures([(1, 0), (1, 1)])
    assert np.array_equal(pictures, resize(wanted, 16, 16))


def test_labels_are_of_the_pictures_that_views_show(
    artifact: Artifact, teacher_folder: Path
) -> None:
    """Lossless labels are the teacher's of the decoded images, to 1/64 nat, in every view."""
    teacher = load_teacher(teacher_folder, artifact.classes)
    renderer, rows = artifact.renderer(), [(c, s) for c in range(3) for s in range(2)]
    for view in range(4):
        logits = teacher.logits(renderer.images(rows, view)).astype(np.float64)
        logits -= logits.mean(axis=1, keepdims=True)
        assert np.abs(artifact.labels.logits(rows, view) / 64 - logits).max() < 0.02
    assert artifact.verify("pixels", sample=1) == 1


def test_texts_take_the_place_of_names(image_folder: Path, tmp_path: Path) -> None:
    texts = tmp_path / "texts.csv"
    texts.write_text("cross,red cross\n")
    out = tmp_path / "t.ddz"
    options = {**QUICK, "texts": str(texts), "negative": "blue", "template": "pixel art of {}"}
    ddcodec.encode(image_folder, out, method="t2i", ipc=1, views=1, labels="hard", options=options)
    artifact = ddcodec.open(out)
    assert [artifact.table.prompt_text(c) for c in range(3)] == [
        "blob",
        "red cross",
        "stripes",
    ]
    synthesis = artifact.recipe.synthesis
    assert isinstance(synthesis, Text2Image)
    assert (synthesis.prompt, synthesis.negative) == ("pixel art of {}", "blue")
    assert len(artifact.info["options"]["texts"]) == 64  # by content, not by place
    part = artifact.subset(tmp_path / "part.ddz", classes=["cross"])
    assert part.table.prompt_text(1) == "red cross"


def test_texts_of_classes_that_are_not_there_are_refused(
    image_folder: Path, tmp_path: Path
) -> None:
    texts = tmp_path / "texts.json"
    texts.write_text('{"crosss": "a cross"}')
    with pytest.raises(RequestError, match="'crosss'"):
        ddcodec.encode(
            image_folder,
            tmp_path / "x.ddz",
            method="t2i",
            labels="hard",
            options={**QUICK, "texts": str(texts)},
        )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"template": "no place"}, "needs {} once"),
        ({"template": "word " * 200 + "{}"}, "shorten"),
        ({"negative": "word " * 200}, "shorten"),
        ({"grid": "3"}, "does not divide"),
    ],
)
def test_prompts_that_cannot_be_drawn_are_refused_before_work(
    image_folder: Path, tmp_path: Path, options: dict[str, str], message: str
) -> None:
    with pytest.raises((EncodeError, RequestError), match=message):
        ddcodec.encode(
            image_folder, tmp_path / "x.ddz", method="t2i", labels="hard", options=options
        )
    assert not list(tmp_path.iterdir())


def test_variations_of_stored_pictures_are_refused() -> None:
    with pytest.raises(RequestError, match="one stored picture"):
        ddcodec.encode("none", "x.ddz", method="rded", variations=2)
    with pytest.raises(RequestError, match="more than views=3"):
        ddcodec.encode("none", "x.ddz", method="t2i", views=3, variations=4)
