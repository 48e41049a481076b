"""Plans for budgets of bytes: pilots on the pictures, a model fitted to them, settings."""

from __future__ import annotations

from ddcodec.planning.plan import METHODS, plan
from ddcodec.planning.planned import Plan, Planned

__all__ = ["METHODS", "Plan", "Planned", "plan"]
