"""Storage against accuracy: evaluate artifacts with students, write HTML and JSON."""

from __future__ import annotations

from ddcodec.evaluation.evaluate import Evaluation
from ddcodec.reporting.baselines import BaselineKind
from ddcodec.reporting.collect import Report
from ddcodec.reporting.make import json_beside, make_report
from ddcodec.reporting.published import PublishedSet
from ddcodec.reporting.whole_set import WholeSetEpochs

__all__ = [
    "BaselineKind",
    "Evaluation",
    "PublishedSet",
    "Report",
    "WholeSetEpochs",
    "json_beside",
    "make_report",
]
