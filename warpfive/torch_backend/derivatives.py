"""Formulas of gradients: which of torch's stubs each fills, as ``formulas.py`` has them.

``a`` is the gradient of the result and ``b`` the operator's argument, but for losses, whose
argument, target and gradient are ``a``, ``b`` and ``c``.
"""

from warpfive.torch_backend.formula import Formula

TEXTS = {
    "mse_backward": "s0 * (a - b) * c",
    "smooth_l1_backward": "fabs(a - b) >= s1 ? s0 * c * sign_of(a - b) : s0 * c * (a - b) / s1",
    "huber_backward": "fabs(a - b) >= s1 ? s0 * c * s1 * sign_of(a - b) : s0 * c * (a - b)",
    "hardtanh_backward": "b <= s0 || b >= s1 ? (T)0 : a",
    "hardsigmoid_backward": "b > (T)-3 && b < (T)3 ? a / (T)6 : (T)0",
    "hardswish_backward": "b <= (T)-3 ? (T)0 : b < (T)3 ? a * (b / (T)3 + (T)0.5) : a",
    "softplus_backward": "b * s0 > s1 ? a : a * logistic(b * s0)",
    "shrink_backward": "b >= -s0 && b <= s0 ? (T)0 : a",
    "mish_backward": "a * (tanh(log1p(exp(b))) + b * logistic(b) * ((T)1 - tanh(log1p(exp(b)))"
    " * tanh(log1p(exp(b)))))",
    "elu_backward": "b > (T)0 ? a * s1 : q.s3.whole ? a * s2 * (b + s0 * s1)"
    " : a * s2 * s0 * s1 * exp(b * s2)",
    "logit_backward": "q.s0.real < 0 ? (b < (T)0 || b > (T)1 ? not_a_number<T>()"
    " : a / (b * ((T)1 - b))) : b < s0 || b > (T)1 - s0 ? (T)0 : a / (b * ((T)1 - b))",
}
DERIVATIVES = {name: Formula(text=text) for name, text in TEXTS.items()} | {
    "prelu_backward": Formula(
        text="*e0 = *e2 > (E2)0 ? *e4 : *e3 * *e4; *e1 = *e2 > (E2)0 ? (E1)0 : *e2 * *e4",
        own_types=True, stores=True,
    ),
}  # fmt: skip
SIGNATURES = {
    "mse_backward": "pointwise scalar",
    "smooth_l1_backward": "pointwise scalar double",
    "huber_backward": "pointwise scalar double",
    "hardtanh_backward": "pointwise scalar scalar",
    "softplus_backward": "pointwise scalar scalar",
    "shrink_backward": "pointwise scalar",
    "elu_backward": "pointwise scalar scalar scalar bool",
    "logit_backward": "pointwise scalar",
}
STUBS = {
    f"{name}_stub": (SIGNATURES.get(name, "pointwise"), name) for name in DERIVATIVES
}
