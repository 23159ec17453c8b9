"""The table of our operators, and putting them into torch."""

import functools
import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

APART = ("__init__", "launch", "library", "narrow", "registry")
"""Modules beside this one that define no operators; every other one is a family."""

OPERATORS: dict[str, Callable[..., Any]] = {}
SPARSE: dict[tuple[str, str], Callable[..., Any]] = {}
"""Operators of sparse tensors, by name and dispatch key."""


def sparse_op(key: str, *names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The same as ``op`` for a dispatch key of sparse tensors."""

    def note(function: Callable[..., Any]) -> Callable[..., Any]:
        SPARSE.update({(name, key): function for name in names})
        return function

    return note


def op(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Marks a function as the chip's ``aten`` operator of these names (``mm.out``).

    Prefer the ``.out`` overload of a structured operator: torch then infers shape and type and
    allocates the result before it calls.
    """

    def note(function: Callable[..., Any]) -> Callable[..., Any]:
        for name in names:
            OPERATORS[name] = function
        return function

    return note


def sized(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """``function`` after results that are empty got the shapes that torch infers.

    torch allocates the results of the functional form; whoever calls an ``out`` form itself may
    hand in empty ones.
    """
    import torch
    from torch.utils._pytree import tree_map

    base, _, overload = name.partition(".")
    packet = getattr(getattr(torch.ops.aten, base), overload or "default")
    outs = [each.name for each in packet._schema.arguments if each.is_out]
    if not outs:
        return function

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if any(kwargs[each].numel() == 0 for each in outs):
            shapes = tree_map(as_meta, kwargs)
            packet(*tree_map(as_meta, args), **shapes)
            for each in outs:
                if kwargs[each].shape != shapes[each].shape:
                    kwargs[each].resize_(shapes[each].shape)
        return function(*args, **kwargs)

    return call


def as_meta(value: Any) -> Any:
    import torch

    return value.to("meta") if isinstance(value, torch.Tensor) else value


KEPT: list[Any] = []


def register() -> set[tuple[str, str]]:
    """Registers every family; returns the operators' names and dispatch keys."""
    import torch

    names = sorted(path.stem for path in Path(__file__).parent.glob("*.py"))
    for family in (name for name in names if name not in APART):
        importlib.import_module(f"warpfive.torch_backend.ops.{family}")
    library = torch.library.Library("aten", "IMPL")
    for name, function in OPERATORS.items():
        structured = torch._C._dispatch_has_kernel_for_dispatch_key(f"aten::{name}", "Meta")
        library.impl(name, sized(name, function) if structured else function, "CUDA")
    for (name, key), function in SPARSE.items():
        library.impl(name, function, key)
    KEPT.append(library)
    return {(name, "CUDA") for name in OPERATORS} | set(SPARSE)
