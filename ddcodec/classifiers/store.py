"""Teachers on disk and from the hub: a folder of ``config.json`` and ``model.safetensors``."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save

from ddcodec.arrays import Int64s, Progress, StepProgress, UInt8s
from ddcodec.classifiers.architectures import build
from ddcodec.classifiers.pretrained import CONFIG, find_folder, load_pretrained, name_of
from ddcodec.classifiers.probe import teacher_digest
from ddcodec.classifiers.teacher import Teacher
from ddcodec.classifiers.teacher_training import TeacherSettings, train_teacher
from ddcodec.classifiers.training import Statistics
from ddcodec.devices import computed_with
from ddcodec.errors import (
    ChecksumMismatchError,
    EncodeError,
    ModelMismatchError,
    RequestError,
)
from ddcodec.files import (
    cache_folder,
    discard,
    json_text,
    locked,
    opened_cache,
    private,
    read_json,
    whole_folder,
)
from ddcodec.files.sealed import Checkpoint

__all__ = ["TeacherCache", "load_teacher", "save_teacher", "teacher_key"]

SCHEMA = "ddcodec.teacher/1"
_CHECKPOINT = "teacher.checkpoint"
_WEIGHTS = "model.safetensors"


def save_teacher(teacher: Teacher, folder: str | os.PathLike[str]) -> None:
    """Write a teacher trained here as a folder, which appears whole or not at all.

    Raises:
        RequestError: the folder exists, or the teacher came from elsewhere.
        EncodeError: it cannot be written.
    """
    target = Path(folder)
    if not teacher.training:
        raise RequestError(
            f"the teacher {teacher.arch} was not trained by ddcodec, which can save its own only: "
            "keep what you made it from"
        )
    if target.exists():
        raise RequestError(f"{target} exists already: choose another folder, or remove it")
    try:
        _write_folder(teacher, target)
    except OSError as error:
        raise EncodeError(
            f"cannot write the teacher to {target} ({error.strerror}): free space or choose "
            "another folder"
        ) from error


def _write_folder(teacher: Teacher, target: Path, **more: str) -> None:
    with whole_folder(target) as folder:
        tensors = {k: v.detach().cpu().contiguous() for k, v in teacher.module.state_dict().items()}
        # Not by the library, whose own errors are no system errors.
        (folder / _WEIGHTS).write_bytes(save(tensors))
        config = {
            "schema": SCHEMA,
            "arch": teacher.arch,
            "classes": list(_all_classes(teacher)),
            "size": list(teacher.size),
            "mean": list(teacher.statistics.mean),
            "std": list(teacher.statistics.std),
            "training": teacher.training,
            "digest": teacher.digest,
            **more,
        }
        text = json_text(config, indent=1)
        (folder / CONFIG).write_text(text + "\n", encoding="utf-8")


def _all_classes(teacher: Teacher) -> tuple[str, ...]:
    if teacher.columns is not None:
        raise EncodeError("save a teacher before its columns are reordered")
    return teacher.classes


def load_teacher(
    spec: str | os.PathLike[str],
    class_names: Sequence[str],
    readable: Sequence[str] | None = None,
    *,
    device: str | torch.device = "cpu",
    progress: Progress | None = None,
) -> Teacher:
    """Load a teacher and order its columns as ``class_names``, matched by name.

    Args:
        spec: a folder written by :func:`save_teacher`, a folder of an image classifier of
            ``transformers`` or ``timm``, a hub id of one, optionally with ``@revision``, or
            ``timm:NAME``.
        class_names: the classes wanted, in order.
        readable: what else each of them is called.
        device: torch device.
        progress: called with megabytes before and while a teacher of the hub is fetched.

    Raises:
        ModelMismatchError: not a teacher, or one that does not know all the classes.
        ChecksumMismatchError: the weights are not those the folder was written with.
        DecodeError: the hub cannot be reached, or the teacher does not fit the disk.
    """
    label = os.fspath(spec)
    folder = find_folder(label, progress)
    config = _read_config(folder)
    if config.get("schema") == SCHEMA:
        teacher = _load_own(folder, config)
    else:
        teacher = load_pretrained(folder, config, name_of(label, folder))
    return teacher.for_classes(class_names, readable).to(device)


def teacher_key(
    fingerprint: str, size: tuple[int, int], classes: Sequence[str], settings: TeacherSettings
) -> str:
    """SHA-256 (hex) that names a trained teacher: its source and all that shaped it."""
    value = {
        "schema": SCHEMA,
        "source": fingerprint,
        "size": list(size),
        "classes": list(classes),
        "settings": asdict(settings),
    }
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


class TeacherCache:
    """Teachers that were trained on this machine, by their source and settings.

    What cannot be kept is trained all the same, and what is damaged is trained again: ``warn`` is
    told, and no encode fails for it.

    Args:
        fingerprint: of the source folder (``Source.fingerprint``).
        size: (width, height) in pixels of the training pictures.
        classes: class names, in index order.
        settings: how to train.
        warn: called with one sentence.
    """

    def __init__(
        self,
        fingerprint: str,
        size: tuple[int, int],
        classes: Sequence[str],
        settings: TeacherSettings,
        warn: Callable[[str], None],
    ) -> None:
        self.size, self.classes, self.settings, self.warn = size, classes, settings, warn
        self.key = teacher_key(fingerprint, size, classes, settings)
        self.folder = cache_folder("teachers") / self.key

    def find(self) -> Teacher | None:
        """The teacher, if it was trained already, for what it is asked for now, and can be read."""
        if not os.path.lexists(self.folder):
            return None
        try:
            if not private(self.folder):
                self.warn(
                    f"the cached teacher {self.folder} is not used, because others than you may "
                    "have written it: set DDCODEC_CACHE to a folder of your own"
                )
                return None
            if _read_config(self.folder).get("key") != self.key:
                raise ModelMismatchError(f"{self.folder} holds the teacher of other pictures")
            return load_teacher(self.folder, self.classes)
        except MemoryError:
            raise  # nothing is wrong with it
        except Exception as error:  # whatever is wrong with it: it only costs time
            self.warn(f"the cached teacher is damaged, and another is trained: {error}")
            discard(self.folder)
            return None

    def train(
        self,
        load: Callable[[], tuple[UInt8s, Int64s]],
        progress: StepProgress | None = None,
        *,
        device: str | torch.device = "cpu",
    ) -> Teacher:
        """Train it, or wait for whoever trains it already; going on where training was stopped.

        Args:
            load: called only when training is needed: uint8[n, h, w, 3] and int64[n].
            progress: called with (done, total) training steps.
            device: torch device.

        Raises:
            EncodeError: the pictures cannot be trained on.
        """
        training = self.folder.with_name(f"{self.folder.name}.training")

        def waiting() -> None:
            if progress is not None:
                progress(0, self.settings.steps)

        with ExitStack() as stack:
            # What the weights follow from, and so those that training goes on with.
            bound = json.dumps([self.key, computed_with(device)]).encode()
            checkpoint: Checkpoint | None = Checkpoint(training / _CHECKPOINT, bound)
            try:
                opened_cache("teachers")
                # Whoever asks for the same teacher meanwhile waits, and does not train another.
                stack.enter_context(locked(training, wait=waiting, remove=True))
            except OSError as error:
                self._cannot_keep(error)
                checkpoint = None
            if (found := self.find()) is not None:
                return found
            made = train_teacher(
                *load(), self.classes, self.settings, progress, device=device, checkpoint=checkpoint
            )
            if checkpoint is not None:
                try:
                    _write_folder(made, self.folder, key=self.key)
                    checkpoint.remove()
                except (OSError, EncodeError) as error:
                    self._cannot_keep(error)
        return made.for_classes(self.classes)

    def _cannot_keep(self, error: OSError | EncodeError) -> None:
        why = error.strerror if isinstance(error, OSError) else error
        self.warn(
            f"the teacher cannot be kept in {self.folder.parent} ({why}) and will be "
            "trained again next time: set DDCODEC_CACHE to a folder that can be written"
        )


def _read_config(folder: Path) -> dict[str, Any]:
    try:
        return read_json(folder / CONFIG)
    except (OSError, ValueError) as error:
        raise ModelMismatchError(
            f"{folder} holds no readable {CONFIG} ({error}): give a teacher's folder or a hub id"
        ) from error


def _load_own(folder: Path, config: Mapping[str, Any]) -> Teacher:
    try:
        classes = tuple(str(name) for name in config["classes"])
        width, height = (int(v) for v in config["size"])
        statistics = Statistics(_triple(config["mean"]), _triple(config["std"]))
        arch, digest = str(config["arch"]), str(config["digest"])
        training = dict(config["training"])
    except (KeyError, TypeError, ValueError) as error:
        raise ModelMismatchError(
            f"{folder / CONFIG} is damaged ({error!r}): train again"
        ) from error
    try:
        module = build(arch, len(classes), width)
        module.load_state_dict(load_file(folder / _WEIGHTS))
    except (OSError, SafetensorError, RuntimeError, RequestError) as error:
        raise ModelMismatchError(
            f"{folder / _WEIGHTS} does not hold the weights of a {arch}: train again"
        ) from error
    if teacher_digest(module, classes, statistics) != digest:
        raise ChecksumMismatchError(
            f"the weights in {folder} are not those it was written with: train again"
        )
    module.eval()
    return Teacher(module, classes, statistics, (width, height), arch, digest, training)


def _triple(values: Sequence[int]) -> tuple[int, int, int]:
    r, g, b = (int(v) for v in values)
    return r, g, b
