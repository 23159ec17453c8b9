"""Formulas of PyTorch's special functions and rarer elementwise operators (see ``formulas``)."""

from warpfive.torch_backend.formula import Formula

NEEDS = ("pointwise", "special")


def wide(**texts: str) -> dict[str, Formula]:
    """Functions computed in double and rounded once."""
    return {name: Formula(text=f"(T)({text})", needs=NEEDS) for name, text in texts.items()}


UNARY = wide(
    digamma="digamma_of((double)a)",
    trigamma="trigamma_of((double)a)",
    lgamma="lgamma(a)",
    erfinv="erfinv(a)",
    i0="cyl_bessel_i0(a)",
    special_i0e="scaled_i(0, (double)a)",
    special_i1="cyl_bessel_i1(a)",
    special_i1e="scaled_i(1, (double)a)",
    special_entr="entropy<T>(a)",
    special_erfcx="erfcx(a)",
    special_ndtri="normcdfinv(a)",
    special_log_ndtr="log_ndtr_of((double)a)",
    special_airy_ai="airy_of((double)a)",
    special_bessel_j0="j0(a)",
    special_bessel_j1="j1(a)",
    special_bessel_y0="y0(a)",
    special_bessel_y1="y1(a)",
    special_modified_bessel_i0="cyl_bessel_i0(a)",
    special_modified_bessel_i1="cyl_bessel_i1(a)",
    special_modified_bessel_k0="exp(-(double)a) * scaled_k(0, (double)a)",
    special_modified_bessel_k1="exp(-(double)a) * scaled_k(1, (double)a)",
    special_scaled_modified_bessel_k0="scaled_k(0, (double)a)",
    special_scaled_modified_bessel_k1="scaled_k(1, (double)a)",
    special_spherical_bessel_j0="a == (T)0 ? 1. : sin((double)a) / (double)a",
    sinc="a == (T)0 ? 1. : sin(WF_PI * (double)a) / (WF_PI * (double)a)",
    angle="angle_of<T>(a)",
    log_sigmoid="minimum_of<T>(a, (T)0) - log1p(exp(-fabs(a)))",
)
BINARY = wide(
    logaddexp="log_add<T>(a, b)",
    logaddexp2="log_add_2<T>(a, b)",
    igamma="igamma_of((double)a, (double)b, false)",
    igammac="igamma_of((double)a, (double)b, true)",
    heaviside="a == (T)0 ? b : (T)(a < (T)0 ? 0 : 1)",
    xlogy="is_nan(b) ? b : a == (T)0 ? (T)0 : a * log(b)",
    xlog1py="is_nan(b) ? b : a == (T)0 ? (T)0 : a * log1p(b)",
    zeta="zeta_of((double)a, (double)b)",
    gcd="common_divisor<T>(a, b)",
    lcm="common_multiple<T>(a, b)",
    prelu="a > (T)0 ? a : b * a",
    glu="a * logistic(b)",
    chebyshev_polynomial_t="chebyshev((double)a, (long)b, 1, 0)",
    chebyshev_polynomial_u="chebyshev((double)a, (long)b, 2, 0)",
    chebyshev_polynomial_v="chebyshev((double)a, (long)b, 2, -1)",
    chebyshev_polynomial_w="chebyshev((double)a, (long)b, 2, 1)",
    shifted_chebyshev_polynomial_t="chebyshev(2 * (double)a - 1, (long)b, 1, 0)",
    shifted_chebyshev_polynomial_u="chebyshev(2 * (double)a - 1, (long)b, 2, 0)",
    shifted_chebyshev_polynomial_v="chebyshev(2 * (double)a - 1, (long)b, 2, -1)",
    shifted_chebyshev_polynomial_w="chebyshev(2 * (double)a - 1, (long)b, 2, 1)",
    hermite_polynomial_h="hermite((double)a, (long)b, 2)",
    hermite_polynomial_he="hermite((double)a, (long)b, 1)",
    laguerre_polynomial_l="laguerre((double)a, (long)b)",
    legendre_polynomial_p="legendre((double)a, (long)b)",
)
OTHER = {
    "nextafter": Formula(
        text="*e0 = next_after<E0>(*e1, *e2)", own_types=True, stores=True, needs=NEEDS
    ),
    "frexp": Formula(
        text="int power; *e0 = (E0)frexp((math_t<E2>)*e2, &power); *e1 = power", own_types=True,
        stores=True, needs=NEEDS,
    ),
    "conj_physical": Formula(text="conjugate(a)"),
    "complex": Formula(
        text="*e0 = E0(*e1, *e2)", own_types=True, stores=True, needs=NEEDS
    ),
    "polar": Formula(
        text="*e0 = E0(*e1 * cos(*e2), *e1 * sin(*e2))", own_types=True, stores=True, needs=NEEDS
    ),
    **wide(
        polygamma="polygamma_of(q.s0.whole, (double)a)",
        round_decimals="rounded<T>(a, q.s0.whole)",
        logit="logit_of<T>(a, q.s0.real)",
        smooth_l1="fabs(a - b) < (T)q.s0.real"
        " ? (T)0.5 * (a - b) * (a - b) / (T)q.s0.real : fabs(a - b) - (T)0.5 * (T)q.s0.real",
        huber="fabs(a - b) <= (T)q.s0.real"
        " ? (T)0.5 * (a - b) * (a - b) : (T)q.s0.real * (fabs(a - b) - (T)0.5 * (T)q.s0.real)",
        addr="s0 == (T)0 ? s1 * b * c : s0 * a + s1 * b * c",
    ),
}
SPECIAL: dict[str, Formula] = UNARY | BINARY | OTHER

STUBS: dict[str, tuple[str, str]] = {
    **{
        f"{name}_stub": ("pointwise", name) for name in (*UNARY, *BINARY) if name != "log_sigmoid"
    },
    "nextafter_stub": ("pointwise", "nextafter"),
    "frexp_stub": ("pointwise", "frexp"),
    "conj_physical_stub": ("pointwise", "conj_physical"),
    "complex_stub": ("pointwise", "complex"),
    "polar_stub": ("pointwise", "polar"),
    "polygamma_stub": ("pointwise int64", "polygamma"),
    "round_decimals_stub": ("pointwise int64", "round_decimals"),
    "logit_stub": ("pointwise scalar", "logit"),
    "smooth_l1_stub": ("pointwise double", "smooth_l1"),
    "huber_stub": ("pointwise double", "huber"),
    "addr_stub": ("pointwise scalar scalar", "addr"),
}
