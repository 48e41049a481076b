"""The networks of a prior (spec/exact.md, section 10): a second implementation, from their files.

Text encoder, U-Net and autoencoder, of exact operations and nothing else.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tools.conformance.reference import exact
from tools.conformance.reference.grids import F32, Array, Weight, quantise_weight

TYPES = {"F32": "<f4", "F16": "<f2", "I8": "i1", "I16": "<i2"}
ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "quick_gelu": exact.quick_gelu,
    "gelu": exact.gelu,
}


def read_safetensors(data: bytes) -> dict[str, Array]:
    """Every tensor of a file, in its own type."""
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    found = {}
    for name, about in header.items():
        if name != "__metadata__":
            start, end = (8 + length + offset for offset in about["data_offsets"])
            flat = np.frombuffer(data[start:end], TYPES[about["dtype"]])
            found[name] = flat.reshape(about["shape"])
    return found


def read_packed_weights(path: Path) -> dict[str, Array]:
    """prior.md, section 6: integers and scales of rows, as binary32."""
    stored, values = read_safetensors(path.read_bytes()), {}
    for name, integers in stored.items():
        if not name.endswith(".scale") or f"{name}.scale" in stored:
            scale = stored[f"{name}.scale"].reshape(-1, *[1] * (integers.ndim - 1))
            values[name] = integers.astype(F32) * scale
    return values


class Network:
    """A network's configuration and layers.

    Args:
        folder: of the network in a prior's folder.
        weights, activations: digits of each.
    """

    def __init__(self, folder: Path, weights: int, activations: int) -> None:
        self.config: dict[str, Any] = json.loads((folder / "config.json").read_text("utf-8"))
        read = read_packed_weights(folder / "integers.safetensors")
        self.values = {name.removeprefix("text_model."): value for name, value in read.items()}
        self.weights, self.activations = weights, activations
        self.made: dict[str, Weight] = {}

    def parameters(self) -> dict[str, Weight | Array]:
        """Every parameter as it is used: integers, or binary32."""
        return {name: self.parameter(name) for name in self.values}

    def parameter(self, name: str) -> Weight | Array:
        layer, _, last = name.rpartition(".")
        # Norms have one axis, and a look-up is no product.
        product = last == "weight" and self.values[name].ndim > 1 and "embeddings." not in name
        return self.weight(layer) if product else self.values[name]

    def weight(self, name: str) -> Weight:
        if name not in self.made:
            self.made[name] = quantise_weight(self.values[f"{name}.weight"], self.weights)
        return self.made[name]

    def linear(self, name: str, x: Array) -> Array:
        bias = self.values.get(f"{name}.bias")
        return exact.linear(x, self.weight(name), bias, self.activations)

    def conv(self, name: str, x: Array, stride: int = 1, pad: int | None = None) -> Array:
        """Of stride 1 or 2; by default padding keeps the size of what is not strided."""
        weight = self.weight(name)
        pad = self.values[f"{name}.weight"].shape[2] // 2 if pad is None else pad
        bias = self.values.get(f"{name}.bias")
        sides = {"stride": (stride, stride), "padding": (pad, pad)}
        return exact.conv2d(x, weight, bias, self.activations, **sides)

    def group_norm(self, name: str, x: Array, eps: float) -> Array:
        gamma, beta = self.values[f"{name}.weight"], self.values[f"{name}.bias"]
        return exact.group_norm(x, self.config["norm_num_groups"], gamma, beta, eps)

    def layer_norm(self, name: str, x: Array, eps: float) -> Array:
        return exact.layer_norm(x, self.values[f"{name}.weight"], self.values[f"{name}.bias"], eps)

    def attend(self, names: Sequence[str], x: Array, y: Array, heads: int, **more: Any) -> Array:
        """Attention of rows x [n][rows][channels] to rows y, and the linear layer after it."""
        q, k, v = (
            self.linear(name, rows).reshape(*rows.shape[:2], heads, -1).swapaxes(1, 2)
            for name, rows in zip(names, (x, y, y), strict=False)
        )
        seen = exact.attention(q, k, v, self.activations, **more).swapaxes(1, 2)
        return self.linear(names[3], seen.reshape(*x.shape[:2], -1))

    def residual(self, name: str, x: Array, emb: Array | None, eps: float) -> Array:
        """A residual block."""
        h = self.conv(f"{name}.conv1", exact.silu(self.group_norm(f"{name}.norm1", x, eps)))
        if emb is not None:
            h = h + self.linear(f"{name}.time_emb_proj", exact.silu(emb))[:, :, None, None]
        h = self.conv(f"{name}.conv2", exact.silu(self.group_norm(f"{name}.norm2", h, eps)))
        shortcut = f"{name}.conv_shortcut"
        return (self.conv(shortcut, x) if f"{shortcut}.weight" in self.values else x) + h

    def upsampled(self, name: str, x: Array) -> Array:
        return self.conv(f"{name}.upsamplers.0.conv", exact.upsample(x, (2, 2)))


def each(value: Any, count: int) -> list[Any]:
    """A setting for each level, which may be one for all."""
    return list(value) if isinstance(value, list) else [value] * count


# Text encoder


def hidden_states(net: Network, ids: Sequence[int], places: Sequence[int], rows: Array) -> Array:
    """[1][tokens][width]: a prompt's; ``rows`` take the places of learned vectors."""
    config, values = net.config, net.values
    x = values["embeddings.token_embedding.weight"][list(ids)].copy()
    x[list(places)] = rows
    x = (x + values["embeddings.position_embedding.weight"])[None]
    eps, heads = config.get("layer_norm_eps", 1e-5), config["num_attention_heads"]
    scale = (config["hidden_size"] // heads) ** -0.5
    act = ACTIVATIONS[config["hidden_act"]]
    for i in range(config["num_hidden_layers"]):
        at = f"encoder.layers.{i}"
        n = net.layer_norm(f"{at}.layer_norm1", x, eps)
        names = [f"{at}.self_attn.{p}_proj" for p in ("q", "k", "v", "out")]
        x = x + net.attend(names, n, n, heads, causal=True, scale=scale)
        n = net.layer_norm(f"{at}.layer_norm2", x, eps)
        x = x + net.linear(f"{at}.mlp.fc2", act(net.linear(f"{at}.mlp.fc1", n)))
    return net.layer_norm("final_layer_norm", x, eps)


# U-Net


def transformer(net: Network, name: str, x: Array, text: Array, heads: int) -> Array:
    """A transformer block of the U-Net; the number of its layers is seen from its parameters."""
    flat = net.config.get("use_linear_projection", False)

    def to_rows(y: Array) -> Array:
        return y.reshape(*y.shape[:2], -1).swapaxes(1, 2)

    def to_map(y: Array) -> Array:
        return y.swapaxes(1, 2).reshape(x.shape)

    n = net.group_norm(f"{name}.norm", x, 1e-6)
    project = f"{name}.proj_in"
    h = net.linear(project, to_rows(n)) if flat else to_rows(net.conv(project, n))
    i = 0
    while f"{name}.transformer_blocks.{i}.norm1.weight" in net.values:
        at = f"{name}.transformer_blocks.{i}"
        for number, attn in ((1, "attn1"), (2, "attn2")):
            n = net.layer_norm(f"{at}.norm{number}", h, 1e-5)
            names = [f"{at}.{attn}.{p}" for p in ("to_q", "to_k", "to_v", "to_out.0")]
            h = h + net.attend(names, n, text if number == 2 else n, heads)
        n = net.layer_norm(f"{at}.norm3", h, 1e-5)
        a, g = np.split(net.linear(f"{at}.ff.net.0.proj", n), 2, axis=-1)
        h = h + net.linear(f"{at}.ff.net.2", a * exact.gelu(g))
        i += 1
    project = f"{name}.proj_out"
    return (to_map(net.linear(project, h)) if flat else net.conv(project, to_map(h))) + x


def unet(net: Network, x: Array, timestep: float, text: Array) -> Array:
    """The model output of latents x [1][c][h][w]."""
    config = net.config
    widths, eps = config["block_out_channels"], config["norm_eps"]
    levels = len(widths)
    heads = each(config["attention_head_dim"], levels)
    layers = each(config["layers_per_block"], levels)
    t = np.array([timestep], F32)
    emb = exact.timestep_embedding(t, widths[0], config["freq_shift"], config["flip_sin_to_cos"])
    emb = net.linear("time_embedding.linear_1", emb)
    emb = net.linear("time_embedding.linear_2", exact.silu(emb))

    def block(at: str, j: int, h: Array, level: int) -> Array:
        h = net.residual(f"{at}.resnets.{j}", h, emb, eps)
        if f"{at}.attentions.{j}.norm.weight" in net.values:
            h = transformer(net, f"{at}.attentions.{j}", h, text, heads[level])
        return h

    h = net.conv("conv_in", x)
    kept = [h]
    for i in range(levels):
        for j in range(layers[i]):
            h = block(f"down_blocks.{i}", j, h, i)
            kept.append(h)
        if i < levels - 1:
            h = net.conv(f"down_blocks.{i}.downsamplers.0.conv", h, 2)
            kept.append(h)
    h = block("mid_block", 0, h, levels - 1)
    h = net.residual("mid_block.resnets.1", h, emb, eps)
    for i in range(levels):
        level = levels - 1 - i
        for j in range(layers[level] + 1):
            h = block(f"up_blocks.{i}", j, np.concatenate([h, kept.pop()], axis=1), level)
        if i < levels - 1:
            h = net.upsampled(f"up_blocks.{i}", h)
    return net.conv("conv_out", exact.silu(net.group_norm("conv_norm_out", h, eps)))


# Autoencoder


def decoded(net: Network, z: Array) -> Array:
    """[1][3][height][width] of latents that are divided by the scaling factor."""
    at, config = "decoder", net.config
    h = net.conv("post_quant_conv", z) if config.get("use_post_quant_conv", True) else z
    h = net.conv(f"{at}.conv_in", h)
    h = middle(net, f"{at}.mid_block", h)
    levels = len(config["block_out_channels"])
    for i in range(levels):
        for j in range(config["layers_per_block"] + 1):
            h = net.residual(f"{at}.up_blocks.{i}.resnets.{j}", h, None, 1e-6)
        if i < levels - 1:
            h = net.upsampled(f"{at}.up_blocks.{i}", h)
    h = exact.silu(net.group_norm(f"{at}.conv_norm_out", h, 1e-6))
    return net.conv(f"{at}.conv_out", h)


def encoded(net: Network, y: Array) -> Array:
    """The mean latents [1][c][h][w] of a picture y [1][3][height][width]."""
    at, config = "encoder", net.config
    h = net.conv(f"{at}.conv_in", y)
    levels = len(config["block_out_channels"])
    for i in range(levels):
        for j in range(config["layers_per_block"]):
            h = net.residual(f"{at}.down_blocks.{i}.resnets.{j}", h, None, 1e-6)
        if i < levels - 1:
            h = np.pad(h, ((0, 0), (0, 0), (0, 1), (0, 1)))
            h = net.conv(f"{at}.down_blocks.{i}.downsamplers.0.conv", h, 2, 0)
    h = middle(net, f"{at}.mid_block", h)
    h = exact.silu(net.group_norm(f"{at}.conv_norm_out", h, 1e-6))
    h = net.conv(f"{at}.conv_out", h)
    h = net.conv("quant_conv", h) if config.get("use_quant_conv", True) else h
    return h[:, : config["latent_channels"]]


def middle(net: Network, name: str, x: Array) -> Array:
    x = net.residual(f"{name}.resnets.0", x, None, 1e-6)
    if net.config.get("mid_block_add_attention", True):
        x = looked(net, f"{name}.attentions.0", x)
    return net.residual(f"{name}.resnets.1", x, None, 1e-6)


def looked(net: Network, name: str, x: Array) -> Array:
    """Attention in the middle, of one head."""
    n = net.group_norm(f"{name}.group_norm", x, 1e-6)
    rows = n.reshape(*n.shape[:2], -1).swapaxes(1, 2)
    names = [f"{name}.{p}" for p in ("to_q", "to_k", "to_v", "to_out.0")]
    return net.attend(names, rows, rows, 1).swapaxes(1, 2).reshape(x.shape) + x
