"""Operators made of others, for floats of 16 bits: computed in float32 and rounded once."""

import functools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

NARROW = (torch.float16, torch.bfloat16)


def widened(function: Callable[..., Any]) -> Callable[..., Any]:
    """``function`` with its 16-bit arguments as float32, and float32 results in their type.

    What it is given by keyword (``out``) stays as it is.
    """

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        narrow = next((x.dtype for x in args if is_narrow(x)), None)
        if narrow is None:
            return function(*args, **kwargs)
        found = function(*(x.float() if is_narrow(x) else x for x in args), **kwargs)
        if isinstance(found, tuple):
            return tuple(rounded(one, narrow) for one in found)
        return rounded(found, narrow)

    return call


def is_narrow(value: Any) -> bool:
    return isinstance(value, Tensor) and value.dtype in NARROW


def rounded(value: Any, narrow: torch.dtype) -> Any:
    wide = isinstance(value, Tensor) and value.dtype == torch.float32
    return value.to(narrow) if wide else value
