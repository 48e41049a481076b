"""Train a student on a .ddz file in a PyTorch loop of your own, as well as `ddz report` does.

python examples/train_student.py example/rded.ddz --test cifar10/test
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch
from torch.utils.data import DataLoader

import ddcodec


def train(student: torch.nn.Module, artifact: ddcodec.Artifact, epochs: int | None = None) -> None:
    data = artifact.dataset()  # every epoch shows the next view, with its own labels
    protocol = ddcodec.get_protocol("ddz").with_epochs(epochs)
    plan = protocol.plan_for(artifact)
    optimiser, schedule = protocol.optimiser(student, plan)
    loader = DataLoader(data, plan.batch_size, shuffle=True)
    for _ in range(plan.epochs):
        for images, labels in loader:
            loss = ddcodec.student_loss(student(images), labels, data.temperature)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()


def main(arguments: Sequence[str] | None = None) -> float:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("artifact", type=Path, help="a .ddz file")
    parser.add_argument("--test", type=Path, required=True, help="image folder to test on")
    parser.add_argument("--student", help="convnet3, resnet18, ...; by default the customary one")
    parser.add_argument("--epochs", type=int, help="in place of the protocol's own")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(arguments)

    torch.manual_seed(given.seed)
    with ddcodec.open(given.artifact) as artifact:
        # Any torch module that returns a logit for each of artifact.head.classes will do.
        student = ddcodec.build_student(artifact, given.student, seed=given.seed)
        train(student, artifact, given.epochs)
        share = ddcodec.accuracy(student, artifact, given.test)
    print(f"{100 * share:.1f} % of the test images are classified right")
    return share


if __name__ == "__main__":
    main()
