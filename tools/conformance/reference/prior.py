"""A second decoder of pictures that the packaged prior generates.

Source: spec/prior.md and spec/image2image.md. Other priors have files of another layout.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from tools.conformance.reference import exact
from tools.conformance.reference.artifact import Artifact
from tools.conformance.reference.codecs import decode
from tools.conformance.reference.grids import F32, F64, TABLES, Array
from tools.conformance.reference.networks import (
    Network,
    decoded,
    encoded,
    hidden_states,
    unet,
)
from tools.conformance.reference.randomness import mixup_partner, normals, variation_seed
from tools.conformance.reference.refusal import require
from tools.conformance.reference.synthesis import Picture, resize
from tools.conformance.reference.table import patches_per_slot, shape_of
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


@cache
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
        self.latents: dict[tuple[int, int], Array] = {}

    def __call__(self, c: int, number: int, variation: int) -> Picture:
        """Section 3 and 4."""
        width, height = self.recipe["size"]
        f = 2 ** (len(self.autoencoder.config["block_out_channels"]) - 1)
        shape = (1, self.autoencoder.config["latent_channels"], height // f, width // f)
        seed = variation_seed(self.artifact.seed(c, number), variation)
        start = F32(self.schedule["init_scale"]) * self.noise(seed, 0, shape)
        if self.recipe["kind"] == "image2image":
            (signal,) = np.array([self.recipe["signal"]], np.uint32).view(F32)
            start = signal * self.mixed(c, number, seed) + start
        z = self.replayed(seed, start, self.prompt(c))
        z = exact.divide(z, self.autoencoder.config["scaling_factor"])
        pixels = exact.to_uint8(decoded(self.autoencoder, z))[0].transpose(1, 2, 0)
        return [[tuple(pixel) for pixel in row] for row in pixels.tolist()]

    def noise(self, seed: int, stream: int, shape: Sequence[int]) -> Array:
        count = int(np.prod(shape))
        return np.array(normals(self.table, seed, stream, count), F32).reshape(shape)

    def mixed(self, c: int, number: int, seed: int) -> Array:
        """image2image.md, section 2: a picture's latent, mixed with its partner's."""
        n, d = self.recipe["share"]
        if n == d:
            return self.latent(c, number)
        own, other = ((F64(part) / F64(d)).astype(F32) for part in (n, d - n))
        partner = self.latent(c, mixup_partner(seed, number))
        found: Array = own * self.latent(c, number) + other * partner
        return found

    def latent(self, c: int, number: int) -> Array:
        """image2image.md, section 1: of a stored patch, or as it is stored."""
        if (c, number) not in self.latents:
            per = patches_per_slot(self.artifact.recipe)
            make = self.of_patch if self.recipe["base"] == "patches" else self.stored_latent
            self.latents[c, number] = make(c, *divmod(number, per))
        return self.latents[c, number]

    def of_patch(self, c: int, s: int, j: int) -> Array:
        width, height = self.recipe["size"]
        u = np.array(resize(self.artifact.stored_patch(c, s, j), height, width), F32)
        y = (u - F32(127.5)) / F32(127.5)
        z = encoded(self.autoencoder, y.transpose(2, 0, 1)[None])
        found: Array = z * F32(self.autoencoder.config["scaling_factor"])
        return found

    def stored_latent(self, c: int, s: int, j: int) -> Array:
        number, box = self.artifact.find("latents", c, s)
        params = self.artifact.codec(number)["params"]
        shape = shape_of("latents", box, self.artifact.head)
        shape += tuple(params[name] for name in ("channels", "height", "width"))
        stored = self.artifact.array(number, shape)
        return np.array(stored[c - box[0]][s - box[2]][j], F32)[None]

    def replayed(self, seed: int, x: Array, text: Array) -> Array:
        """codecs.md, section 8."""
        table = self.schedule
        xs: list[Array] = []
        es: list[Array] = []
        shape = x.shape
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
