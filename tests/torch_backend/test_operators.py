"""A sample of PyTorch's own operator database; ``benchmarks.operators`` runs all of it."""

import pytest
import torch

common = pytest.importorskip("torch.testing._internal.common_methods_invocations")

from benchmarks.operators.judge import full_name, judge_operator  # noqa: E402

NAMES = [
    "abs", "add", "addmm", "amax", "arange", "argmax", "bmm", "cat", "clamp", "cos", "cumsum",
    "div.no_rounding_mode", "exp", "eq", "floor_divide", "gather", "index_add", "index_put",
    "index_select", "linspace", "log_softmax", "masked_fill", "matmul", "maximum", "mean",
    "mul", "neg", "nn.functional.embedding", "nn.functional.gelu", "nn.functional.layer_norm",
    "nn.functional.linear", "nn.functional.max_pool2d", "nn.functional.silu", "pow", "round",
    "rsqrt", "scatter_add", "softmax", "sort", "sqrt", "sub", "sum", "topk", "tril", "var",
    "where",
]  # fmt: skip
CASES = [
    pytest.param(info, dtype, id=f"{full_name(info)}-{str(dtype).removeprefix('torch.')}")
    for info in common.op_db
    if full_name(info) in NAMES
    for dtype in (torch.float32, torch.bfloat16, torch.int64)
    if dtype in info.dtypes & info.dtypesIfCUDA
]


def test_every_name_is_in_the_database() -> None:
    assert {full_name(case.values[0]) for case in CASES} == set(NAMES)


@pytest.mark.parametrize(("info", "dtype"), CASES)
def test_first_sample(info: object, dtype: torch.dtype) -> None:
    tally = judge_operator(info, dtype, 1)
    assert tally.passed == tally.samples == 1, tally.causes
