"""Number formats against NumPy and against rational arithmetic."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warpfive.isa.reference import floats
from warpfive.isa.reference.floats import DYN, RDN, RMM, RNE, RTZ, RUP, B, D, Format, H, S

settings.register_profile("brief", max_examples=25, deadline=None)
few = settings.get_profile("brief")

MODES = [RNE, RTZ, RDN, RUP, RMM, DYN]
TYPES = {H: np.float16, S: np.float32, D: np.float64}
UNSIGNED = {H: np.uint16, S: np.uint32, D: np.uint64}


def patterns(form: Format) -> st.SearchStrategy[int]:
    """Bits of a format: any, and small exponents' worth of neighbours and specials."""
    bits = st.integers(0, 2**form.bits - 1)
    special = [0, 1, form.sign, form.infinity, form.nan, form.infinity - 1, form.infinity >> 1]
    return st.one_of(bits, st.sampled_from(special), st.sampled_from(special).map(form.sign.__or__))


def lanes(form: Format, *bits: int) -> np.ndarray:
    return form.box(np.array(bits, np.uint64))


def rational(form: Format, bits: int) -> Fraction:
    """The number that finite bits stand for."""
    stored = form.precision - 1
    field = bits & form.sign - 1
    exponent, fraction = field >> stored, field & (1 << stored) - 1
    significand = fraction + (1 << stored if exponent else 0)
    place = max(exponent, 1) - 1 + form.least
    size = Fraction(significand << place) if place > 0 else Fraction(significand, 1 << -place)
    return -size if bits & form.sign else size


def finite(form: Format, bits: int) -> bool:
    return bits & form.sign - 1 < form.infinity


def nearest(form: Format, exact: Fraction, mode: int) -> int:
    """The bits of a rational number, by searching the format: slow and plain."""
    low, high = 0, form.infinity
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if rational(form, middle) <= abs(exact) else (low, middle)
    below = rational(form, low)
    above = rational(form, low + 1) if low + 1 < form.infinity else 2 * below - rational(
        form, low - 1)  # fmt: skip
    middle, size, negative = (below + above) / 2, abs(exact), exact < 0
    up = {
        RNE: size > middle or size == middle and low % 2 == 1,
        RMM: size >= middle,
        RTZ: False,
        RDN: negative and size > below,
        RUP: not negative and size > below,
    }[RNE if mode == DYN else mode]
    if low + 1 == form.infinity and size >= above:
        up = mode in (RNE, DYN, RMM) or mode == (RDN if negative else RUP)
    return low + up | (form.sign if negative else 0)


OPERATIONS = {
    "add": (2, lambda a, b: a + b),
    "mul": (2, lambda a, b: a * b),
    "div": (2, lambda a, b: a / b if b else None),
    "fma": (3, lambda a, b, c: a * b + c),
}


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("form", [H, B, S, D], ids=lambda form: form.name)
@few
@given(data=st.data(), mode=st.sampled_from(MODES))
def test_arithmetic_is_exactly_rounded(form, name, data, mode):
    count, operation = OPERATIONS[name]
    bits = [data.draw(patterns(form).filter(lambda b: finite(form, b))) for _ in range(count)]
    exact = operation(*(rational(form, each) for each in bits))
    with np.errstate(all="ignore"):
        found = getattr(form, name)(*(lanes(form, each) for each in bits), mode)
    if exact:
        assert int(form.unbox(found)[0]) == nearest(form, exact, mode)
    elif exact is not None:
        assert int(form.unbox(found)[0]) & ~form.sign == 0


@pytest.mark.parametrize("name", ["add", "mul", "div", "sqrt"])
@pytest.mark.parametrize("form", TYPES, ids=lambda form: form.name)
@few
@given(data=st.data())
def test_to_nearest_is_what_numpy_does(form, name, data):
    count = 1 if name == "sqrt" else 2
    bits = [data.draw(patterns(form)) for _ in range(count)]
    theirs = [np.array([each], UNSIGNED[form]).view(TYPES[form]) for each in bits]
    operation = {"add": np.add, "mul": np.multiply, "div": np.divide, "sqrt": np.sqrt}[name]
    with np.errstate(all="ignore"):
        expected = operation(*theirs)
        found = getattr(form, name)(*(lanes(form, each) for each in bits), RNE)
    if np.isnan(expected[0]):
        assert int(form.unbox(found)[0]) == form.nan
    else:
        assert int(form.unbox(found)[0]) == int(expected.view(UNSIGNED[form])[0])


@pytest.mark.parametrize("form", [H, B, S, D], ids=lambda form: form.name)
@few
@given(data=st.data(), mode=st.sampled_from(MODES))
def test_square_roots_are_exactly_rounded(form, data, mode):
    bits = data.draw(st.integers(0, form.infinity - 1))
    exact = rational(form, bits)
    found = int(form.unbox(form.sqrt(lanes(form, bits), mode))[0])
    root = rational(form, found)
    below, above = (rational(form, max(found + step, 0)) for step in (-1, 1))
    if mode == RUP:
        assert root * root >= exact and (found == 0 or below * below < exact)
    elif mode in (RTZ, RDN):
        assert root * root <= exact < above * above
    else:
        assert ((below + root) / 2) ** 2 <= exact <= ((root + above) / 2) ** 2


@few
@given(data=st.data(), mode=st.sampled_from(MODES))
@pytest.mark.parametrize("to", [H, B, S, D], ids=lambda form: form.name)
@pytest.mark.parametrize("source", [H, B, S, D], ids=lambda form: form.name)
def test_conversions_between_formats(to, source, data, mode):
    bits = data.draw(patterns(source))
    found = int(to.unbox(to.of(source, lanes(source, bits), mode))[0])
    if not finite(source, bits):
        special = bits & source.sign - 1
        sign = to.sign if bits & source.sign and special == source.infinity else 0
        assert found == (to.infinity | sign if special == source.infinity else to.nan)
    elif rational(source, bits):
        assert found == nearest(to, rational(source, bits), mode)
    else:
        assert found == (to.sign if bits & source.sign else 0)


@pytest.mark.parametrize("form", [H, B, S, D], ids=lambda form: form.name)
@few
@given(value=st.integers(-(2**63), 2**64 - 1), mode=st.sampled_from(MODES))
def test_integers_become_the_right_float(form, value, mode):
    lane = np.array([value], np.int64 if value < 0 else np.uint64)
    found = int(form.unbox(form.of_int(lane, mode))[0])
    assert found == (nearest(form, Fraction(value), mode) if value else 0)


@pytest.mark.parametrize("kind", [floats.i32, floats.u32, floats.i64, floats.u64])
@pytest.mark.parametrize("form", [H, S, D], ids=lambda form: form.name)
@few
@given(data=st.data(), mode=st.sampled_from(MODES))
def test_floats_become_the_right_integer(form, kind, data, mode):
    bits = data.draw(patterns(form))
    with np.errstate(invalid="ignore"):
        found = int(form.to_int(lanes(form, bits), kind, mode)[0])
    if bits & form.sign - 1 > form.infinity:
        expected = kind.high
    elif bits & form.sign - 1 == form.infinity:
        expected = kind.low if bits & form.sign else kind.high
    else:
        whole = integral(rational(form, bits), mode)
        expected = max(kind.low, min(kind.high, whole))
    if kind.bits == 32:
        expected = (expected + 2**31) % 2**32 - 2**31
    assert found == expected % 2**64


def integral(exact: Fraction, mode: int) -> int:
    floor = exact.numerator // exact.denominator
    rest = exact - floor
    up = {
        RNE: rest > Fraction(1, 2) or rest == Fraction(1, 2) and floor % 2 == 1,
        RMM: rest > Fraction(1, 2) or rest == Fraction(1, 2) and exact > 0,
        RTZ: rest > 0 and exact < 0,
        RDN: False,
        RUP: rest > 0,
    }[RNE if mode == DYN else mode]
    return floor + up


@pytest.mark.parametrize("form", [H, B, S, D], ids=lambda form: form.name)
def test_least_and_greatest(form):
    zero, minus = 0, form.sign
    one = int(form.unbox(form.of_int(np.array([1], np.int64), RNE))[0])
    nan = form.nan
    cases = [(zero, minus, minus, zero), (one, nan, one, one), (nan, one, one, one),
             (nan, nan, nan, nan), (one, zero, zero, one)]  # fmt: skip
    for a, b, least, greatest in cases:
        pair = lanes(form, a), lanes(form, b)
        assert int(form.unbox(form.min(*pair))[0]) == least
        assert int(form.unbox(form.max(*pair))[0]) == greatest


def test_a_register_that_is_not_boxed_holds_a_nan():
    assert np.isnan(S.value(np.array([0x3F800000], np.uint64)))[0]
    assert np.isnan(H.value(np.array([0xFFFFFFFF00003C00], np.uint64)))[0]


@pytest.mark.parametrize("form", [H, S, D], ids=lambda form: form.name)
def test_every_class_has_its_bit(form):
    subnormal, normal = 1, form.infinity >> 1
    order = [form.infinity | form.sign, normal | form.sign, subnormal | form.sign, form.sign]
    order += [0, subnormal, normal, form.infinity, form.infinity | 1, form.nan]
    found = form.classify(lanes(form, *order))
    assert found.tolist() == [1 << place for place in range(10)]
