"""Elementwise operators: which of torch's dispatch stubs each fills, and its formula in CUDA C++.

In a formula ``a``, ``b``, ``c`` are the input elements in the type to compute in (``T``; ``C`` is
the tensors' common type), ``s0``, ``s1`` the operator's number arguments as ``T``, and
``q.s0.whole``, ``q.s0.real`` the same as integer and double. Adding an operator is adding a row.
"""

from warpfive.torch_backend import derivatives, special
from warpfive.torch_backend.formula import Formula


def plain(**texts: str) -> dict[str, Formula]:
    return {name: Formula(text=text) for name, text in texts.items()}


def truth(**texts: str) -> dict[str, Formula]:
    return {name: Formula(text=text, result="bool") for name, text in texts.items()}


UNARY = plain(
    abs="absolute(a)",
    acos="acos(a)",
    acosh="acosh(a)",
    asin="asin(a)",
    asinh="asinh(a)",
    atan="atan(a)",
    atanh="atanh(a)",
    ceil="ceil(a)",
    cos="cos(a)",
    cosh="cosh(a)",
    erf="erf(a)",
    erfc="erfc(a)",
    exp="exp(a)",
    exp2="exp2(a)",
    expm1="expm1(a)",
    floor="floor(a)",
    frac="a - trunc(a)",
    log="log(a)",
    log10="log10(a)",
    log1p="log1p(a)",
    log2="log2(a)",
    neg="-a",
    reciprocal="(T)1 / a",
    round="rint(a)",
    rsqrt="(T)1 / sqrt(a)",
    sigmoid="logistic(a)",
    sign="sign_of(a)",
    sgn="sign_of(a)",
    sin="sin(a)",
    sinh="sinh(a)",
    sqrt="sqrt(a)",
    tan="tan(a)",
    tanh="tanh(a)",
    trunc="trunc(a)",
    silu="a / ((T)1 + exp(-a))",
    hardswish="a * minimum_of(maximum_of(a + (T)3, (T)0), (T)6) / (T)6",
    hardsigmoid="minimum_of(maximum_of(a + (T)3, (T)0), (T)6) / (T)6",
    mish="a * tanh(log1p(exp(a)))",
    bitwise_not="flipped(a)",
)
TRUTH = truth(
    logical_not="!to<bool>(a)",
    signbit="signbit(a)",
    isposinf="a == infinity<T>()",
    isneginf="a == -infinity<T>()",
    logical_and="to<bool>(a) && to<bool>(b)",
    logical_or="to<bool>(a) || to<bool>(b)",
    logical_xor="to<bool>(a) != to<bool>(b)",
    eq="a == b",
    ne="a != b",
    lt="a < b",
    le="a <= b",
    gt="a > b",
    ge="a >= b",
)
BINARY = plain(
    mul="a * b",
    div_true="a / b",
    div_floor="divided_down<T>(a, b)",
    div_trunc="divided_short<T>(a, b)",
    remainder="rest_down<T>(a, b)",
    fmod="rest_short<T>(a, b)",
    atan2="atan2(a, b)",
    hypot="hypot(a, b)",
    copysign="copysign(a, b)",
    bitwise_and="a & b",
    bitwise_or="a | b",
    bitwise_xor="a ^ b",
    lshift="b < 0 || b >= (T)(8 * sizeof(T)) ? (T)0 : (T)(a << b)",
    rshift="a >> (b < 0 || b >= (T)(8 * sizeof(T)) ? (T)(8 * sizeof(T) - 1) : b)",
    maximum="maximum_of<T>(a, b)",
    minimum="minimum_of<T>(a, b)",
    fmax="fmax(a, b)",
    fmin="fmin(a, b)",
    pow_tensor_tensor="power<T>(a, b)",
    sigmoid_backward="a * ((T)1 - b) * b",
    tanh_backward="a * ((T)1 - b * b)",
    silu_backward="a * logistic(b) * ((T)1 + b * ((T)1 - logistic(b)))",
    mse="(a - b) * (a - b)",
)
SCALAR = plain(
    add="a + s0 * b",
    sub="a - s0 * b",
    pow_tensor_scalar="power<T>(a, s0)",
    fill="s0",
    masked_fill="b ? s0 : a",
    leaky_relu="a > (T)0 ? a : a * s0",
    leaky_relu_backward="a > (T)0 ? b : b * s0",
    hardshrink="a >= -s0 && a <= s0 ? (T)0 : a",
    softshrink="a > s0 ? a - s0 : a < -s0 ? a + s0 : is_nan(a) ? a : (T)0",
    clamp_min="maximum_of<T>(a, s0)",
    clamp_max="minimum_of<T>(a, s0)",
    clamp_scalar="minimum_of<T>(maximum_of<T>(a, s0), s1)",
    threshold="a <= s0 ? s1 : b",
    softplus="a * s0 > s1 ? a : log1p(exp(a * s0)) / s0",
    elu="a < (T)0 ? expm1(a * s2) * s0 * s1 : a * s1",
    lerp_scalar="fabs(s0) < (T)0.5 ? a + s0 * (b - a) : b - (b - a) * ((T)1 - s0)",
    lerp_tensor="fabs(c) < (T)0.5 ? a + c * (b - a) : b - (b - a) * ((T)1 - c)",
    addcmul="a + s0 * b * c",
    addcdiv="a + s0 * (b / c)",
    clamp_tensor="minimum_of<T>(maximum_of<T>(a, b), c)",
    renorm_scale="a > s0 ? s0 / (a + (T)1e-7) : (T)1",
    gelu_none="gelu_exact<T>(a)",
    gelu_tanh="gelu_tanh<T>(a)",
)
MOVES = {
    "copy": Formula(text="a", result="own", own_types=True),
    "copy_negative": Formula(text="-a", result="own", own_types=True),
    "copy_conjugate": Formula(text="conjugate(a)", result="own", own_types=True),
    "copy_negative_conjugate": Formula(text="-conjugate(a)", result="own", own_types=True),
    "where": Formula(text="a ? b : c", result="own", own_types=True),
    "nan_to_num": Formula(
        text="is_nan(a) ? (q.s0.whole ? s0 : (T)0)"
        " : a == infinity<T>() ? (q.s1.whole ? s1 : limit_of<C>())"
        " : a == -infinity<T>() ? (q.s2.whole ? s2 : -limit_of<C>()) : a"
    ),
}

INDICES = "bcde"


def indexed(count: int) -> str:
    """Byte offset that ``count`` index tensors select; sizes and strides are number arguments."""
    return " + ".join(
        f"chosen({INDICES[i]}, q.s{2 * i}.whole) * q.s{2 * i + 1}.whole" for i in range(count)
    )


def indexing() -> dict[str, Formula]:
    texts = {
        "index": "*e0 = *(const E1 *)((const char *)e1 + {0})",
        "index_put": "*(E0 *)((char *)e0 + {0}) = a",
        "index_add": "add_to((E0 *)((char *)e0 + {0}), a)",
    }
    return {
        f"{name}{count}": Formula(
            text=text.format(indexed(count)), own_types=True, stores=True, needs=("atomics",)
        )
        for name, text in texts.items()
        for count in range(1, len(INDICES) + 1)
    }


FORMULAS: dict[str, Formula] = (
    UNARY | TRUTH | BINARY | SCALAR | MOVES | indexing() | special.SPECIAL | derivatives.DERIVATIVES
)
"""Formula of every elementwise kernel, by its name."""

STUBS: dict[str, tuple[str, str]] = {
    **{f"{name}_stub": ("pointwise", name) for name in (*UNARY, *TRUTH, *BINARY)},
    **{f"{name}_stub": ("pointwise scalar", name) for name in (
        "add", "sub", "pow_tensor_scalar", "fill", "masked_fill", "leaky_relu",
        "leaky_relu_backward", "hardshrink", "softshrink", "addcmul", "addcdiv",
    )},
    "clamp_min_scalar_stub": ("pointwise scalar", "clamp_min"),
    "clamp_max_scalar_stub": ("pointwise scalar", "clamp_max"),
    "clamp_scalar_stub": ("pointwise scalar scalar", "clamp_scalar"),
    "threshold_stub": ("pointwise scalar scalar", "threshold"),
    "softplus_stub": ("pointwise scalar scalar", "softplus"),
    "elu_stub": ("pointwise scalar scalar scalar", "elu"),
    "lerp_kernel_scalar_weight": ("pointwise scalar", "lerp_scalar"),
    "lerp_kernel_tensor_weight": ("pointwise", "lerp_tensor"),
    "clamp_stub": ("pointwise", "clamp_tensor"),
    "where_kernel": ("pointwise", "where"),
    "nan_to_num_stub": ("pointwise real real real", "nan_to_num"),
    "sum_stub": ("reduce", "sum"),
    "nansum_stub": ("reduce", "nansum"),
    "mean_stub": ("reduce", "mean"),
    "prod_stub": ("reduce", "prod"),
    "and_stub": ("reduce", "all_true"),
    "or_stub": ("reduce", "any_true"),
    "xor_sum_stub": ("reduce", "xor_sum"),
    "max_values_stub": ("reduce", "max_values"),
    "min_values_stub": ("reduce", "min_values"),
    "argmax_stub": ("reduce", "argmax"),
    "argmin_stub": ("reduce", "argmin"),
    "renorm_scale_factor_stub": ("pointwise double", "renorm_scale"),
    "std_var_stub": ("reduce double bool", "std_var"),
    **special.STUBS,
    **derivatives.STUBS,
}  # fmt: skip
"""Signature and kernel of each of torch's dispatch stubs that a generated kernel serves."""
