"""Make the dictionary that headers are deflated with (spec/ddz.md, "Deflated headers").

    python -m tools.conformance.vectors.dictionary [--check]

It is what headers often hold, in canonical msgpack, from the rare to the common: each line of
``dictionary.jsonl`` is one value, where an empty text stands for empty bytes under the names of
``BYTES``. The file in the package, not this tool, is what every reader uses.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from tools.conformance.reference.canonical import encode
from tools.conformance.vectors.maker import CONTAINER, Maker

SOURCE = Path(__file__).with_suffix(".jsonl")
BYTES = ("digest", "source", "teacher_digest", "weights")


def build() -> dict[str, bytes]:
    lines = SOURCE.read_text().splitlines()
    whole = b"".join(encode(with_bytes(json.loads(line))) for line in lines)
    return {"header_dictionary.bin": whole}


def with_bytes(value: Any) -> Any:
    """The value with empty bytes for the empty texts that stand for them."""
    if isinstance(value, dict):
        return {k: b"" if k in BYTES and v == "" else with_bytes(v) for k, v in value.items()}
    return [with_bytes(one) for one in value] if isinstance(value, list) else value


MAKER = Maker("the dictionary of headers", CONTAINER, build, pattern="*.bin")

if __name__ == "__main__":
    sys.exit(MAKER.main())
