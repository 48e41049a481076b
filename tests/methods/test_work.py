"""The work folder: finished pieces survive, and nobody else's files or pieces are touched."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ddcodec.errors import EncodeError, RequestError
from ddcodec.methods.work import WorkFolder


def ones() -> dict[str, Any]:
    return {"x": np.ones(2), "y": np.arange(3, dtype=np.int16)}


def forbidden() -> dict[str, Any]:
    raise AssertionError("this piece was there already")


def piece_path(folder: Path, name: str = "a") -> Path:
    (found,) = folder.glob(f"{name}.piece")
    return found


def kept(folder: Path, job: dict[str, Any], compute: Callable[[], dict[str, Any]] = ones) -> Any:
    with WorkFolder.held(folder, job) as work:
        return work.piece("a", compute)


def test_a_finished_piece_is_not_computed_again(tmp_path: Path) -> None:
    first = kept(tmp_path / "work", {"job": 1})
    second = kept(tmp_path / "work", {"job": 1}, forbidden)
    assert first.keys() == second.keys() == {"x", "y"}
    assert all((first[k] == second[k]).all() and first[k].dtype == second[k].dtype for k in first)


def test_an_interrupted_piece_leaves_nothing(tmp_path: Path) -> None:
    def interrupted() -> dict[str, Any]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        kept(tmp_path / "work", {}, interrupted)
    assert sorted(p.name for p in (tmp_path / "work").iterdir()) == ["job.json", "lock"]


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 torn", b"\x80\x04pickle", b"\x93NUMPY"])
def test_a_damaged_piece_is_computed_again(tmp_path: Path, damage: bytes) -> None:
    kept(tmp_path / "work", {})
    piece_path(tmp_path / "work").write_bytes(damage)
    assert (kept(tmp_path / "work", {})["x"] == 1).all()


@pytest.mark.parametrize("place", [0, 31, 32, 40, -1])
def test_one_bit_is_damage_enough(tmp_path: Path, place: int) -> None:
    kept(tmp_path / "work", {})
    path = piece_path(tmp_path / "work")
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)
    again = kept(tmp_path / "work", {})
    assert again.keys() == {"x", "y"} and (again["x"] == 1).all()
    kept(tmp_path / "work", {}, forbidden)


def test_a_piece_is_taken_for_no_other_and_of_no_other_job(tmp_path: Path) -> None:
    with WorkFolder.held(tmp_path / "work", {"seed": 1}) as work:
        work.piece("b", lambda: {"x": np.zeros(2)})
        piece_path(work.path, "b").rename(work.path / "a.piece")
        assert (work.piece("a", ones)["x"] == 1).all()
    with WorkFolder.held(tmp_path / "other", {"seed": 2}) as work:
        work.piece("a", lambda: {"x": np.zeros(2)})
    piece_path(tmp_path / "other").replace(tmp_path / "work" / "a.piece")
    assert (kept(tmp_path / "work", {"seed": 1})["x"] == 1).all()


def test_a_checkpoint_is_of_its_piece_and_gone_with_it(tmp_path: Path) -> None:
    def interrupted() -> dict[str, Any]:
        checkpoint = work.checkpoint("a")
        assert checkpoint is not None
        checkpoint.every = 0
        checkpoint.offer(lambda: {"step": np.array(7)})
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), WorkFolder.held(tmp_path / "work", {"n": 1}) as work:
        work.piece("a", interrupted)
    with pytest.raises(RequestError, match=r"another job \(n changed from 1 to 2\)"):
        kept(tmp_path / "work", {"n": 2})

    def resumed() -> dict[str, Any]:
        (of_b, of_a) = (work.checkpoint(name) for name in "ba")
        assert of_a is not None and of_b is not None and of_b.restore() is None
        return of_a.restore() or {}

    with WorkFolder.held(tmp_path / "work", {"n": 1}) as work:
        assert work.piece("a", resumed)["step"] == 7
    assert not list((tmp_path / "work").glob("*.checkpoint"))
    assert WorkFolder().checkpoint("a") is None


def test_the_work_of_another_job_is_refused_and_says_what_changed(tmp_path: Path) -> None:
    job = {"ipc": 1, "teacher": "aa" * 32, "options": {"steps": 5, "lr": 0.1}, "torch": "2.12.0"}
    kept(tmp_path / "work", job)
    for changes, said in (
        ({"teacher": "bb" * 32}, "teacher changed"),
        ({"options": {"steps": 6, "lr": 0.1}}, "steps changed from 5 to 6"),
        ({"torch": "2.13.0", "ipc": 2}, 'ipc changed from 1 to 2, torch changed from "2.12.0" to'),
    ):
        with pytest.raises(RequestError, match=rf"another job \({said}"):
            kept(tmp_path / "work", {**job, **changes})
    kept(tmp_path / "work", job, forbidden)


def test_pieces_without_a_record_belong_to_nobody(tmp_path: Path) -> None:
    kept(tmp_path / "work", {"seed": 1}, lambda: {"x": np.zeros(2)})
    (tmp_path / "work" / "job.json").unlink()
    assert (kept(tmp_path / "work", {"seed": 2})["x"] == 1).all()


def test_an_emptied_record_does_not_lock_the_folder_for_ever(tmp_path: Path) -> None:
    kept(tmp_path / "work", {"seed": 1})
    (tmp_path / "work" / "job.json").write_text("")
    kept(tmp_path / "work", {"seed": 1}, forbidden)


def test_a_job_that_failed_before_its_first_piece_leaves_the_folder_free(tmp_path: Path) -> None:
    with WorkFolder.held(tmp_path / "work", {"prior": "mistyped"}):
        pass
    assert (kept(tmp_path / "work", {"prior": "tiny"})["x"] == 1).all()


def test_a_folder_with_somebody_elses_files_is_refused_and_left_alone(tmp_path: Path) -> None:
    for name in ("notes.txt", "job.json", "data.npz"):
        folder = tmp_path / name.partition(".")[0]
        folder.mkdir()
        (folder / name).write_text("mine")
        with pytest.raises(RequestError, match=f"no work of ddcodec's .{name}"):
            kept(folder, {})
        assert [p.name for p in folder.iterdir()] == [name]
        assert (folder / name).read_text() == "mine"


def test_removing_takes_nothing_that_others_put_there(tmp_path: Path) -> None:
    with WorkFolder.held(tmp_path / "work", {}) as work:
        work.piece("a", ones)
        (work.path / "notes.txt").write_text("mine")
        work.remove()
    assert [p.name for p in (tmp_path / "work").iterdir()] == ["notes.txt"]


def test_removing_takes_the_folder_where_nothing_is_left(tmp_path: Path) -> None:
    with WorkFolder.held(tmp_path / "work", {}) as work:
        work.piece("a", ones)
        (work.path / ".a.piece.0a1b2c3d.tmp").write_bytes(b"left by a killed process")
        work.remove()
    assert not (tmp_path / "work").exists()


def hold(folder: Path, held: Any, done: Any) -> None:
    with WorkFolder.held(folder, {}):
        held.set()
        done.wait(20)


def test_a_folder_is_of_one_process_at_a_time(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    held, done = context.Event(), context.Event()
    other = context.Process(target=hold, args=(tmp_path / "work", held, done))
    other.start()
    try:
        assert held.wait(20)
        with pytest.raises(EncodeError, match="another process is at work"):
            kept(tmp_path / "work", {})
    finally:
        done.set()
        other.join()
    kept(tmp_path / "work", {})


def test_a_folder_that_cannot_be_made_is_our_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(EncodeError, match="work folder"):
        kept(tmp_path / "file" / "work", {})


def test_a_folder_of_nowhere_keeps_nothing() -> None:
    work = WorkFolder()
    assert (work.piece("a", ones)["x"] == 1).all()
    with pytest.raises(AssertionError):
        work.piece("a", forbidden)
