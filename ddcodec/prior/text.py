"""The text boundary: token ids, learned token vectors, text-encoder output (spec/prior.md)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ddcodec.errors import EncodeError, shown
from ddcodec.prior.conditioning import Conditioning

__all__ = [
    "TokenIds",
    "embed_prompt",
    "embed_prompts",
    "joined",
    "name_ids",
    "prompt_ids",
    "split_vectors",
]


class TokenIds(NamedTuple):
    """Prompts as one text encoder reads them.

    Attributes:
        ids: int64 [n, tokens]; any id stands at a learned position.
        positions: where learned token vectors go, ascending, the same in every row.
    """

    ids: Tensor
    positions: tuple[int, ...] = ()


def prompt_ids(tokenizer: Any, template: str, vectors: int, length: int) -> TokenIds:
    """Tokenize a prompt, leaving room for learned token vectors.

    Args:
        tokenizer: a transformers tokenizer of the CLIP family.
        template: text with one ``{}``, or with none if ``vectors`` is 0.
        vectors: how many token positions ``{}`` stands for.
        length: tokens the text encoder reads; the prompt is padded to it.

    Returns:
        One row.

    Raises:
        EncodeError: the template does not fit ``length``, or the number of ``{}`` is wrong.
    """
    pieces = template.split("{}")
    if len(pieces) != (2 if vectors else 1):
        raise EncodeError(
            f"the prompt {shown(template)} has {len(pieces) - 1} times '{{}}' for {vectors} "
            "learned token vectors; write '{}' once where the class goes"
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
        with_vectors = f" with {vectors} learned token vectors" if vectors else ""
        raise EncodeError(
            f"the prompt {shown(template)}{with_vectors} is {len(ids)} tokens long, but this prior "
            f"reads {length}; shorten it" + (" or learn fewer vectors" if vectors else "")
        )
    ids += [pad] * (length - len(ids))
    first = 1 + len(before)
    return TokenIds(torch.tensor([ids]), tuple(range(first, first + vectors)))


def name_ids(tokenizer: Any, class_name: str) -> list[int]:
    """Token ids of a class name, ``_`` read as a space; never empty.

    Raises:
        EncodeError: the name has no token in this tokenizer.
    """
    ids = _ids(tokenizer, class_name.replace("_", " "))
    if not ids:
        raise EncodeError(
            f"the class name {shown(class_name)} has no token in the prior's tokenizer"
        )
    return ids


def _ids(tokenizer: Any, text: str) -> list[int]:
    return list(tokenizer(text, add_special_tokens=False)["input_ids"]) if text.strip() else []


def split_vectors(vectors: Tensor, widths: Sequence[int]) -> list[Tensor]:
    """Learned token vectors [..., sum of widths] -> those of each text encoder, as views.

    Raises:
        EncodeError: they are of another width.
    """
    if vectors.shape[-1] != sum(widths):
        raise EncodeError(
            f"token vectors of width {vectors.shape[-1]} do not fit this prior, which has "
            f"{' + '.join(map(str, widths))}; they belong to another prior"
        )
    ends = list(accumulate(widths))
    return [vectors[..., end - width : end] for end, width in zip(ends, widths, strict=True)]


def embed_prompts(
    text_encoders: Sequence[Any], prompts: Sequence[TokenIds], vectors: Sequence[Tensor]
) -> Conditioning:
    """Run all text encoders of a prior; differentiable in ``vectors``.

    Args:
        text_encoders: one or two.
        prompts: of each encoder.
        vectors: float32 [n, positions, width] of each encoder.
    """
    both = len(text_encoders) > 1
    parts = zip(text_encoders, prompts, vectors, strict=True)
    return joined([embed_prompt(e, p.ids, v, p.positions, both) for e, p, v in parts])


def joined(outputs: Sequence[Sequence[Tensor]]) -> Conditioning:
    """What ``embed_prompt`` gave for each text encoder, side by side."""
    hidden = [of_encoder[0] for of_encoder in outputs]
    pooled = [of_encoder[1] for of_encoder in outputs if len(of_encoder) > 1]
    return Conditioning(
        torch.cat(hidden, -1) if len(hidden) > 1 else hidden[0], pooled[0] if pooled else None
    )


def embed_prompt(
    text_encoder: Any,
    token_ids: Tensor,
    vectors: Tensor | None,
    positions: Sequence[int],
    penultimate: bool = False,
) -> tuple[Tensor, ...]:
    """Run a text encoder with learned token vectors in place of embedding rows.

    Differentiable in ``vectors``. The position embedding is added to them as to any token.

    Args:
        text_encoder: a transformers CLIPTextModel, or CLIPTextModelWithProjection.
        token_ids: int64 [n, tokens] or [1, tokens].
        vectors: float32 [n, len(positions), width], or None for plain text.
        positions: where they go, the same in every row.
        penultimate: return what the last layer reads, as SDXL's U-Net wants it.

    Returns:
        [n, tokens, width], the last hidden state after the final norm, or what the last layer
        reads; and of a CLIPTextModelWithProjection [n, projection], the projected state of the
        end token.
    """
    if vectors is None:
        return _run(text_encoder, token_ids, penultimate)
    if vectors.ndim != 3 or vectors.shape[1] != len(positions):
        raise EncodeError(
            f"token vectors of shape {tuple(vectors.shape)} do not fit {len(positions)} positions "
            "of the prompt; expected [prompts, positions, width]"
        )
    with _replaced_rows(text_encoder, vectors, positions):
        ids = token_ids.expand(len(vectors), -1).contiguous().clone()
        # The pooled state is found by the end token's id, which padding may share.
        ids[:, list(positions)] = token_ids[:, :1]
        return _run(text_encoder, ids, penultimate)


def _run(text_encoder: Any, token_ids: Tensor, penultimate: bool) -> tuple[Tensor, ...]:
    # As diffusers does: no attention mask, so padding is read like any token (causally).
    out = text_encoder(token_ids, output_hidden_states=penultimate)
    hidden: Tensor = out.hidden_states[-2] if penultimate else out.last_hidden_state
    pooled: Tensor | None = getattr(out, "text_embeds", None)
    return (hidden,) if pooled is None else (hidden, pooled)


@contextmanager
def _replaced_rows(text_encoder: Any, vectors: Tensor, positions: Sequence[int]) -> Iterator[None]:
    """Substitute rows of the token embedding's output.

    A hook, because CLIPTextModel.forward takes token ids only (no ``inputs_embeds``).
    """
    embedding = text_encoder.get_input_embeddings()
    split_vectors(vectors, [embedding.weight.shape[1]])
    where = torch.tensor(positions, device=vectors.device)

    def substitute(_module: Any, _inputs: Any, rows: Tensor) -> Tensor:
        return rows.index_copy(1, where, vectors.to(rows.dtype))

    handle = embedding.register_forward_hook(substitute)
    try:
        yield
    finally:
        handle.remove()
