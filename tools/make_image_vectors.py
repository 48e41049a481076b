"""Make the whole pictures of spec/exact.md's conformance section: spec/vectors/exact/images.json.

    python tools/make_image_vectors.py            write the file
    python tools/make_image_vectors.py --check    fail unless the package still makes these pictures

Unlike the vectors of single operations, these come from the package itself: they pin the packaged
prior from token ids and seeds to pixels, in every exact profile.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ddcodec.codecs.schedule import ScheduleTable
from ddcodec.exact.profiles import EXACT
from ddcodec.prior.load import load_prior
from ddcodec.randomness import normals
from ddcodec.synthesis.text2image import text2image

OUT = Path(__file__).resolve().parent.parent / "spec" / "vectors" / "exact" / "images.json"
PROMPTS = ("a photo of a sunflower", "a photo of a ship", "a photo of {}")
SEEDS = (0, 1, 2**32, 2**64 - 1)
STEPS, GUIDANCE, SIZE = 8, (5, 2), (32, 32)
# The learned vector of the last prompt: T_NORM numbers of this seed, times 2^-6.
VECTOR_SEED, VECTOR_SCALE = 7, 2.0**-6


def build(device: str = "cpu", table: str | None = None) -> dict[str, Any]:
    """The whole file.

    Args:
        device: where the prior runs.
        table: the schedule table in hexadecimal; by default that of the prior's scheduler, whose
            library computes it in floating point.
    """
    first = load_prior("tiny", profile="w8a15", device=device)
    codec = ScheduleTable()
    table = codec.encode(first.schedule(STEPS)).hex() if table is None else table
    schedule = codec.decode(bytes.fromhex(table))
    return {
        "schedule": table,
        "guidance": list(GUIDANCE),
        "size": list(SIZE),
        "seeds": list(SEEDS),
        "prompts": [_prompt(first, text) for text in PROMPTS],
        "profiles": {name: _profile(name, schedule, device) for name in EXACT},
    }


def _prompt(prior: Any, text: str) -> dict[str, Any]:
    ids, positions = prior.prompt_ids(text, _vectors(text))
    return {"text": text, "tokens": ids[0].tolist(), "learned": list(positions)}


def _vectors(text: str) -> int:
    return text.count("{}")


def _profile(name: str, schedule: Any, device: str) -> dict[str, Any]:
    prior = load_prior("tiny", profile=name, device=device)
    learned = normals(np.array([VECTOR_SEED], np.uint64), 0, prior.text_width) * VECTOR_SCALE
    vectors = torch.from_numpy(learned.astype(np.float32))
    hidden = torch.cat(
        [prior.prompt(text, vectors[None] if _vectors(text) else None) for text in PROMPTS]
    )
    # All in one call, prompts and seeds mixed: company must not matter.
    pictures = text2image(
        prior,
        hidden.repeat(len(SEEDS), 1, 1),
        prior.unconditioned(),
        np.repeat(np.array(SEEDS, np.uint64), len(PROMPTS)),
        schedule,
        GUIDANCE,
        SIZE,
    )
    weights = prior.engine.weights
    return {
        "weights": weights.hex() if weights else None,
        "hidden_states": [_sha256(h.cpu().numpy().astype("<f4")) for h in hidden],
        "pictures": [_sha256(pictures[i :: len(PROMPTS)]) for i in range(len(PROMPTS))],
    }


def _sha256(array: Any) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    stored = json.loads(OUT.read_text(encoding="utf-8")) if arguments.check else {}
    built = build(arguments.device, stored.get("schedule"))
    text = json.dumps(built, indent=1) + "\n"
    if not arguments.check:
        OUT.write_text(text, encoding="utf-8")
    elif stored != built:
        print(f"{OUT.name}: the package makes other pictures", file=sys.stderr)
        return 1
    print(f"{hashlib.sha256(text.encode()).hexdigest()}  {OUT.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
