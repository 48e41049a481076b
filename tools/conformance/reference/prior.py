"""A second decoder of generated pictures (spec/prior.md), by the prior of the package."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tools.conformance.reference import exact
from tools.conformance.reference.artifact import Artifact
from tools.conformance.reference.codecs import decode
from tools.conformance.reference.grids import F32, F64, TABLES, Array
from tools.conformance.reference.networks import Network, decoded, hidden_states, unet
from tools.conformance.reference.randomness import normals, variation_seed
from tools.conformance.reference.refusal import require
from tools.conformance.reference.synthesis import Picture
from tools.conformance.reference.table import shape_of
from tools.conformance.reference.tokens import Tokenizer

PACKAGED = Path(__file__).resolve().parents[3] / "ddcodec" / "prior" / "tiny"
DIGITS = {"w8a8": (1, 1), "w8a15": (1, 2), "w15a15": (2, 2)}


def pin() -> dict[str, Any]:
    """Sections 1 and 6: the pin of the packaged prior."""
    digests: dict[str, str] = json.loads((PACKAGED / "unpacked.json").read_text("utf-8"))
    files = sorted(digests.keys() - {"ddcodec.json"})
    state = hashlib.sha256(b"ddz/prior/1\0")
    for path in files:
        state.update(path.encode() + b"\0" + bytes.fromhex(digests[path]))
    return {"digest": state.digest(), "files": files, "revision": None, "source": "tiny"}


def networks(profile: str) -> dict[str, Network]:
    """The packaged networks in an exact profile, in the order of their digest."""
    digits = DIGITS[profile]
    each = {"text_encoder": (2, 2), "unet": digits, "vae": digits}
    return {name: Network(PACKAGED / name, *of) for name, of in each.items()}


def weights(made: Mapping[str, Network]) -> bytes:
    """exact.md, section 4, "Weights digest"."""
    return exact.weights_digest((name, net.parameters()) for name, net in made.items())


class Generator:
    """Makes the generated pictures of an artifact, which binds the packaged prior."""

    def __init__(self, data: bytes) -> None:
        self.artifact = Artifact(data)
        self.recipe = self.artifact.recipe["synthesis"]
        made = networks(self.recipe["profile"])
        bound = self.artifact.head["prior"] == pin() and self.recipe["weights"] == weights(made)
        require(bound, "model-mismatch", "another prior, or other integers of it")
        self.text, self.unet, self.autoencoder = made.values()
        self.tokenizer = Tokenizer(PACKAGED / "tokenizer")
        kinds = [kind["name"] for kind in self.artifact.index["kinds"]]
        number = self.artifact.index["kind"].index(kinds.index("schedule"))
        self.schedule = decode(self.artifact.codec(number), self.artifact.raws[number], ())
        self.table = (TABLES / "normal.bin").read_bytes()

    def __call__(self, c: int, number: int, variation: int) -> Picture:
        """Section 3 and 4."""
        width, height = self.recipe["size"]
        f = 2 ** (len(self.autoencoder.config["block_out_channels"]) - 1)
        shape = (1, self.autoencoder.config["latent_channels"], height // f, width // f)
        seed = variation_seed(self.artifact.seed(c, number), variation)
        z = self.replayed(seed, shape, self.prompt(c))
        z = exact.divide(z, self.autoencoder.config["scaling_factor"])
        pixels = exact.to_uint8(decoded(self.autoencoder, z))[0].transpose(1, 2, 0)
        return [[tuple(pixel) for pixel in row] for row in pixels.tolist()]

    def noise(self, seed: int, stream: int, shape: Sequence[int]) -> Array:
        count = int(np.prod(shape))
        return np.array(normals(self.table, seed, stream, count), F32).reshape(shape)

    def replayed(self, seed: int, shape: Sequence[int], text: Array) -> Array:
        """codecs.md, section 8."""
        table = self.schedule
        xs: list[Array] = []
        es: list[Array] = []
        x = F32(table["init_scale"]) * self.noise(seed, 0, shape)
        for i, timestep in enumerate(table["timesteps"]):
            xs.insert(0, x)
            es.insert(0, self.guided(F32(table["c_in"][i]) * x, timestep, text))
            terms = []
            for k in range(min(i + 1, len(table["a"][i]))):
                terms += [(table["a"][i][k], xs[k]), (table["b"][i][k], es[k])]
            if table["c_noise"][i]:
                terms.append((table["c_noise"][i], self.noise(seed, i + 1, shape)))
            products = [F32(factor) * value for factor, value in terms if factor]
            x = products[0] if products else np.zeros(shape, F32)
            for product in products[1:]:
                x = x + product
        return x

    def guided(self, x: Array, timestep: float, text: Array) -> Array:
        n, d = self.recipe["guidance"]
        g = (F64(n) / F64(d)).astype(F32)
        c = unet(self.unet, x, timestep, text)
        if g <= 1:
            return c
        u = unet(self.unet, x, timestep, self.states(self.recipe["negative"], 0, []))
        found: Array = u + g * (c - u)
        return found

    def prompt(self, c: int) -> Array:
        """The hidden states of a class's prompt."""
        number, box = self.artifact.find("prompts", c)
        stored = self.artifact.array(number, shape_of("prompts", box, self.artifact.head))
        here, learned = stored[c - box[0]], self.recipe["vectors"][0]
        if learned:
            return self.states(self.recipe["prompt"], learned, here)
        head = self.artifact.head
        name = here or head.get("names", head["classes"])[c].replace("_", " ")
        return self.states(self.recipe["prompt"].replace("{}", name), 0, [])

    def states(self, template: str, learned: int, vectors: Any) -> Array:
        length, width = self.text.values["embeddings.position_embedding.weight"].shape
        ids, places = self.tokenizer.prompt(template, learned, length)
        rows = np.array(vectors, F32).reshape(learned, width)
        return hidden_states(self.text, ids, places, rows)
