"""Fuzzing that is guided by coverage: inputs that reach new lines of ddcodec are kept and bred.

    pip install atheris
    python -m tools.conformance.guided container --corpus CORPUS -max_total_time=600
    python -m tools.conformance.guided artifact --corpus CORPUS -runs=1000000
    python -m tools.conformance.guided entropy --corpus CORPUS

The first word says what has to withstand the inputs: a whole file (``container``: header,
checksums, decompression, digest; ``artifact``: every section, label and row too), or a bare stream
of coded integers (``entropy``). Sums and lengths of files are made true before they are opened, so
that they do not hide what lies behind them. CORPUS begins with the vectors and grows; what is not
needed for its coverage any more goes with ``-merge=1 SMALL CORPUS``. Further words are libFuzzer's
own. An input that shows a fault is written to the current folder, to become a vector once it is
mended.

atheris needs Linux and instruments Python's byte code, so it is no dependency of this project: the
fuzzer of CI is ``tools.conformance.fuzz``.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any


def begin(corpus: Path, seeds: Iterable[bytes]) -> None:
    """Fill a corpus that is not there yet; files are called by their content, as libFuzzer does."""
    corpus.mkdir(parents=True, exist_ok=True)
    if not any(corpus.iterdir()):
        for seed in seeds:
            (corpus / hashlib.sha1(seed).hexdigest()).write_bytes(seed)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("target", choices=("container", "artifact", "entropy"))
    parser.add_argument("--corpus", type=Path, required=True)
    options, others = parser.parse_known_args()
    atheris: Any = __import__("atheris")
    with atheris.instrument_imports(include=["ddcodec"]):  # must come before any other import
        from ddcodec.errors import DdcodecError
        from tools.conformance.targets import TARGETS, seeds

    begin(options.corpus, seeds(options.target))
    check = TARGETS[options.target]

    def one_input(data: bytes) -> None:
        with suppress(DdcodecError):  # refused, as it should be
            check(data)

    atheris.Setup([sys.argv[0], *others, str(options.corpus)], one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
