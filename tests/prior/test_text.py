from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch

from ddcodec.errors import EncodeError
from ddcodec.prior.conditioning import Conditioning
from ddcodec.prior.load import Prior, load_prior
from ddcodec.prior.text import embed_prompts
from tools.conformance.reference.tokens import Tokenizer


def words(prior: Prior, template: str, vectors: int) -> list[str]:
    ((ids, positions),) = prior.prompt_ids(template, vectors)
    tokens = prior.components.tokenizers[0].convert_ids_to_tokens(ids[0].tolist())
    for number, position in enumerate(positions):
        tokens[position] = f"<{number}>"
    return [t for t in tokens if t != "<|endoftext|>"]


def test_learned_positions_are_spliced_in_where_the_braces_are(prior: Prior) -> None:
    assert words(prior, "dog of {} cat", 3) == [
        *("<|startoftext|>", "dog</w>", "of</w>", "<0>", "<1>", "<2>", "cat</w>")
    ]
    assert words(prior, "{}", 1) == ["<|startoftext|>", "<0>"]
    assert words(prior, "{}, dog", 1)[1] == "<0>"


@pytest.mark.parametrize(
    "text",
    [
        "a photo of a sunflower",
        "It's they're I'M we'd 'tis ''s !'s",
        "cr\u00e8me e\u0301 \u0130 \u1e9e",
        "\u039f\u0394\u039f\u03a3 a <|endoftext|>b<|startoftext|>",
        "12 345a6 \u00bd \u2167 \u0663",
        "\u65e5\u672c\u8a9e \U0001f408a_b-c/d",
        " \t\n\u00a0\u3000x\u200by\u2028z\x1cw\x85",
    ],
)
def test_the_second_tokenizer_makes_the_same_of_a_text(prior: Prior, text: str) -> None:
    ids = prior.components.tokenizers[0](text, add_special_tokens=False)["input_ids"]
    assert Tokenizer(prior.folder / "tokenizer").ids(text) == list(ids)


def test_plain_prompt_is_what_the_tokenizer_makes_of_it(prior: Prior) -> None:
    for text in ("a dog of cat", "", "Dog  cat"):
        ((ids, positions),) = prior.prompt_ids(text)
        whole = prior.components.tokenizers[0](
            text, padding="max_length", max_length=prior.text_length
        )
        assert ids.tolist() == [whole["input_ids"]]
        assert positions == ()


@pytest.mark.parametrize(
    ("template", "vectors", "message"),
    [
        ("a dog", 1, "0 times"),
        ("{} and {}", 1, "2 times"),
        ("a {}", 0, "1 times"),
        ("dog {}", 10, "13 tokens long, but this prior reads 12"),
        ("abcdefghijklmnop", 0, "18 tokens long"),
    ],
)
def test_unusable_templates_are_refused(
    prior: Prior, template: str, vectors: int, message: str
) -> None:
    with pytest.raises(EncodeError, match=message):
        prior.prompt_ids(template, vectors)


def test_longest_prompt_fits(prior: Prior) -> None:
    ((ids, positions),) = prior.prompt_ids("dog {}", 9)
    assert ids.shape == (1, 12)
    assert positions == tuple(range(2, 11))


def test_learned_vector_equals_an_added_token(float_prior: Prior) -> None:
    """As diffusers' textual inversion stores it: a new row of the embedding table."""
    vectors = torch.randn(2, float_prior.text_width, generator=torch.Generator().manual_seed(3))
    prompts = float_prior.prompt_ids("dog of {} cat", 2)
    made = float_prior.engine.encode_text(prompts, vectors).hidden

    encoder = copy.deepcopy(float_prior.components.text_encoder)
    table = encoder.get_input_embeddings()
    first = table.num_embeddings
    table.weight = torch.nn.Parameter(torch.cat([table.weight, vectors]))
    added = prompts[0].ids.clone()
    added[0, list(prompts[0].positions)] = torch.tensor([first, first + 1])
    with torch.no_grad():
        assert torch.equal(made, encoder(added).last_hidden_state)


def test_learned_vectors_of_two_encoders_equal_added_tokens(sdxl_folder: Path) -> None:
    """As diffusers' textual inversion of SDXL stores them: a new row of both tables."""
    prior = load_prior(sdxl_folder, profile="float")
    vectors = torch.randn(2, prior.text_width, generator=torch.Generator().manual_seed(3))
    prompts = prior.prompt_ids("dog of {} cat", 2)
    made = prior.prompt("dog of {} cat", vectors[None])
    hidden, pooled = [], None
    parts = zip(prior.components.text_encoders, prompts, vectors.split((16, 24), 1), strict=True)
    for encoder, (ids, positions), own in parts:
        table = encoder.get_input_embeddings()
        first = table.num_embeddings
        table.weight = torch.nn.Parameter(torch.cat([table.weight, own]), requires_grad=False)
        added = ids.clone()
        added[0, list(positions)] = torch.tensor([first, first + 1])
        out = encoder(added, output_hidden_states=True)
        hidden.append(out.hidden_states[-2])
        pooled = getattr(out, "text_embeds", None)
    assert torch.equal(made.hidden, torch.cat(hidden, -1))
    assert made.pooled is not None and torch.equal(made.pooled, pooled)


def test_learned_positions_are_never_taken_for_the_end(sdxl_prior: Prior) -> None:
    """The end token's state is pooled; what stands in their place may have its id."""
    prompts = sdxl_prior.prompt_ids("dog {} cat", 2)
    vectors = torch.ones(1, 2, sdxl_prior.text_width)
    made = sdxl_prior.engine.encode_text(prompts, vectors)
    for ids, positions in prompts:
        ids[0, list(positions)] = sdxl_prior.components.tokenizers[1].eos_token_id
    again = sdxl_prior.engine.encode_text(prompts, vectors)
    assert made.pooled is not None and again.pooled is not None
    assert torch.equal(made.pooled, again.pooled)


def test_several_plain_prompts_are_each_what_they_are_alone(sdxl_prior: Prior) -> None:
    together = sdxl_prior.prompt(["dog", "", "a cat"])
    alone = [sdxl_prior.prompt(text) for text in ("dog", "", "a cat")]
    assert torch.equal(together.hidden, Conditioning.concatenate(alone).hidden)
    assert together.pooled is not None and together[2:].pooled is not None
    assert torch.equal(together[[2]].pooled, alone[2].pooled)  # type: ignore[arg-type]
    with pytest.raises(EncodeError, match="go into one template"):
        sdxl_prior.prompt(["{}", "{}"], torch.zeros(2, 1, sdxl_prior.text_width))


def test_a_class_name_has_a_vector_of_each_encoder(sdxl_prior: Prior) -> None:
    tables = [e.get_input_embeddings().weight for e in sdxl_prior.components.text_encoders]
    tokens = [
        t("dog", add_special_tokens=False)["input_ids"][0] for t in sdxl_prior.components.tokenizers
    ]
    rows = [table[token] for table, token in zip(tables, tokens, strict=True)]
    assert torch.equal(sdxl_prior.name_vector("dog"), torch.cat(rows))


def test_vector_of_a_known_token_is_that_token(prior: Prior) -> None:
    made = prior.prompt("a {} of", prior.name_vector("dog")[None, None])
    assert torch.equal(made.hidden, prior.prompt("a dog of").hidden)


def test_name_vector_is_the_mean_over_the_names_tokens(prior: Prior) -> None:
    both = torch.stack([prior.name_vector("dog"), prior.name_vector("cat")])
    assert torch.equal(prior.name_vector("dog_cat"), both.mean(0))
    assert prior.name_vector("dog").shape == (prior.text_width,)
    for name in ("", "_", " "):
        with pytest.raises(EncodeError, match="has no token"):
            prior.name_vector(name)


def test_gradients_reach_the_vectors_and_nothing_else(prior: Prior) -> None:
    text_encoders, unet = prior.training_modules()
    vectors = torch.zeros(3, 1, prior.text_width, requires_grad=True)
    made = embed_prompts(text_encoders, prior.prompt_ids("dog {}", 1), [vectors])
    unet(torch.zeros(3, 4, 8, 8), 5, made.hidden).sample.square().mean().backward()
    assert vectors.grad is not None
    assert vectors.grad.abs().amin(dim=(1, 2)).gt(0).any()
    frozen = [p for m in (*text_encoders, unet) for p in m.parameters()]
    assert all(not p.requires_grad and p.grad is None for p in frozen)


def test_nothing_is_left_behind_in_the_text_encoder(prior: Prior) -> None:
    before = prior.prompt("dog").hidden
    prior.prompt("dog {}", torch.ones(1, 2, prior.text_width))
    with pytest.raises(EncodeError, match="width 5"):
        prior.prompt("dog {}", torch.ones(1, 2, 5))
    assert torch.equal(prior.prompt("dog").hidden, before)


def test_vectors_of_another_count_are_refused(prior: Prior) -> None:
    prompts = prior.prompt_ids("dog {}", 2)
    with pytest.raises(EncodeError, match="do not fit 2 positions"):
        prior.engine.encode_text(prompts, torch.ones(1, 3, prior.text_width))
