"""Figures and names of a report as people read them."""

from __future__ import annotations

from ddcodec.evaluation.evaluate import Evaluation

__all__ = ["label_text", "percent_text", "short_name", "signed_text", "student_text"]

_STUDENTS = {
    "convnet3": "ConvNet-3",
    "convnet4": "ConvNet-4",
    "convnet5": "ConvNet-5",
    "resnet18": "ResNet-18",
    "resnet18-half": "ResNet-18 of half width",
}
_LABELS = {
    "hard": "hard labels",
    "soft": "soft labels",
    "teacher": "labels of a stored teacher",
}


def percent_text(mean: float, std: float | None = None) -> str:
    """Shares 0..1 as percent with one decimal: ``59.6 %`` or ``59.6 ± 0.3 %``."""
    if std is None:
        return f"{100 * mean:.1f} %"
    return f"{100 * mean:.1f} ± {100 * std:.1f} %"


def signed_text(points: float) -> str:
    """A difference with its sign as it is typeset, such as ``+1.5``."""
    return f"{points:+.1f}".replace("-", "\N{MINUS SIGN}")


def student_text(arch: str) -> str:
    """``convnet3`` -> ``ConvNet-3``."""
    return _STUDENTS.get(arch, arch)


def label_text(kind: str) -> str:
    """``soft`` -> ``soft labels``; nothing where the kind was not recorded."""
    return _LABELS.get(kind, "")


def short_name(evaluation: Evaluation) -> str:
    """What a plot calls an artifact or baseline."""
    if evaluation.role != "artifact":
        return evaluation.name.replace("random real pictures", "random")
    return evaluation.name.removesuffix(".ddz")
