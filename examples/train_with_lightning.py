"""Train a student on a .ddz file with Lightning (the package pytorch-lightning).

python examples/train_with_lightning.py example/rded.ddz --test cifar10/test
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytorch_lightning as lightning
import torch
from torch.utils.data import DataLoader

import ddcodec


class NextView(lightning.Callback):
    """Shows another view of every image in every epoch, in all processes alike."""

    def on_train_epoch_start(self, trainer: Any, module: Any) -> None:
        trainer.train_dataloader.dataset.set_epoch(trainer.current_epoch)


class Student(lightning.LightningModule):
    def __init__(self, student: torch.nn.Module, temperature: float, optimisation: Any) -> None:
        super().__init__()
        self.student, self.temperature, self.optimisation = student, temperature, optimisation

    def training_step(self, batch: Any, number: int) -> torch.Tensor:
        images, labels = batch
        return ddcodec.student_loss(self.student(images), labels, self.temperature)

    def configure_optimizers(self) -> Any:
        optimiser, schedule = self.optimisation
        return [optimiser], [{"scheduler": schedule, "interval": "step"}]


def train(student: torch.nn.Module, artifact: ddcodec.Artifact, epochs: int | None = None) -> None:
    data = artifact.dataset()
    protocol = ddcodec.get_protocol("ddz").with_epochs(epochs)
    plan = protocol.plan_for(artifact)
    trainer = lightning.Trainer(
        max_epochs=plan.epochs,
        callbacks=[NextView()],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    module = Student(student, data.temperature, protocol.optimiser(student, plan))
    trainer.fit(module, DataLoader(data, plan.batch_size, shuffle=True))


def main(arguments: Sequence[str] | None = None) -> float:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("artifact", type=Path, help="a .ddz file")
    parser.add_argument("--test", type=Path, required=True, help="image folder to test on")
    parser.add_argument("--epochs", type=int, help="in place of the protocol's own")
    given = parser.parse_args(arguments)

    with ddcodec.open(given.artifact) as artifact:
        student = ddcodec.build_student(artifact)
        train(student, artifact, given.epochs)
        share = ddcodec.accuracy(student, artifact, given.test)
    print(f"{100 * share:.1f} % of the test images are classified right")
    return share


if __name__ == "__main__":
    main()
