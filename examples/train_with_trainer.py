"""Train a student on a .ddz file with the Trainer of transformers, which needs accelerate.

python examples/train_with_trainer.py example/rded.ddz --test cifar10/test
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import default_collate
from transformers import Trainer, TrainerCallback, TrainingArguments

import ddcodec


class NextView(TrainerCallback):
    """Shows another view of every image in every epoch, in all processes alike."""

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        more["train_dataloader"].dataset.set_epoch(int(state.epoch))


class StudentTrainer(Trainer):
    """Trains any module that returns logits, by the loss of soft labels."""

    def compute_loss(
        self,
        model: torch.nn.Module,
        inputs: dict[str, torch.Tensor],
        return_outputs: bool = False,
        **more: Any,
    ) -> Any:
        logits = model(inputs["images"])
        loss = ddcodec.student_loss(logits, inputs["labels"], self.train_dataset.temperature)
        return (loss, {"logits": logits}) if return_outputs else loss


def collate(items: Sequence[tuple[torch.Tensor, torch.Tensor]]) -> dict[str, torch.Tensor]:
    images, labels = default_collate(items)
    return {"images": images, "labels": labels}


def train(student: torch.nn.Module, artifact: ddcodec.Artifact, epochs: int | None = None) -> None:
    protocol = ddcodec.get_protocol("ddz").with_epochs(epochs)
    plan = protocol.plan_for(artifact)
    settings = TrainingArguments(
        tempfile.mkdtemp(),
        num_train_epochs=plan.epochs,
        per_device_train_batch_size=plan.batch_size,
        remove_unused_columns=False,  # a student's arguments have names of their own
        save_strategy="no",
        report_to=[],
        disable_tqdm=True,
    )
    StudentTrainer(
        student,
        settings,
        data_collator=collate,
        train_dataset=artifact.dataset(),
        optimizers=protocol.optimiser(student, plan),
        callbacks=[NextView()],
    ).train()


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
