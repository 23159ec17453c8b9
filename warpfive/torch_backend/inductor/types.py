"""PyTorch's element types in CUDA C++, and literals of them."""

import math

import torch

IN_MEMORY = {
    torch.bool: "bool",
    torch.int8: "signed char",
    torch.int16: "short",
    torch.int32: "int",
    torch.int64: "long long",
    torch.uint8: "unsigned char",
    torch.uint16: "unsigned short",
    torch.uint32: "unsigned int",
    torch.uint64: "unsigned long long",
    torch.float16: "__half",
    torch.bfloat16: "__nv_bfloat16",
    torch.float32: "float",
    torch.float64: "double",
    torch.float8_e4m3fn: "__nv_fp8_e4m3",
    torch.float8_e5m2: "__nv_fp8_e5m2",
}

LOW_FLOATS = (torch.float16, torch.bfloat16, torch.float8_e4m3fn, torch.float8_e5m2)


def in_memory(dtype: torch.dtype) -> str:
    """The type of an element in memory."""
    if dtype not in IN_MEMORY:
        raise NotImplementedError(f"warpfive compiles no kernels for {dtype}")
    return IN_MEMORY[dtype]


def in_register(dtype: torch.dtype) -> str:
    """The type that values are computed in: narrow floats are widened to ``float``."""
    return "float" if dtype in LOW_FLOATS else in_memory(dtype)


def literal(value: object, dtype: torch.dtype) -> str:
    """A constant of the type that ``dtype`` is computed in."""
    if dtype == torch.bool:
        return "true" if value else "false"
    if dtype.is_floating_point:
        return float_literal(float(value), "" if dtype == torch.float64 else "f")  # type: ignore[arg-type]
    number = int(value)  # type: ignore[call-overload]
    if dtype == torch.int64 and number == -(2**63):
        return "(-9223372036854775807LL - 1)"
    suffix = {torch.int64: "LL", torch.uint64: "ULL", torch.uint32: "u"}.get(dtype, "")
    return f"{number}{suffix}"


def float_literal(value: float, suffix: str) -> str:
    if math.isnan(value):
        return f"((decltype(0.0{suffix}))NAN)"
    if math.isinf(value):
        return f"((decltype(0.0{suffix})){'-' if value < 0 else ''}INFINITY)"
    if suffix and abs(value) > 3.4028235677973366e38:
        return f"({'-' if value < 0 else ''}INFINITY)"
    return f"{value!r}{suffix}"
