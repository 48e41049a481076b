"""The command ``python -m tools.conformance.vectors``: every maker, one after the other."""

from __future__ import annotations

import sys

from tools.conformance.vectors import (
    codecs,
    container,
    datasets,
    dictionary,
    entropy,
    exact,
    heads,
    images,
    labels,
    synthesis,
    tables,
    teacher,
)
from tools.conformance.vectors.maker import Maker, asked_to_check

MAKERS: tuple[Maker, ...] = (
    tables.MAKER,  # first, because others read the tables
    dictionary.MAKER,
    container.MAKER,
    heads.MAKER,
    codecs.MAKER,
    entropy.MAKER,
    synthesis.MAKER,
    labels.MAKER,
    teacher.MAKER,
    exact.MAKER,
    images.MAKER,
    datasets.MAKER,
)


def main() -> int:
    if not asked_to_check("Make all vectors and the normative tables.", None):
        for maker in MAKERS:
            maker.write()
        return 0
    wrong = 0
    for maker in MAKERS:
        same = maker.check()
        print(f"{maker.what}: {'the same' if same else 'different'}", flush=True)
        wrong += not same
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
