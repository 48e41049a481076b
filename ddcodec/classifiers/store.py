"""Teachers on disk and from the hub: a folder of ``config.json`` and ``model.safetensors``."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from ddcodec import hub
from ddcodec.arrays import Int64s, Progress, StepProgress, UInt8s
from ddcodec.classifiers.architectures import Logits, build
from ddcodec.classifiers.teacher import (
    Teacher,
    TeacherSettings,
    teacher_digest,
    train_teacher,
)
from ddcodec.classifiers.training import Statistics
from ddcodec.errors import (
    ChecksumMismatchError,
    DecodeError,
    EncodeError,
    MissingDependencyError,
    ModelMismatchError,
)
from ddcodec.files import cache_folder, locked, read_json, whole_folder

__all__ = ["cached_teacher", "load_teacher", "save_teacher", "teacher_key", "teacher_to_fetch"]

SCHEMA = "ddcodec.teacher/1"
_CONFIG = "config.json"
_WEIGHTS = "model.safetensors"
# Whole, or in shards with their index; no variant, which transformers would not load unasked.
_WEIGHT_FILE = re.compile(r"model(-\d+-of-\d+)?\.safetensors(\.index\.json)?")
_HALF = Statistics((32768, 32768, 32768), (32768, 32768, 32768))


def save_teacher(teacher: Teacher, folder: str | os.PathLike[str]) -> None:
    """Write a teacher trained here as a folder, which appears whole or not at all.

    Raises:
        EncodeError: the folder exists, cannot be written, or the teacher came from elsewhere.
    """
    target = Path(folder)
    if isinstance(teacher.module, Logits) and not teacher.training:
        raise EncodeError("this teacher came from a transformers folder: keep that folder")
    if target.exists():
        raise EncodeError(f"{target} exists already: choose another folder, or remove it")
    try:
        _write_folder(teacher, target)
    except OSError as error:
        raise EncodeError(
            f"cannot write the teacher to {target} ({error.strerror}): free space or choose "
            "another folder"
        ) from error


def _write_folder(teacher: Teacher, target: Path) -> None:
    with whole_folder(target) as folder:
        tensors = {k: v.detach().cpu().contiguous() for k, v in teacher.module.state_dict().items()}
        save_file(tensors, folder / _WEIGHTS)
        config = {
            "schema": SCHEMA,
            "arch": teacher.arch,
            "classes": list(_all_classes(teacher)),
            "size": list(teacher.size),
            "mean": list(teacher.statistics.mean),
            "std": list(teacher.statistics.std),
            "training": teacher.training,
            "digest": teacher.digest,
        }
        text = json.dumps(config, indent=1, ensure_ascii=False)
        (folder / _CONFIG).write_text(text + "\n", encoding="utf-8")


def _all_classes(teacher: Teacher) -> tuple[str, ...]:
    if teacher.columns is not None:
        raise EncodeError("save a teacher before its columns are reordered")
    return teacher.classes


def load_teacher(
    spec: str | os.PathLike[str],
    class_names: Sequence[str],
    readable: Sequence[str] | None = None,
    *,
    device: str = "cpu",
    progress: Progress | None = None,
) -> Teacher:
    """Load a teacher and order its columns as ``class_names``, matched by name.

    Args:
        spec: a folder written by :func:`save_teacher`, a folder of a ``transformers`` image
            classifier, or a hub id, optionally with ``@revision``.
        class_names: the classes wanted, in order.
        readable: what else each of them is called.
        device: torch device.
        progress: called with megabytes before and while a teacher of the hub is fetched.

    Raises:
        ModelMismatchError: not a teacher, or one that does not know all the classes.
        ChecksumMismatchError: the weights are not those the folder was written with.
        DecodeError: the hub cannot be reached, or the teacher does not fit the disk.
    """
    folder = Path(spec)
    label = str(spec)
    if not folder.is_dir():
        folder = _download(label, progress)
    config = _read_config(folder)
    if config.get("schema") == SCHEMA:
        teacher = _load_own(folder, config)
    elif "architectures" in config:
        teacher = _load_transformers(folder, config, label)
    else:
        raise ModelMismatchError(
            f"{folder} holds no teacher: its {_CONFIG} is neither ddcodec's nor that of a "
            "transformers image classifier"
        )
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


def cached_teacher(
    fingerprint: str,
    size: tuple[int, int],
    classes: Sequence[str],
    settings: TeacherSettings,
    load: Callable[[], tuple[UInt8s, Int64s]],
    progress: StepProgress | None = None,
    *,
    device: str = "cpu",
) -> Teacher:
    """The teacher of this source and these settings, trained at most once a machine.

    Args:
        fingerprint: of the source folder (``Source.fingerprint``).
        size: (width, height) in pixels of the training pictures.
        classes: class names, in index order.
        settings: how to train.
        load: called only when training is needed: uint8[n, h, w, 3] and int64[n].
        progress: called with (done, total) training steps.
        device: torch device.

    Raises:
        EncodeError: the pictures cannot be trained on, or the cache cannot be written.
    """
    folder = cache_folder("teachers") / teacher_key(fingerprint, size, classes, settings)
    if folder.is_dir():
        return load_teacher(folder, classes, device=device)
    training = folder.with_name(f"{folder.name}.training")

    def waiting() -> None:
        if progress is not None:
            progress(0, settings.steps)

    try:
        # Whoever asks for the same teacher meanwhile waits, and does not train another.
        with locked(training, wait=waiting, remove=True):
            if not folder.is_dir():
                images, labels = load()
                made = train_teacher(images, labels, classes, settings, progress, device=device)
                _write_folder(made, folder)
    except OSError as error:
        raise EncodeError(
            f"cannot write the teacher to {folder} ({error.strerror}): set DDCODEC_CACHE to "
            "a folder with space"
        ) from error
    return load_teacher(folder, classes, device=device)


def _read_config(folder: Path) -> dict[str, Any]:
    try:
        return read_json(folder / _CONFIG)
    except (OSError, ValueError) as error:
        raise ModelMismatchError(
            f"{folder} holds no readable {_CONFIG} ({error}): give a teacher's folder or a hub id"
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
            f"{folder / _CONFIG} is damaged ({error!r}): train again"
        ) from error
    try:
        module = build(arch, len(classes), width)
        module.load_state_dict(load_file(folder / _WEIGHTS))
    except (OSError, SafetensorError, RuntimeError) as error:
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


def teacher_to_fetch(spec: str | os.PathLike[str]) -> dict[str, int]:
    """Hub id and commit -> bytes, where not all of a teacher is on this machine; fetches nothing.

    Raises: as :func:`load_teacher`, of what can be known without the teacher.
    """
    if Path(spec).is_dir():
        return {}
    found = _on_hub(str(spec))
    if isinstance(found, Path):
        return {}
    repository, paths = found
    size = sum(repository.missing(paths).values())
    return {f"{repository.name}@{repository.commit}": size} if size else {}


def _download(spec: str, progress: Progress | None) -> Path:
    """A hub snapshot's folder: configuration and safetensors only."""
    found = _on_hub(spec)
    if isinstance(found, Path):
        return found
    folder = hub.fetch(*found, progress)
    assert folder is not None
    return folder


def _on_hub(spec: str) -> Path | tuple[hub.Repository, list[str]]:
    """A repository and the files that are needed of it; without a network, what is here."""
    repo, _, revision = spec.partition("@")
    if not hub.is_hub_id(repo):
        raise ModelMismatchError(
            f"{spec} is neither a folder nor a hub id of the form owner/name[@revision]"
        )
    try:
        found = hub.look_up(repo, revision or None)
    except hub.HubUnreachableError as error:
        here = hub.cached_folder(repo, revision or None, _CONFIG)
        if here is None or not any(here.glob("*.safetensors")):
            raise DecodeError(
                f"the teacher {spec} is not on this machine, and {error}; or give a folder"
            ) from error
        return here
    weights = [path for path in found.files if _WEIGHT_FILE.fullmatch(path)]
    if _CONFIG not in found.files or not weights:
        raise ModelMismatchError(
            f"{spec} holds no image classifier of transformers with weights in safetensors; give "
            "another teacher"
        )
    settings = [path for path in (_CONFIG, "preprocessor_config.json") if path in found.files]
    return found, [*settings, *weights]


def _load_transformers(folder: Path, config: Mapping[str, Any], label: str) -> Teacher:
    try:
        from transformers import AutoModelForImageClassification
    except ImportError as error:
        raise MissingDependencyError(
            f"the teacher {label} needs transformers: pip install transformers"
        ) from error
    names = config.get("id2label")
    if not isinstance(names, dict) or not names or not all(map(str.isdecimal, names)):
        raise ModelMismatchError(
            f"the teacher {label} does not name its classes (id2label): they cannot be matched"
        )
    classes = tuple(str(names[key]) for key in sorted(names, key=int))
    try:
        model: nn.Module = AutoModelForImageClassification.from_pretrained(
            folder, use_safetensors=True, dtype=torch.float32, local_files_only=True
        )
    except (OSError, ValueError, RuntimeError) as error:
        raise ModelMismatchError(
            f"{label} is not an image classifier in safetensors: {error}"
        ) from error
    size, statistics = _preprocessing(folder, config)
    module = Logits(model).eval()
    digest = teacher_digest(module, classes, statistics)
    return Teacher(module, classes, statistics, size, label, digest)


def _preprocessing(folder: Path, config: Mapping[str, Any]) -> tuple[tuple[int, int], Statistics]:
    """Input size and statistics of a ``transformers`` classifier; 1/2 and 1/2 when unstated."""
    path = folder / "preprocessor_config.json"
    try:
        stated = read_json(path) if path.is_file() else {}
        side: Any = stated.get("crop_size") or stated.get("size") or config.get("image_size") or 224
        if isinstance(side, dict):
            edge: Any = side.get("shortest_edge", 224)
            size = int(side.get("width", edge)), int(side.get("height", edge))
        else:
            size = int(side), int(side)
        if "image_mean" not in stated or "image_std" not in stated:
            return size, _HALF
        mean = _triple([round(65536 * v) for v in stated["image_mean"]])
        std = _triple([round(65536 * v) for v in stated["image_std"]])
    except (OSError, TypeError, ValueError) as error:
        raise ModelMismatchError(
            f"{path} does not say the size, mean and deviation of input pictures ({error}): "
            "fetch it again, or give another teacher"
        ) from error
    return size, Statistics(mean, std)
