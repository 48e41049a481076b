"""Figures of reports that no student was trained for."""

from __future__ import annotations

from ddcodec.evaluation.evaluate import Evaluation

__all__ = ["evaluation"]


def evaluation(
    name: str, *accuracies: float, file_len: int = 20_000, role: str = "artifact"
) -> Evaluation:
    """An evaluation with these accuracies."""
    return Evaluation(
        name=name,
        role=role,
        file_len=file_len,
        digest="00" * 32,
        method="rded",
        ipc=10,
        views=30,
        classes=10,
        student="convnet3",
        protocol="ddz",
        settings={},
        words="As is customary.",
        precision="float32",
        seeds=tuple(range(len(accuracies))),
        accuracies=accuracies,
        test_images=1000,
        seconds=1.0,
    )
