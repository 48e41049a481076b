"""Storage against accuracy: evaluate artifacts with students, write HTML and JSON."""

from __future__ import annotations

from ddcodec.evaluation.evaluate import Evaluation
from ddcodec.reporting.collect import Report
from ddcodec.reporting.make import make_report

__all__ = ["Evaluation", "Report", "make_report"]
