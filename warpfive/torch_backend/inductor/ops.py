"""Inductor's scalar operations in CUDA C++."""

import itertools
from typing import Any

import torch
from torch._inductor.codegen.common import CSEVariable, OpOverrides
from torch._inductor.utils import IndentedBuffer, get_bounds_index_expr
from torch._inductor.virtualized import OpsValue, V, ops

from warpfive.torch_backend.inductor.types import LOW_FLOATS, in_memory, in_register, literal

UNARY = {
    "abs": "abs", "exp": "exp", "exp2": "exp2", "expm1": "expm1", "sqrt": "sqrt", "cos": "cos",
    "sin": "sin", "lgamma": "lgamma", "erf": "erf", "erfc": "erfc", "erfcx": "erfcx",
    "erfinv": "erfinv", "cosh": "cosh", "sinh": "sinh", "acos": "acos", "acosh": "acosh",
    "asin": "asin", "asinh": "asinh", "atan": "atan", "atanh": "atanh", "log": "log",
    "log10": "log10", "log2": "log2", "log1p": "log1p", "rsqrt": "rsqrt", "tan": "tan",
    "tanh": "tanh", "floor": "floor", "ceil": "ceil", "trunc": "trunc", "round": "rint",
    "ndtr": "normcdf", "ndtri": "normcdfinv", "bessel_j0": "j0", "bessel_j1": "j1",
    "bessel_y0": "y0", "bessel_y1": "y1", "i0": "cyl_bessel_i0", "i1": "cyl_bessel_i1",
    "modified_bessel_i0": "cyl_bessel_i0", "modified_bessel_i1": "cyl_bessel_i1",
}  # fmt: skip
OWN_UNARY = ("sign", "sigmoid", "relu", "isnan", "isinf", "signbit", "reciprocal", "digamma")
OWN_UNARY += ("i0e", "i1e", "log_ndtr", "spherical_bessel_j0")
BINARY = {"atan2": "atan2", "copysign": "copysign", "hypot": "hypot", "nextafter": "nextafter"}
OWN_BINARY = ("minimum", "maximum", "remainder", "fmod", "pow", "ldexp")
INFIX = {
    "add": "+", "sub": "-", "mul": "*", "eq": "==", "ne": "!=", "lt": "<", "gt": ">", "le": "<=",
    "ge": ">=", "and_": "&", "or_": "|", "xor": "^", "logical_and": "&&", "logical_or": "||",
    "bitwise_and": "&", "bitwise_or": "|", "bitwise_xor": "^",
}  # fmt: skip


class Overrides(OpOverrides):
    """Text of each operation; the declaration of the result converts it to its type."""

    @staticmethod
    def constant(value: Any, dtype: torch.dtype) -> str:
        return literal(value, dtype)

    @staticmethod
    def to_dtype(
        x: CSEVariable, dtype: torch.dtype, src_dtype: torch.dtype | None = None,
        use_compute_types: bool = True,
    ) -> str:  # fmt: skip
        wide = (torch.float16, torch.bfloat16) if use_compute_types else ()
        if dtype in wide or dtype not in LOW_FLOATS:
            return f"wf::to<{in_register(dtype)}>({x})"
        return f"wf::widen(wf::to<{in_memory(dtype)}>({x}))"

    @staticmethod
    def to_dtype_bitcast(x: CSEVariable, dtype: torch.dtype, src_dtype: torch.dtype) -> str:
        bits = f"wf::bits<{in_memory(dtype)}>(wf::to<{in_memory(src_dtype)}>({x}))"
        return f"wf::widen({bits})"

    @staticmethod
    def index_expr(expr: Any, dtype: torch.dtype) -> str:
        text = V.kernel.index_to_str(V.kernel.prepare_indexing(expr))
        variable = V.kernel.cse.generate(
            V.kernel.compute, text, bounds=get_bounds_index_expr(expr),
            dtype=V.kernel.get_index_dtype_as_torch_dtype() if expr.is_integer else torch.float64,
        )  # fmt: skip
        return f"wf::to<{in_register(dtype)}>({variable})"

    value_expr = index_expr

    @staticmethod
    def masked(mask: CSEVariable, body: Any, other: Any) -> CSEVariable:
        """``body()`` where the mask is set: its loads may be out of bounds elsewhere."""
        scope = IndentedBuffer()
        kernel = V.kernel
        kernel.masked_depth += 1
        try:
            with kernel.swap_buffers(scope), scope.indent():
                # the same body has to give the same text, or it would not be found again
                kernel.cse.iter_buffer_ids = itertools.count()
                kernel.cse.name_prefix += "m"
                result = body()
        finally:
            kernel.masked_depth -= 1
        if isinstance(result, OpsValue):
            result = result.value
        dtype = result.dtype or torch.float32
        key = f"{mask}:{scope.getvalue()}:{other}:{result}"
        if (known := kernel.cse.try_get(key)) is not None:
            return known
        variable = kernel.cse.newvar(dtype=dtype, shape=())
        kernel.cse.put(key, variable)
        fill = other if isinstance(other, CSEVariable) else literal(other, dtype)
        kernel.compute.writelines([f"{in_register(dtype)} {variable} = {fill};", f"if ({mask}) {{"])
        with kernel.compute.indent():
            kernel.compute.splice(scope)
            kernel.compute.writeline(f"{variable} = {result};")
        kernel.compute.writeline("}")
        return variable

    @staticmethod
    def where(a: Any, b: Any, c: Any) -> str:
        return f"{a} ? {b} : {c}"

    @staticmethod
    def neg(x: Any) -> str:
        return f"-{x}"

    @staticmethod
    def logical_not(a: Any) -> str:
        return f"!{a}"

    @staticmethod
    def logical_xor(a: Any, b: Any) -> str:
        return f"bool({a}) != bool({b})"

    @staticmethod
    def bitwise_not(x: Any) -> str:
        return f"wf::bitwise_not({x})"

    @staticmethod
    def bitwise_left_shift(x: Any, y: Any) -> str:
        return f"wf::shift_left({x}, {y})"

    @staticmethod
    def bitwise_right_shift(x: Any, y: Any) -> str:
        return f"wf::shift_right({x}, {y})"

    lshift, rshift = bitwise_left_shift, bitwise_right_shift

    @staticmethod
    def truediv(a: Any, b: Any) -> str:
        return f"wf::divide({a}, {b})"

    int_truediv = div_rn = truediv

    @staticmethod
    def floordiv(a: Any, b: Any) -> str:
        return f"wf::floor_divide({a}, {b})"

    @staticmethod
    def truncdiv(a: Any, b: Any) -> str:
        return f"wf::trunc_divide({a}, {b})"

    @staticmethod
    def mod(a: Any, b: Any) -> str:
        return f"wf::fmod({a}, {b})"

    @staticmethod
    def fma(x: Any, y: Any, z: Any) -> str:
        return f"fma({x}, {y}, {z})"

    @staticmethod
    def mul_rn(x: Any, y: Any) -> str:
        return f"wf::mul_rn({x}, {y})"

    @staticmethod
    def square(x: Any) -> str:
        return f"{x} * {x}"

    @staticmethod
    def frexp(x: CSEVariable) -> tuple[CSEVariable, CSEVariable]:
        kernel = V.kernel
        if (known := kernel.cse.try_get(f"frexp({x})")) is not None:
            return known
        mantissa = kernel.cse.newvar(dtype=x.dtype, shape=())
        exponent = kernel.cse.newvar(dtype=torch.int32, shape=())
        kernel.compute.writeline(f"int {exponent};")
        kernel.compute.writeline(f"const auto {mantissa} = frexp({x}, &{exponent});")
        kernel.cse.put(f"frexp({x})", (mantissa, exponent))
        return mantissa, exponent

    @staticmethod
    def round_to_int(a: Any, dtype: torch.dtype) -> str:
        return f"wf::to<{in_register(dtype)}>(rint({a}))"

    @staticmethod
    def floor_to_int(a: Any, dtype: torch.dtype) -> str:
        return f"wf::to<{in_register(dtype)}>(floor({a}))"

    @staticmethod
    def ceil_to_int(a: Any, dtype: torch.dtype) -> str:
        return f"wf::to<{in_register(dtype)}>(ceil({a}))"

    @staticmethod
    def trunc_to_int(a: Any, dtype: torch.dtype) -> str:
        return f"wf::to<{in_register(dtype)}>(trunc({a}))"

    @staticmethod
    def identity(value: Any) -> Any:
        return value

    @staticmethod
    def load_seed(name: str, offset: Any) -> Any:
        return ops.load(name, offset)


def fill_in() -> tuple[str, ...]:
    """Adds the operations that are one call or one operator; returns those without a kernel."""
    for name, function in {**UNARY, **{own: f"wf::{own}" for own in OWN_UNARY}}.items():
        setattr(Overrides, name, staticmethod(unary(name, function)))
    for name, function in {**BINARY, **{own: f"wf::{own}" for own in OWN_BINARY}}.items():
        setattr(Overrides, name, staticmethod(binary(name, function)))
    for name, operator in INFIX.items():
        setattr(Overrides, name, staticmethod(infix(name, operator)))
    from torch._inductor.codegen.common import pointwise_overrides_data

    missing = [name for name in pointwise_overrides_data if Overrides._is_unimplemented(name)]
    for name in missing:
        setattr(Overrides, name, Overrides._unimplemented(name))
    return tuple(missing)


def unary(name: str, function: str) -> Any:
    def text(x: Any) -> str:
        return f"{function}({x})"

    text.__name__ = name
    return text


def binary(name: str, function: str) -> Any:
    def text(a: Any, b: Any) -> str:
        return f"{function}({a}, {b})"

    text.__name__ = name
    return text


def infix(name: str, operator: str) -> Any:
    def text(a: Any, b: Any) -> str:
        return f"{a} {operator} {b}"

    text.__name__ = name
    return text


WITHOUT_KERNEL = fill_in()
