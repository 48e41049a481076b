"""Jobs are known by what they are made of, and no two of them share anything that changes."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

import ddcodec
from ddcodec.devices import computed_with
from ddcodec.encoding import inputs
from ddcodec.encoding.labelling import Labelling
from ddcodec.encoding.plain_sections import hard_label_sections, seed_sections
from ddcodec.errors import EncodeError, RequestError
from ddcodec.labels.encoder.encoder import EncodedLabels, LabelEncoder
from ddcodec.table.slots import MAX_VALUES
from tests.artifacts import encode_small, everything, quick_teacher, stored_head

SOFT: dict[str, Any] = {"labels": "soft", "label_layers": "lossless", "ipc": 2}


@pytest.fixture(scope="module")
def teachers(image_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two teachers whose folders have one name."""
    first, second = (tmp_path_factory.mktemp(parent) / "teacher" for parent in ("a", "b"))
    return quick_teacher(image_folder, first), quick_teacher(image_folder, second, seed=1)


def test_a_resumed_job_never_takes_another_teachers_answers(
    image_folder: Path,
    teachers: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ask = Labelling._ask

    def interrupted(self: Labelling, teacher: Any, class_index: int) -> Any:
        if class_index == 1:
            raise KeyboardInterrupt
        return ask(self, teacher, class_index)

    with monkeypatch.context() as patch:
        patch.setattr(Labelling, "_ask", interrupted)
        with pytest.raises(KeyboardInterrupt):
            encode_small(image_folder, tmp_path / "a.ddz", teacher=str(teachers[0]), **SOFT)
    with pytest.raises(RequestError, match=r"another job \(teacher changed\)"):
        encode_small(image_folder, tmp_path / "a.ddz", teacher=str(teachers[1]), **SOFT)
    # The same folder, trained anew in place, is another teacher too.
    place = tmp_path / "teacher"
    shutil.copytree(teachers[1], place)
    with pytest.raises(RequestError, match="teacher changed"):
        encode_small(image_folder, tmp_path / "a.ddz", teacher=str(place), **SOFT)
    # A copy of the first one is the same teacher, wherever it is.
    shutil.rmtree(place)
    shutil.copytree(teachers[0], place)
    resumed = encode_small(image_folder, tmp_path / "a.ddz", teacher=str(place), **SOFT)
    whole = encode_small(image_folder, tmp_path / "b.ddz", teacher=str(teachers[0]), **SOFT)
    assert resumed.digest == whole.digest


def test_a_changed_source_is_another_job(image_folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(image_folder / "train", copy)
    request: dict[str, Any] = {"work": tmp_path / "work", "ipc": 2}
    encode_small(copy, tmp_path / "a.ddz", **request)
    (copy / "blob" / "00.png").unlink()
    with pytest.raises(RequestError, match=r"another job \(source changed\)"):
        encode_small(copy, tmp_path / "b.ddz", **request)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"seed": 1}, "seed changed from 0 to 1"),
        ({"size": 8}, r"size changed from \[16, 16\] to \[8, 8\]"),
        ({"class_names": "names.csv"}, "names changed"),
        ({"quality": 70}, "quality changed"),
        ({"torch": "2.0.0"}, 'torch changed from ".*" to "2.0.0"'),
        ({"processor": "an old one"}, 'processor changed from ".*" to "an old one"'),
    ],
)
def test_a_change_between_interrupt_and_resume_is_refused_and_named(
    image_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    changes: dict[str, Any],
    said: str,
) -> None:
    def interrupted(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("ddcodec.encoding.encode.write_container", interrupted)
        with pytest.raises(KeyboardInterrupt):
            encode_small(image_folder, tmp_path / "a.ddz", ipc=2)
    (tmp_path / "names.csv").write_text("blob,a blob\ncross,a cross\nstripes,some stripes\n")
    monkeypatch.chdir(tmp_path)
    machine = {k: v for k, v in changes.items() if k in ("torch", "processor")}
    monkeypatch.setattr(inputs, "computed_with", lambda d: {**computed_with(d), **machine})
    options = {k: v for k, v in changes.items() if k not in machine}
    with pytest.raises(RequestError, match=rf"another job \({said}"):
        encode_small(image_folder, tmp_path / "a.ddz", ipc=2, **options)
    monkeypatch.undo()
    whole = encode_small(image_folder, tmp_path / "b.ddz", ipc=2)
    assert encode_small(image_folder, tmp_path / "a.ddz", ipc=2).digest == whole.digest


def test_passes_of_a_label_search_are_kept(
    image_folder: Path,
    teachers: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Once all are measured, only the labels that were chosen are coded again."""
    passes: list[float] = []
    encode = LabelEncoder.encode

    def counted(self: LabelEncoder, fineness: float) -> EncodedLabels:
        passes.append(fineness)
        return encode(self, fineness)

    monkeypatch.setattr(LabelEncoder, "encode", counted)
    request: dict[str, Any] = {"labels": "soft", "ipc": 4, "teacher": str(teachers[0])}
    first = encode_small(image_folder, tmp_path / "a.ddz", work=tmp_path / "w", **request)
    tried = len(passes)
    again = encode_small(image_folder, tmp_path / "b.ddz", work=tmp_path / "w", **request)
    assert tried > 1 and len(passes) == tried + 1
    assert again.digest == first.digest


HOLD = """
import sys, time
from pathlib import Path
import ddcodec
from ddcodec.methods.random_images import RandomImages
fill = RandomImages.fill
def slow(self, job):
    print("held", flush=True)
    sys.stdin.readline()
    return fill(self, job)
RandomImages.fill = slow
src, out, *work = sys.argv[1:]
ddcodec.encode(src, out, method="random", ipc=2, views=2, labels="hard", work=(work or [None])[0])
"""


@contextmanager
def held_encode(src: Path, *places: Path) -> Iterator[Callable[[], None]]:
    """Another process in the middle of an encode; it goes on when what this yields is called."""
    words = [sys.executable, "-c", HOLD, str(src), *map(str, places)]
    with subprocess.Popen(words, stdin=-1, stdout=-1, text=True) as process:
        assert process.stdout is not None and process.stdin is not None
        assert process.stdout.readline() == "held\n"
        yield process.stdin.close
        assert process.wait(60) == 0


def test_one_file_is_written_by_one_encode_at_a_time(image_folder: Path, tmp_path: Path) -> None:
    """The second is refused before it does anything, and the first is right."""
    target = tmp_path / "a.ddz"
    with held_encode(image_folder, target) as release:
        request: dict[str, Any] = {"ipc": 2, "views": 2, "seed": 1}
        with pytest.raises(EncodeError, match="another process is at work"):
            encode_small(image_folder, target, **request)
        # Nor does a work folder of its own let it write the same file.
        with pytest.raises(EncodeError, match="another process is at work"):
            encode_small(image_folder, target, work=tmp_path / "own", **request)
        release()
    alone = encode_small(image_folder, tmp_path / "b.ddz", ipc=2, views=2)
    assert ddcodec.open(target).digest == alone.digest
    assert {p.name for p in tmp_path.iterdir()} == {"a.ddz", "b.ddz"}


@pytest.mark.parametrize("seed", [0, 1], ids=["the same job", "another job"])
def test_a_chosen_work_folder_serves_one_encode_after_another(
    image_folder: Path, tmp_path: Path, seed: int
) -> None:
    """The second waits and says so; then it goes on with the same pieces, or is refused."""
    work = tmp_path / "work"
    with held_encode(image_folder, tmp_path / "a.ddz", work) as release:
        said: list[str] = []

        def progress(what: str, done: int, total: int) -> None:
            if what.startswith("waiting"):
                said.append(what)
                release()

        request: dict[str, Any] = {"ipc": 2, "views": 2, "work": work, "progress": progress}
        if seed:
            with pytest.raises(RequestError, match=r"another job \(seed changed from 0 to 1\)"):
                encode_small(image_folder, tmp_path / "b.ddz", seed=seed, **request)
        else:
            second = encode_small(image_folder, tmp_path / "b.ddz", **request)
            assert second.digest == ddcodec.open(tmp_path / "a.ddz").digest
        assert said == [f"waiting for another encode in {work}"]


def test_somebody_elses_folder_beside_the_target_is_left_alone(
    image_folder: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "a.ddz.work"
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(RequestError, match="no work of ddcodec's"):
        encode_small(image_folder, tmp_path / "a.ddz")
    encode_small(image_folder, tmp_path / "a.ddz", work=tmp_path / "work")
    assert [p.name for p in folder.iterdir()] == ["notes.txt"]
    assert (folder / "notes.txt").read_text() == "mine"


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes of plain pictures, which are quick to code at any size."""
    root = tmp_path_factory.mktemp("few")
    for name in ("a", "b"):
        (root / name).mkdir()
        for number in range(36):
            colour = (7 * number, 255 - 7 * number, 90)
            Image.new("RGB", (8, 8), colour).save(root / name / f"{number:02d}.png")
    return root


@pytest.mark.parametrize(("size", "ipc"), [((4096, 16), 12), (700, 10)])
def test_large_pictures_are_divided_into_sections_that_can_be_read(
    few: Path, tmp_path: Path, size: Any, ipc: int
) -> None:
    out = tmp_path / "large.ddz"
    request: dict[str, Any] = {"method": "random", "labels": "hard", "size": size, "ipc": ipc}
    ddcodec.encode(few, out, views=1, quality=1, dry_run=True, **request)
    ddcodec.encode(few, out, views=1, quality=1, **request)
    artifact = ddcodec.open(out)
    assert artifact.verify("structure") == 0
    for section in artifact.table.sections("patches"):
        count = section.box.class_count * section.box.slot_count
        assert count * section.codec.params["width"] * section.codec.params["height"] <= MAX_VALUES
    width, height = (size, size) if isinstance(size, int) else size
    last = artifact.renderer().pictures([(1, ipc - 1)])
    assert last.shape == (1, height, width, 3)


def test_pictures_that_no_section_holds_are_refused_at_once(few: Path, tmp_path: Path) -> None:
    for dry_run in (False, True):
        with pytest.raises(RequestError, match="5000x5000 pixels cannot be stored"):
            ddcodec.encode(
                few, tmp_path / "a.ddz", method="random", labels="hard", size=5000, dry_run=dry_run
            )


@pytest.mark.parametrize(
    ("classes", "ipc", "views"), [(3000, 6000, 100), (2, 1 << 12, 1 << 14), (1, 1 << 24, 2)]
)
def test_labels_and_seeds_of_large_tables_keep_within_a_section(
    classes: int, ipc: int, views: int
) -> None:
    head = stored_head(classes, ipc=ipc, views=views)
    for section in hard_label_sections(head):
        box = section.box
        assert box.class_count * ipc * (box.view_count or views) <= MAX_VALUES
    assert all(s.box.class_count * ipc <= MAX_VALUES for s in seed_sections(head, 0))
    assert sum(s.box.class_count for s in seed_sections(head, 0)) == classes


def test_too_many_labels_are_refused_before_the_work(image_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="more than the 2147483648 labels"):
        encode_small(image_folder, tmp_path / "a.ddz", views=1 << 24, ipc=100)


def test_the_coarsest_quality_is_allowed(image_folder: Path, tmp_path: Path) -> None:
    made = encode_small(image_folder, tmp_path / "a.ddz", quality=1)
    assert len(everything(made)) == 36


@pytest.mark.parametrize(("method", "trains"), [("d3m", True), ("t2i", False)])
def test_what_is_trained_goes_on_with_the_same_number_of_threads_only(
    image_folder: Path, teachers: tuple[Path, Path], method: str, trains: bool
) -> None:
    options = ddcodec.EncodeOptions(method=method, teacher=str(teachers[0]), device="cpu")
    made = inputs.Inputs(ddcodec.open_source(image_folder), options)
    assert made.job(1).threads == torch.get_num_threads()
    made.threads = 3
    assert made.job(1).threads == 3 and made.key().get("threads") == (3 if trains else None)
