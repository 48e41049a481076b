"""Rows of results: variants timed in turns, and tables of what was found."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from tools.bench.timing import Work, clock

REFERENCE, MIXED = "float32", "bfloat16"

Row = dict[str, Any]


def interleaved(variants: Mapping[str, Work], repeat: int) -> dict[str, float]:
    """Median seconds of each, after one round that is not counted; a round runs all of them."""
    times: dict[str, list[float]] = {name: [] for name in variants}
    for number in range(repeat + 1):
        for name, work in variants.items():
            began = clock()
            work()
            if number:
                times[name].append(clock() - began)
    return {name: statistics.median(values) for name, values in times.items()}


def timed(case: str, variants: Mapping[str, Work], repeat: int) -> list[Row]:
    """One row per variant: seconds, and their ratio to float32's."""
    medians = interleaved(variants, repeat)
    return [
        {
            "case": case,
            "variant": name,
            "seconds": round(seconds, 4),
            "ratio": round(seconds / medians[REFERENCE], 3),
        }
        for name, seconds in medians.items()
    ]


def show(title: str, rows: list[Row]) -> None:
    table = Table(title=title)
    for key in rows[0]:
        table.add_column(key, justify="left" if isinstance(rows[0][key], str) else "right")
    for before, row in zip([None, *rows], rows, strict=False):
        if before is not None and before["case"] != row["case"]:
            table.add_section()
        table.add_row(*(str(value) for value in row.values()))
    Console(width=120).print(table)


def alike(rows: list[Row]) -> list[list[Row]]:
    """Rows with the same columns together."""
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row), []).append(row)
    return list(groups.values())
