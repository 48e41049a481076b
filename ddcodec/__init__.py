"""ddcodec: one small .ddz file for a distilled data set, and the same pixels out of it again.

    ddcodec.encode("cifar10/train", "c10.ddz", method="rded", ipc=10)
    student = ddcodec.train("c10.ddz")              # as `ddz report` trains its students
    data = ddcodec.open("c10.ddz").dataset()        # or a torch Dataset, for a loop of your own

Names are loaded when first used, so that ``ddz inspect`` starts quickly and without torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ddcodec.extras import needed_for
from ddcodec.version import __version__

if TYPE_CHECKING:
    from ddcodec.artifact import Artifact, merge, subset
    from ddcodec.artifact import open_artifact as open
    from ddcodec.artifact.artifact import verify
    from ddcodec.benchmark.bench import bench
    from ddcodec.classifiers.teacher import Teacher
    from ddcodec.classifiers.training import student_loss
    from ddcodec.container import Limits
    from ddcodec.encoding.encode import encode
    from ddcodec.encoding.options import EncodeOptions
    from ddcodec.encoding.result import EncodeResult
    from ddcodec.encoding.teacher import teacher
    from ddcodec.errors import DdcodecError
    from ddcodec.evaluation.protocols import Protocol, get_protocol
    from ddcodec.evaluation.students import accuracy, build_student, train
    from ddcodec.exchange.decode import decode
    from ddcodec.exchange.exporting.export import export
    from ddcodec.exchange.importing.options import ImportOptions
    from ddcodec.exchange.importing.result import ImportResult
    from ddcodec.exchange.importing.run import import_artifact
    from ddcodec.planning.plan import plan
    from ddcodec.publishing.card import card
    from ddcodec.publishing.push import push
    from ddcodec.reporting.report import report
    from ddcodec.showing.show import show
    from ddcodec.sources.opening import open_source

__all__ = [
    "Artifact",
    "DdcodecError",
    "EncodeOptions",
    "EncodeResult",
    "ImportOptions",
    "ImportResult",
    "Limits",
    "Protocol",
    "Teacher",
    "__version__",
    "accuracy",
    "bench",
    "build_student",
    "card",
    "decode",
    "encode",
    "export",
    "get_protocol",
    "import_artifact",
    "merge",
    "open",
    "open_source",
    "plan",
    "push",
    "report",
    "show",
    "student_loss",
    "subset",
    "teacher",
    "train",
    "verify",
]

_HOMES = {
    "Artifact": ("ddcodec.artifact", "Artifact"),
    "DdcodecError": ("ddcodec.errors", "DdcodecError"),
    "EncodeOptions": ("ddcodec.encoding.options", "EncodeOptions"),
    "EncodeResult": ("ddcodec.encoding.result", "EncodeResult"),
    "ImportOptions": ("ddcodec.exchange.importing.options", "ImportOptions"),
    "ImportResult": ("ddcodec.exchange.importing.result", "ImportResult"),
    "Limits": ("ddcodec.container", "Limits"),
    "Protocol": ("ddcodec.evaluation.protocols", "Protocol"),
    "Teacher": ("ddcodec.classifiers.teacher", "Teacher"),
    "accuracy": ("ddcodec.evaluation.students", "accuracy"),
    "bench": ("ddcodec.benchmark.bench", "bench"),
    "build_student": ("ddcodec.evaluation.students", "build_student"),
    "card": ("ddcodec.publishing.card", "card"),
    "decode": ("ddcodec.exchange.decode", "decode"),
    "encode": ("ddcodec.encoding.encode", "encode"),
    "export": ("ddcodec.exchange.exporting.export", "export"),
    "get_protocol": ("ddcodec.evaluation.protocols", "get_protocol"),
    "import_artifact": ("ddcodec.exchange.importing.run", "import_artifact"),
    "merge": ("ddcodec.artifact", "merge"),
    "open": ("ddcodec.artifact", "open_artifact"),
    "open_source": ("ddcodec.sources.opening", "open_source"),
    "plan": ("ddcodec.planning.plan", "plan"),
    "push": ("ddcodec.publishing.push", "push"),
    "report": ("ddcodec.reporting.report", "report"),
    "show": ("ddcodec.showing.show", "show"),
    "student_loss": ("ddcodec.classifiers.training", "student_loss"),
    "subset": ("ddcodec.artifact", "subset"),
    "teacher": ("ddcodec.encoding.teacher", "teacher"),
    "train": ("ddcodec.evaluation.students", "train"),
    "verify": ("ddcodec.artifact.artifact", "verify"),
}

if not TYPE_CHECKING:  # to a type checker, a name that is not listed above is a mistake

    def __getattr__(name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module 'ddcodec' has no attribute {name!r}")
        module, attribute = _HOMES[name]
        with needed_for(f"ddcodec.{name}"):
            return getattr(import_module(module), attribute)


def __dir__() -> list[str]:
    return sorted(__all__)
