"""The text boundary: token ids, learned token vectors, text-encoder output (spec/prior.md)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from ddcodec.errors import EncodeError

__all__ = ["embed_prompt", "name_ids", "prompt_ids"]


def prompt_ids(
    tokenizer: Any, template: str, vectors: int, length: int
) -> tuple[Tensor, tuple[int, ...]]:
    """Tokenize a prompt, leaving room for learned token vectors.

    Args:
        tokenizer: a transformers tokenizer of the CLIP family.
        template: text with one ``{}``, or with none if ``vectors`` is 0.
        vectors: how many token positions ``{}`` stands for.
        length: tokens the text encoder reads; the prompt is padded to it.

    Returns:
        int64 [1, length] token ids (any id stands at a learned position), and the learned
        positions, ascending.

    Raises:
        EncodeError: the template does not fit ``length``, or the number of ``{}`` is wrong.
    """
    pieces = template.split("{}")
    if len(pieces) != (2 if vectors else 1):
        raise EncodeError(
            f"the prompt {template!r} has {len(pieces) - 1} times '{{}}' for {vectors} learned "
            "token vectors; write '{}' once where the class goes"
        )
    before, after = _ids(tokenizer, pieces[0]), _ids(tokenizer, pieces[1] if vectors else "")
    frame = tokenizer("", padding="max_length", max_length=length)["input_ids"]
    start, end, pad = [tokenizer.bos_token_id], [tokenizer.eos_token_id], tokenizer.pad_token_id
    if frame[:2] != start + end:
        raise EncodeError(
            "the prior's tokenizer does not frame a prompt in a start and an end token; only "
            "tokenizers of the CLIP family are supported"
        )
    ids = start + before + [pad] * vectors + after + end
    if len(ids) > length:
        raise EncodeError(
            f"the prompt {template!r} with {vectors} learned token vectors is {len(ids)} tokens "
            f"long, but this prior reads {length}; shorten it or learn fewer vectors"
        )
    ids += [pad] * (length - len(ids))
    first = 1 + len(before)
    return torch.tensor([ids]), tuple(range(first, first + vectors))


def name_ids(tokenizer: Any, class_name: str) -> list[int]:
    """Token ids of a class name, ``_`` read as a space; never empty.

    Raises:
        EncodeError: the name has no token in this tokenizer.
    """
    ids = _ids(tokenizer, class_name.replace("_", " "))
    if not ids:
        raise EncodeError(f"the class name {class_name!r} has no token in the prior's tokenizer")
    return ids


def _ids(tokenizer: Any, text: str) -> list[int]:
    return list(tokenizer(text, add_special_tokens=False)["input_ids"]) if text.strip() else []


def embed_prompt(
    text_encoder: Any, token_ids: Tensor, vectors: Tensor | None, positions: Sequence[int]
) -> Tensor:
    """Run a text encoder with learned token vectors in place of embedding rows.

    Differentiable in ``vectors``. The position embedding is added to them as to any token.

    Args:
        text_encoder: a transformers CLIPTextModel.
        token_ids: int64 [n, tokens] or [1, tokens].
        vectors: float32 [n, len(positions), width], or None for plain text.
        positions: where they go, the same in every row.

    Returns:
        [n, tokens, width], the last hidden state after the final norm.
    """
    if vectors is None:
        return _hidden(text_encoder, token_ids)
    if vectors.ndim != 3 or vectors.shape[1] != len(positions):
        raise EncodeError(
            f"token vectors of shape {tuple(vectors.shape)} do not fit {len(positions)} positions "
            "of the prompt; expected [prompts, positions, width]"
        )
    with _replaced_rows(text_encoder, vectors, positions):
        return _hidden(text_encoder, token_ids.expand(len(vectors), -1))


def _hidden(text_encoder: Any, token_ids: Tensor) -> Tensor:
    # As diffusers does: no attention mask, so padding is read like any token (causally).
    hidden: Tensor = text_encoder(token_ids).last_hidden_state
    return hidden


@contextmanager
def _replaced_rows(text_encoder: Any, vectors: Tensor, positions: Sequence[int]) -> Iterator[None]:
    """Substitute rows of the token embedding's output.

    A hook, because CLIPTextModel.forward takes token ids only (no ``inputs_embeds``).
    """
    embedding = text_encoder.get_input_embeddings()
    width = embedding.weight.shape[1]
    if vectors.shape[2] != width:
        raise EncodeError(
            f"token vectors of width {vectors.shape[2]} do not fit this prior, which has {width}; "
            "they belong to another prior"
        )
    where = torch.tensor(positions, device=vectors.device)

    def substitute(_module: Any, _inputs: Any, rows: Tensor) -> Tensor:
        return rows.index_copy(1, where, vectors.to(rows.dtype))

    handle = embedding.register_forward_hook(substitute)
    try:
        yield
    finally:
        handle.remove()
