"""Storage against accuracy: evaluate artifacts with students, write HTML and JSON."""

from __future__ import annotations

from ddcodec.evaluation.evaluate import Evaluation
from ddcodec.report.baselines import BaselineKind
from ddcodec.report.collect import Report
from ddcodec.report.make import json_beside, make_report

__all__ = ["BaselineKind", "Evaluation", "Report", "json_beside", "make_report"]
