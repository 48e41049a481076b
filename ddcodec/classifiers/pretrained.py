"""Teachers that others trained: image classifiers of ``transformers`` and of ``timm``.

Both come as a folder, or from the hub, with ``config.json`` and weights in safetensors; no code of
theirs is run. Their own tests crop the middle of a picture; a teacher sees whole pictures at its
input size, because views are crops already and the labels are to be of all that a student sees.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ddcodec import hub
from ddcodec.arrays import Progress
from ddcodec.classifiers.architectures import Logits
from ddcodec.classifiers.teacher import Teacher
from ddcodec.errors import (
    DecodeError,
    ModelMismatchError,
    RequestError,
)
from ddcodec.extras import needed_for
from ddcodec.files import read_json
from ddcodec.imagenet import classes as imagenet_classes

__all__ = ["CONFIG", "find_folder", "load_pretrained", "name_of", "teacher_to_fetch"]

CONFIG = "config.json"
_TIMM = "timm:"
# Whole, or in shards with their index; no variant, which transformers would not load unasked.
_WEIGHT_FILE = re.compile(r"model(-\d+-of-\d+)?\.safetensors(\.index\.json)?")
# A processor stands alone, or among those of a model of several kinds of input.
_PROCESSORS = ("preprocessor_config.json", "processor_config.json")


def load_pretrained(folder: Path, config: Mapping[str, Any], label: str) -> Teacher:
    """The classifier in a folder, with all its classes.

    Args:
        folder: ``config.json``, weights in safetensors and, of ``transformers``, the settings of
            the image processor.
        config: what ``config.json`` holds.
        label: what to call it in messages and artifacts.

    Raises:
        ModelMismatchError: it is no image classifier, or something of it is missing.
        MissingDependencyError: it is timm's, which is not installed.
    """
    if "architecture" in config:
        return _load_timm(folder, label)
    if "architectures" in config:
        return _load_transformers(folder, config, label)
    raise ModelMismatchError(
        f"{folder} holds no teacher: its {CONFIG} is neither ddcodec's nor that of an image "
        "classifier of transformers or timm"
    )


def find_folder(spec: str, progress: Progress | None = None) -> Path:
    """The folder of a teacher: itself, or a snapshot of the hub, fetched if it is not here.

    Args:
        spec: a folder, a hub id ``owner/name[@revision]``, or either of timm's after ``timm:``,
            where a name of timm's own also stands for the hub id of its weights.
        progress: called with megabytes before and while files are fetched.

    Raises: as :func:`ddcodec.classifiers.store.load_teacher`.
    """
    found = _locate(spec)
    if isinstance(found, Path):
        return found
    folder = hub.fetch(*found, progress)
    assert folder is not None
    return folder


def teacher_to_fetch(spec: str | os.PathLike[str]) -> dict[str, int]:
    """Hub id and commit -> bytes, where not all of a teacher is on this machine; fetches nothing.

    Raises: as :func:`ddcodec.classifiers.store.load_teacher`, of what can be known without the
        teacher.
    """
    found = _locate(os.fspath(spec))
    if isinstance(found, Path):
        return {}
    repository, paths = found
    size = sum(repository.missing(paths).values())
    return {f"{repository.name}@{repository.commit}": size} if size else {}


def _locate(spec: str) -> Path | tuple[hub.Repository, list[str]]:
    """A folder, or a repository and the files needed of it; without a network, what is here."""
    name = spec.removeprefix(_TIMM)
    if Path(name).is_dir():
        return Path(name)
    if name != spec and "/" not in name:
        name = _timm_weights(name)
    repo, _, revision = name.partition("@")
    if not hub.is_hub_id(repo):
        raise RequestError(
            f"{spec} is neither a folder, nor a hub id of the form owner/name[@revision], nor "
            "timm:NAME"
        )
    try:
        found = hub.look_up(repo, revision or None)
    except hub.HubUnreachableError as error:
        here = hub.cached_folder(repo, revision or None, CONFIG)
        if here is None or not any(here.glob("*.safetensors")):
            raise DecodeError(
                f"the teacher {spec} is not on this machine, and {error}; or give a folder"
            ) from error
        return here
    weights = [path for path in found.files if _WEIGHT_FILE.fullmatch(path)]
    if CONFIG not in found.files or not weights:
        raise ModelMismatchError(
            f"{spec} holds no image classifier of transformers or timm with weights in "
            "safetensors; give another teacher"
        )
    settings = [path for path in (CONFIG, *_PROCESSORS) if path in found.files]
    return found, [*settings, *weights]


def _timm(label: str) -> Any:
    with needed_for(f"the teacher {label}"):
        import timm
    return timm


def _timm_weights(name: str) -> str:
    """The hub id of the weights of a model that timm knows."""
    timm = _timm(_TIMM + name)
    try:
        found = timm.models.get_pretrained_cfg(name)
    except RuntimeError as error:
        raise ModelMismatchError(f"{_TIMM}{name}: {error}") from error
    if found is None or not found.hf_hub_id:
        raise RequestError(
            f"timm has no weights on the hub for {name!r}: choose one of "
            "timm.list_pretrained(), or give a folder of yours, timm:FOLDER"
        )
    return str(found.hf_hub_id)


def _load_timm(folder: Path, label: str) -> Teacher:
    timm = _timm(label)
    if not (folder / "model.safetensors").is_file():
        raise ModelMismatchError(
            f"the teacher {label} has no weights in safetensors: save it again with "
            "timm.models.save_for_hf(model, FOLDER, safe_serialization=True)"
        )
    try:
        model = timm.create_model(f"local-dir:{folder}", pretrained=True)
        data = timm.data.resolve_model_data_config(model)
    except (OSError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise ModelMismatchError(f"timm cannot load the teacher {label}: {error}") from error
    channels, height, width = data["input_size"]
    if channels != 3:
        raise ModelMismatchError(f"the teacher {label} looks at {channels} channels, not at RGB")
    classes = _timm_classes(timm, model, label)
    return _checked(model, classes, data["mean"], data["std"], (width, height), label)


def _timm_classes(timm: Any, model: Any, label: str) -> list[str]:
    """Label names that the weights came with, or WordNet ids where timm counts ImageNet's."""
    names = model.pretrained_cfg.get("label_names")
    if names:
        return list(map(str, names))
    if model.num_classes == len(imagenet_classes()):
        return list(imagenet_classes())
    subset = timm.data.infer_imagenet_subset(model)
    if subset is None:
        raise ModelMismatchError(
            f"the teacher {label} does not name its classes (label_names in {CONFIG}): they cannot "
            "be matched"
        )
    return list(timm.data.ImageNetInfo(subset).label_names())


def _load_transformers(folder: Path, config: Mapping[str, Any], label: str) -> Teacher:
    from transformers import AutoModelForImageClassification

    names = config.get("id2label")
    if not isinstance(names, dict) or set(names) != set(map(str, range(len(names)))) or not names:
        raise ModelMismatchError(
            f"the teacher {label} does not name its classes (id2label): they cannot be matched"
        )
    classes = [str(names[str(number)]) for number in range(len(names))]
    stated = _processor(folder, label)
    try:
        model, report = AutoModelForImageClassification.from_pretrained(
            folder,
            use_safetensors=True,
            dtype=torch.float32,
            local_files_only=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
    except (OSError, ValueError, RuntimeError) as error:
        raise ModelMismatchError(
            f"{label} is not an image classifier in safetensors: {error}"
        ) from error
    if report["missing_keys"]:
        raise ModelMismatchError(
            f"the weights of the teacher {label} are not complete: they lack "
            f"{', '.join(sorted(report['missing_keys'])[:3])}, which would be random numbers"
        )
    try:
        size, mean, std = _input_of(stated, config)
    except (KeyError, TypeError, ValueError) as error:
        raise ModelMismatchError(
            f"the image processor of the teacher {label} does not say the size, mean and deviation "
            f"of input pictures ({error!r}): fetch it again, or give another teacher"
        ) from error
    module = Logits(model, bgr=bool(stated.get("do_flip_channel_order")))
    return _checked(module, classes, mean, std, size, label)


def _processor(folder: Path, label: str) -> Mapping[str, Any]:
    """What the image processor of a ``transformers`` classifier does, as its file states it."""
    for path in (folder / name for name in _PROCESSORS):
        if not path.is_file():
            continue
        try:
            stated = read_json(path)
        except (OSError, ValueError) as error:
            raise ModelMismatchError(f"{path} cannot be read ({error}): fetch it again") from error
        found = stated.get("image_processor", stated)
        if isinstance(found, dict):
            return found
    raise ModelMismatchError(
        f"the teacher {label} does not say how its pictures are prepared: it lacks "
        f"{_PROCESSORS[0]}, which image_processor.save_pretrained(FOLDER) writes"
    )


def _input_of(
    stated: Mapping[str, Any], config: Mapping[str, Any]
) -> tuple[tuple[int, int], list[float], list[float]]:
    """Input size, mean and deviation, of the range 0..1, as the image processor makes them."""
    crop = stated.get("crop_size") if stated.get("do_center_crop", True) else None
    side = crop or stated.get("size") or config["image_size"]
    if isinstance(side, dict):
        edge = side.get("shortest_edge")
        side = side.get("width", edge), side.get("height", edge)
    width, height = (side, side) if isinstance(side, int) else map(int, side)
    mean, std = [0.0] * 3, [1.0] * 3
    if stated.get("do_normalize", True):
        mean, std = _channels(stated["image_mean"]), _channels(stated["image_std"])
    # x / 255 is multiplied by 255 times the factor, and may then be shifted down by one.
    factor = 255 * float(stated.get("rescale_factor", 1 / 255))
    factor = factor if stated.get("do_rescale", True) else 255.0
    shift = 1.0 if stated.get("rescale_offset") else 0.0
    return (
        (width, height),
        [(value + shift) / factor for value in mean],
        [value / factor for value in std],
    )


def _channels(values: Sequence[float]) -> list[float]:
    r, g, b = map(float, values)
    if not all(map(math.isfinite, (r, g, b))):
        raise ValueError(f"{json.dumps(list(values))} are no finite numbers")
    return [r, g, b]


def _checked(
    module: nn.Module,
    classes: Sequence[str],
    mean: Sequence[float],
    std: Sequence[float],
    size: tuple[int, int],
    label: str,
) -> Teacher:
    try:
        return Teacher.from_module(module, classes, mean, std, size, name=label)
    except RequestError as error:
        raise ModelMismatchError(error.message) from error


def name_of(spec: str, folder: Path) -> str:
    """What to call a teacher in artifacts: a hub id, or a folder's own name without its place."""
    return folder.name if Path(spec.removeprefix(_TIMM)).is_dir() else spec
