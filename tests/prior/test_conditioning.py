from __future__ import annotations

import pytest
import torch

from ddcodec.errors import DecodeError
from ddcodec.prior.conditioning import Conditioning

HIDDEN, POOLED = torch.arange(24.0).view(3, 2, 4), torch.arange(9.0).view(3, 3)


@pytest.mark.parametrize("rows", [[2, 0], slice(1, 3), torch.tensor([1])], ids=str)
def test_rows_are_taken_of_both(rows: list[int] | slice | torch.Tensor) -> None:
    some = Conditioning(HIDDEN, POOLED)[rows]
    assert torch.equal(some.hidden, HIDDEN[rows])
    assert some.pooled is not None and torch.equal(some.pooled, POOLED[rows])
    assert Conditioning(HIDDEN)[rows].pooled is None


def test_parts_join_as_they_were_cut() -> None:
    whole = Conditioning(HIDDEN, POOLED)
    again = Conditioning.concatenate([whole[:1], whole[1:]])
    assert len(again) == 3 and torch.equal(again.hidden, HIDDEN)
    assert again.pooled is not None and torch.equal(again.pooled, POOLED)
    assert Conditioning.concatenate([Conditioning(HIDDEN)]).pooled is None


def test_one_prompt_serves_many_pictures() -> None:
    many = Conditioning(HIDDEN, POOLED)[1:].expand(4)
    assert many.pooled is not None
    assert torch.equal(many.hidden, HIDDEN[[1] * 4]) and torch.equal(many.pooled, POOLED[[1] * 4])


def test_a_copy_keeps_no_other_rows_alive() -> None:
    copy = Conditioning(HIDDEN, POOLED)[:1].clone()
    assert copy.hidden.untyped_storage().nbytes() == 2 * 4 * 4
    assert copy.nbytes == 4 * (2 * 4 + 3)


def test_rows_must_fit() -> None:
    with pytest.raises(DecodeError, match="3 hidden states do not fit 2 pooled ones"):
        Conditioning(HIDDEN, POOLED[:2])
