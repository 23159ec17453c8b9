"""The table of our operators, and putting them into torch."""

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

APART = ("__init__", "launch", "library", "registry")
"""Modules beside this one that define no operators; every other one is a family."""

OPERATORS: dict[str, Callable[..., Any]] = {}


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


KEPT: list[Any] = []


def register() -> set[str]:
    """Registers every family; returns the operators' names."""
    import torch

    names = sorted(path.stem for path in Path(__file__).parent.glob("*.py"))
    for family in (name for name in names if name not in APART):
        importlib.import_module(f"warpfive.torch_backend.ops.{family}")
    library = torch.library.Library("aten", "IMPL")
    for name, function in OPERATORS.items():
        library.impl(name, function, "CUDA")
    KEPT.append(library)
    return set(OPERATORS)
