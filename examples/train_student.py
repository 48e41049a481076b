"""Train a student of your own on a .ddz file, with an ordinary PyTorch DataLoader.

python examples/train_student.py example/rded.ddz --test cifar10/test
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader

import ddcodec
from ddcodec.artifact.dataset import DistilledDataset
from ddcodec.sources.folder import scan
from ddcodec.sources.source import load_images


def student(classes: int) -> nn.Module:
    """A small network; put your own here."""
    layers: list[nn.Module] = []
    for before, after in ((3, 32), (32, 64), (64, 128)):
        layers += [nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU()]
        layers += [nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(128, classes))


def train(model: nn.Module, data: DistilledDataset, epochs: int, workers: int) -> None:
    numerator, denominator = data.head.recipe.labels.temperature
    temperature = numerator / denominator
    loader = DataLoader(data, batch_size=32, shuffle=True, num_workers=workers)
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, epochs)
    model.train()
    for epoch in range(epochs):
        data.set_epoch(epoch)  # each epoch shows the next stored view, with its own labels
        for images, probabilities in loader:
            scores = model(images) / temperature
            loss = functional.cross_entropy(scores, probabilities) * temperature**2
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        schedule.step()


def accuracy(model: nn.Module, artifact: ddcodec.Artifact, folder: Path) -> float:
    """Share of the test images that the student gets right; classes are matched by name."""
    recipe = artifact.recipe
    source = scan(folder)
    images, labels = load_images(source, recipe.size)
    names = list(artifact.head.classes)
    targets = torch.tensor([names.index(source.classes[label]) for label in labels])
    mean = torch.tensor(recipe.evaluation.mean).view(3, 1, 1) / 65536
    std = torch.tensor(recipe.evaluation.std).view(3, 1, 1) / 65536
    model.eval()
    right = 0
    with torch.no_grad():
        for start in range(0, len(images), 256):
            batch = torch.from_numpy(images[start : start + 256]).permute(0, 3, 1, 2) / 255
            guesses = model((batch - mean) / std).argmax(1)
            right += int((guesses == targets[start : start + 256]).sum())
    return right / len(images)


def main(arguments: Sequence[str] | None = None) -> float:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("artifact", type=Path, help="a .ddz file")
    parser.add_argument("--test", type=Path, required=True, help="image folder to test on")
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--workers", type=int, default=0, help="processes that decode images")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(arguments)

    torch.manual_seed(given.seed)
    with ddcodec.open(given.artifact) as artifact:
        model = student(len(artifact.head.classes))
        train(model, artifact.dataset(pixels="float"), given.epochs, given.workers)
        share = accuracy(model, artifact, given.test)
    print(f"{100 * share:.1f} % of the test images are classified right")
    return share


if __name__ == "__main__":
    main()
