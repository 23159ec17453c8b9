"""Sums brought into the order of their terms: the same values, each sum's products side by side."""

import re

import pytest

from warpfive.compiler import compile_device
from warpfive.translator import host
from warpfive.translator.chains import in_chains
from warpfive.translator.translate import translate_text

SUMS = """
extern "C" __global__ void sums(const float *a, const float *b, float *c, int n) {
  float sum[4] = {};
  for (int k = 0; k < n; k += 2) {
    float x = b[k * 32 + threadIdx.x], y = b[(k + 1) * 32 + threadIdx.x];
#pragma unroll
    for (int i = 0; i < 4; i++) sum[i] = fmaf(a[i * n + k], x, sum[i]);
#pragma unroll
    for (int i = 0; i < 4; i++) sum[i] = fmaf(a[i * n + k + 1], y, sum[i]);
  }
  for (int i = 0; i < 4; i++) c[i * 32 + threadIdx.x] = sum[i];
}
"""


def sums_in(text: str) -> list[tuple[str, str]]:
    """Name and last operand of each product added up, in order."""
    return re.findall(r"(%\w+) = call <32 x float> @llvm\.fma\.v32f32\(.* (%\w+)\)", text)


@pytest.fixture(scope="module")
def text(tmp_path_factory) -> str:
    source = tmp_path_factory.mktemp("chains") / "sums.cu"
    source.write_text(SUMS)
    return translate_text(compile_device(source), "sums", (32, 1, 1), "plain")


def test_a_sums_products_follow_one_another(text):
    def apart(lines: list[tuple[str, str]]) -> int:
        at = {name: number for number, (name, _) in enumerate(lines)}
        return sum(number - at[added] - 1 for number, (_, added) in enumerate(lines) if added in at)

    before, after = sums_in(text), sums_in(in_chains(text))
    assert sorted(before) == sorted(after)
    assert apart(before) > 0 == apart(after)


def test_nothing_but_the_order_changes_and_it_compiles(text):
    assert sorted(text.split("\n")) == sorted(in_chains(text).split("\n"))
    assert host.compile_object(text, "avx2")


def test_text_without_sums_is_left_alone():
    assert in_chains("define void @f() {\n  ret void\n}\n") == "define void @f() {\n  ret void\n}\n"


def test_a_sum_may_be_long():
    lines = ["define void @f(<32 x float> %a, ptr %p) {", "  %s0 = fadd <32 x float> %a, %a"]
    lines += [
        f"  %s{n + 1} = call <32 x float> @llvm.fma.v32f32(<32 x float> %a, <32 x float> %a, "
        f"<32 x float> %s{n})" for n in range(3000)
    ]  # fmt: skip
    text = "\n".join([*lines, "  store <32 x float> %s3000, ptr %p", "  ret void", "}"])
    assert in_chains(text) == text
