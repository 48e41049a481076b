from __future__ import annotations

import copy

import pytest
import torch

from ddcodec.errors import EncodeError
from ddcodec.prior.load import Prior
from ddcodec.prior.text import embed_prompts


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
