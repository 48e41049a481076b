"""Storage against accuracy: evaluate artifacts with students, write HTML and JSON."""

from __future__ import annotations

from ddcodec.evaluation.evaluate import Evaluation
from ddcodec.reporting.baselines import BaselineKind
from ddcodec.reporting.collect import Report
from ddcodec.reporting.make import json_beside, make_report

__all__ = ["BaselineKind", "Evaluation", "Report", "json_beside", "make_report"]
