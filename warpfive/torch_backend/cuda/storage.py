"""Constructors that are compiled out of a CPU build: storages and the typed tensor classes."""

from typing import Any

import torch

TENSOR_TYPES = {
    "FloatTensor": torch.float32, "DoubleTensor": torch.float64, "HalfTensor": torch.float16,
    "BFloat16Tensor": torch.bfloat16, "LongTensor": torch.int64, "IntTensor": torch.int32,
    "ShortTensor": torch.int16, "CharTensor": torch.int8, "ByteTensor": torch.uint8,
    "BoolTensor": torch.bool,
}  # fmt: skip


def install() -> None:
    untyped_storage()
    for name, dtype in TENSOR_TYPES.items():
        setattr(torch.cuda, name, typed(name, dtype))


def untyped_storage() -> None:
    """Lets ``torch.UntypedStorage(count, device="cuda")`` allocate on the chip."""
    base = torch.UntypedStorage.__new__

    def new(cls: type, *arguments: Any, device: Any = None, **named: Any) -> Any:
        if device is None or torch.device(device).type != "cuda":
            if device is not None:
                named["device"] = device
            return base(cls, *arguments, **named)
        count = arguments[0] if arguments else named.get("size", 0)
        if not isinstance(count, int):
            return torch.tensor(list(count), dtype=torch.uint8, device=device).untyped_storage()
        return torch.empty(count, dtype=torch.uint8, device=device).untyped_storage()

    torch.UntypedStorage.__new__ = new


class TypedMeta(type):
    """``isinstance(x, torch.cuda.FloatTensor)`` asks for type and device."""

    dtype: torch.dtype

    def __instancecheck__(cls, value: Any) -> bool:
        return isinstance(value, torch.Tensor) and value.is_cuda and value.dtype == cls.dtype


def typed(name: str, dtype: torch.dtype) -> type:
    """The class ``torch.cuda.<name>``."""

    def new(cls: type, *arguments: Any) -> torch.Tensor:
        if len(arguments) == 1 and not isinstance(arguments[0], int | torch.Size):
            return torch.tensor(arguments[0], dtype=dtype, device="cuda")
        return torch.empty(*arguments, dtype=dtype, device="cuda")

    content = {"__new__": new, "dtype": dtype, "is_cuda": True, "__module__": "torch.cuda"}
    return TypedMeta(name, (), content)
