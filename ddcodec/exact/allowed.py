"""Functions that pass through an exact execution: they move data, or round each element once."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["ALLOWED", "check_result"]

# By name, of torch and of Tensor alike.
_NAMES = """
    add add_ sub sub_ subtract rsub mul mul_ multiply neg abs clamp clamp_ relu relu_
    maximum minimum where masked_fill masked_fill_ eq ne lt le gt ge
    logical_and logical_or logical_not bitwise_and bitwise_or bitwise_not
    arange zeros ones full empty zeros_like ones_like full_like empty_like tensor as_tensor
    cat concat concatenate stack split chunk tensor_split unbind narrow select index_select gather
    reshape view view_as flatten unflatten squeeze unsqueeze permute transpose swapaxes movedim
    t expand expand_as broadcast_to repeat repeat_interleave flip roll tril triu index_copy
    contiguous clone detach to type type_as float int long bool copy_ fill_ requires_grad_
    argmax max min amax amin any all numel dim size stride storage_offset data_ptr
    is_contiguous is_floating_point is_inference is_complex item tolist element_size nelement
    new_zeros new_ones new_full new_empty
    __getitem__ __setitem__ __len__ __bool__ __int__ __float__ __index__ __hash__ __repr__
    __format__ __iter__
    __add__ __radd__ __iadd__ __sub__ __rsub__ __isub__ __mul__ __rmul__ __imul__ __neg__ __abs__
    __eq__ __ne__ __lt__ __le__ __gt__ __ge__ __and__ __or__ __invert__ __rand__ __ror__
"""
# Exact for integers only.
_SUMS = "sum cumsum"
_ATTRIBUTES = """
    shape dtype device ndim is_cuda layout requires_grad is_sparse data T mT names is_quantized
    is_meta is_mps is_nested
"""
_FUNCTIONAL = (F.relu, F.pad, torch.embedding)

_INTEGERS = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)
_DTYPES = (torch.float32, torch.bool, *_INTEGERS)


def _collected() -> frozenset[Any]:
    found = _functions(_NAMES + _SUMS) | set(_FUNCTIONAL)
    attributes = (getattr(Tensor, name, None) for name in _ATTRIBUTES.split())
    return frozenset(found | {a.__get__ for a in attributes if a is not None})


def _functions(names: str) -> set[Any]:
    found = (getattr(owner, name, None) for name in names.split() for owner in (torch, Tensor))
    return {function for function in found if function is not None}


ALLOWED = _collected()
_INTEGER_SUMS = _functions(_SUMS)


def check_result(func: Any, kwargs: dict[str, Any] | None, result: Any) -> str | None:
    """What makes a permitted function's call inexact after all, or None."""
    if kwargs and kwargs.get("alpha", 1) != 1:
        return "with alpha may round twice"
    if func in _INTEGER_SUMS and result.is_floating_point():
        return "of fractions depends on the order of its terms"
    if isinstance(result, Tensor) and result.dtype not in _DTYPES:
        return f"made {result.dtype} numbers, but exact execution knows float32 and integers"
    return None
