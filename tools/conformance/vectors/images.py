"""Make the whole pictures of spec/exact.md, "Conformance": spec/vectors/exact/images.json.

    python -m tools.conformance.vectors.images [--check]

Unlike the vectors of single operations, these come from the package itself: they pin the packaged
prior from token ids and seeds to pixels, in every exact profile. The schedule table of a file that
is there is kept, because a library computes it in floating point.
"""

from __future__ import annotations

import hashlib
import json
import sys
from typing import Any

import numpy as np
import torch

from ddcodec.codecs.schedule_table import ScheduleTable
from ddcodec.prior.conditioning import Conditioning
from ddcodec.prior.load import load_prior
from ddcodec.randomness import normals
from ddcodec.recipe.profiles import EXACT
from ddcodec.rendering.text2image import text2image
from tools.conformance.vectors.maker import VECTORS, Maker

OUT = VECTORS / "exact" / "images.json"
PROMPTS = ("a photo of a sunflower", "a photo of a ship", "a photo of {}")
SEEDS = (0, 1, 2**32, 2**64 - 1)
STEPS, GUIDANCE, SIZE = 8, (5, 2), (32, 32)
# The learned vector of the last prompt: T_NORM numbers of this seed, times 2^-6.
VECTOR_SEED, VECTOR_SCALE = 7, 2.0**-6


def answers(device: str = "cpu", table: str | None = None) -> dict[str, Any]:
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
        "seeds": [str(seed) for seed in SEEDS],  # some are beyond what JSON readers take exactly
        "prompts": [_prompt(first, text) for text in PROMPTS],
        "profiles": {name: _profile(name, schedule, device) for name in EXACT},
    }


def _prompt(prior: Any, text: str) -> dict[str, Any]:
    ((ids, positions),) = prior.prompt_ids(text, _vectors(text))
    return {"text": text, "tokens": ids[0].tolist(), "learned": list(positions)}


def _vectors(text: str) -> int:
    return text.count("{}")


def _profile(name: str, schedule: Any, device: str) -> dict[str, Any]:
    prior = load_prior("tiny", profile=name, device=device)
    learned = normals(np.array([VECTOR_SEED], np.uint64), 0, prior.text_width) * VECTOR_SCALE
    vectors = torch.from_numpy(learned.astype(np.float32))
    prompts = Conditioning.concatenate(
        [prior.prompt(text, vectors[None] if _vectors(text) else None) for text in PROMPTS]
    )
    # All in one call, prompts and seeds mixed: company must not matter.
    pictures = text2image(
        prior,
        prompts[[*range(len(PROMPTS))] * len(SEEDS)],
        prior.unconditioned(),
        np.repeat(np.array(SEEDS, np.uint64), len(PROMPTS)),
        schedule,
        GUIDANCE,
        SIZE,
    )
    weights = prior.engine.weights
    return {
        "weights": weights.hex() if weights else None,
        "hidden_states": [_sha256(h.cpu().numpy().astype("<f4")) for h in prompts.hidden],
        "pictures": [_sha256(pictures[i :: len(PROMPTS)]) for i in range(len(PROMPTS))],
    }


def _sha256(array: Any) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def build() -> dict[str, bytes]:
    table = json.loads(OUT.read_text(encoding="utf-8"))["schedule"] if OUT.is_file() else None
    return {OUT.name: (json.dumps(answers(table=table), indent=1) + "\n").encode()}


MAKER = Maker("the pictures of spec/exact.md", OUT.parent, build, pattern=OUT.name)


if __name__ == "__main__":
    sys.exit(MAKER.main())
