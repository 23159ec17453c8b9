"""Runs samples of one operator and judges each against the CPU build of PyTorch.

A sample passes where the chip's result has the CPU's type, shape and, within the tolerance of the
type, values. A floating result outside it still passes where it lies as near to the float64 result
as the CPU's does, within a factor of two: then the two differ by rounding. Operators that draw
random numbers or return uninitialised memory are judged by type and shape; places of equal
elements as ``ties`` says.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.testing._internal.common_methods_invocations import SampleInput
from torch.utils._pytree import tree_map

from benchmarks.operators.ties import without_ties

TOLERANCE = {
    torch.float64: (1e-7, 1e-7), torch.float32: (1.3e-5, 1e-5), torch.float16: (2e-3, 1e-3),
    torch.bfloat16: (1.6e-2, 1e-2), torch.complex64: (1.3e-5, 1e-5),
    torch.complex128: (1e-7, 1e-7), torch.complex32: (2e-3, 1e-3),
}  # fmt: skip
"""Relative and absolute, by type of the result; others must be equal."""

SHAPE_ONLY = {
    "empty", "empty_like", "empty_permuted", "empty_strided", "new_empty", "new_empty_strided",
    "bernoulli", "cauchy", "exponential", "geometric", "log_normal", "multinomial", "normal",
    "rand", "randint", "randint_like", "randn", "rand_like", "randn_like", "randperm", "uniform",
    "nn.functional.alpha_dropout", "nn.functional.dropout", "nn.functional.dropout2d",
    "nn.functional.dropout3d", "nn.functional.feature_alpha_dropout", "nn.functional.rrelu",
    "nn.functional.fractional_max_pool2d", "nn.functional.fractional_max_pool3d",
    "nn.functional.gumbel_softmax", "pca_lowrank", "svd_lowrank",
    "nn.functional.multi_head_attention_forward",
    "nn.functional.scaled_dot_product_attention_dropout",
}  # fmt: skip

ON_HOST = {"tensor_split"}
"""Operators whose tensor arguments but the first stay on the host, as the database has them."""


@dataclass
class Tally:
    """What became of an operator's samples in one type."""

    name: str
    dtype: str
    passed: int = 0
    wrong: int = 0
    unsupported: int = 0
    failed: int = 0
    causes: dict[str, int] = field(default_factory=dict)

    @property
    def samples(self) -> int:
        return self.passed + self.wrong + self.unsupported + self.failed

    def note(self, verdict: str, cause: str = "") -> None:
        setattr(self, verdict, getattr(self, verdict) + 1)
        if cause:
            self.causes[cause] = self.causes.get(cause, 0) + 1


def full_name(info: Any) -> str:
    """An ``OpInfo``'s name, and that of its variant where it has one."""
    return info.name + (f".{info.variant_test_name}" if info.variant_test_name else "")


def judge_operator(info: Any, dtype: torch.dtype, limit: int) -> Tally:
    """Judges the first ``limit`` samples (0: all) of an ``OpInfo`` in ``dtype``."""
    tally = Tally(full_name(info), str(dtype).removeprefix("torch."))
    for number, sample in enumerate(samples(info, dtype)):
        if limit and number >= limit:
            break
        judge_sample(info, sample, tally)
    return tally


def samples(info: Any, dtype: torch.dtype) -> Iterator[Any]:
    torch.manual_seed(1)
    try:
        for sample in info.sample_inputs("cpu", dtype, requires_grad=False):
            # The database asks CUDA devices for this driver alone: torch refuses others there.
            if sample.kwargs.get("driver", "gels") == "gels" or info.name != "linalg.lstsq":
                yield sample
    except (ImportError, AttributeError, NotImplementedError, RuntimeError):
        return  # the database needs a package that is not installed, or has no such samples


def judge_sample(info: Any, sample: Any, tally: Tally) -> None:
    try:
        moved = changed(sample, to_chip)
        if info.name in ON_HOST:
            moved.args = sample.args
        expected = run(info, changed(sample, clone), "cpu")
    except Exception:  # noqa: BLE001  the CPU cannot: there is nothing to judge
        return
    try:
        got = to_host(run(info, moved, "cuda"))
    except NotImplementedError as error:
        tally.note("unsupported", cause_of(error))
    except Exception as error:  # noqa: BLE001
        tally.note("failed", cause_of(error))
    else:
        try:
            problem = problem_of(info, sample, expected, got)
        except Exception as error:  # noqa: BLE001
            tally.note("failed", f"cannot be judged: {cause_of(error)}")
        else:
            tally.note("wrong" if problem else "passed", problem)


def problem_of(info: Any, sample: Any, expected: Any, got: Any) -> str:
    """What is wrong with a result, in a few words; empty if nothing is."""
    shapes = info.name in SHAPE_ONLY or uses_dropout(sample)
    expected, got = without_ties(info.name, sample, expected, got)
    problem = difference(expected, got, shapes)
    rounded = problem and not shapes and rounding_only(info, sample, expected, got)
    return "" if rounded else problem


def run(info: Any, sample: Any, device: str) -> Any:
    """The operator's result; ``device`` is where it makes tensors when it is told none."""
    with warnings.catch_warnings(), torch.device(device):
        warnings.simplefilter("ignore")
        torch.manual_seed(2)
        result = info(sample.input, *sample.args, **sample.kwargs)
        # What the database says is determined: without the signs of eigenvectors, for one.
        return sample.output_process_fn_grad(result)


def uses_dropout(sample: Any) -> bool:
    return bool(sample.kwargs.get("dropout_p") or sample.kwargs.get("dropout"))


def to_chip(value: Any) -> Any:
    """The value as the chip's: tensors by way of their storage's layout, devices renamed."""
    if isinstance(value, torch.Tensor):
        return strided_copy(value, "cuda")
    if isinstance(value, torch.device) and value.type == "cpu":
        return torch.device("cuda")
    return "cuda" if value == "cpu" and isinstance(value, str) else value


def clone(value: Any) -> Any:
    return strided_copy(value, "cpu") if isinstance(value, torch.Tensor) else value


def changed(sample: Any, change: Callable[[Any], Any]) -> Any:
    """The sample with every leaf of its arguments changed."""
    return SampleInput(
        tree_map(change, sample.input), args=tree_map(change, sample.args),
        kwargs=tree_map(change, sample.kwargs),
        output_process_fn_grad=sample.output_process_fn_grad,
    )  # fmt: skip


def strided_copy(value: torch.Tensor, device: str) -> torch.Tensor:
    """A copy with the same strides, as far as a copy can have them (no overlap)."""
    if value.layout is not torch.strided:
        return value.to(device, copy=True)
    dense = value.is_contiguous() or 0 in value.stride() or value.numel() == 0
    if dense or value.is_conj() or value.is_neg():
        return value.detach().to(device, copy=True)
    extent = 1 + sum((n - 1) * s for n, s in zip(value.shape, value.stride(), strict=True))
    flat = value.detach().as_strided((extent,), (1,), value.storage_offset())
    return flat.to(device, copy=True).as_strided(value.shape, value.stride())


def to_host(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        assert value.device.type == "cuda" or value.dim() == 0, f"result on {value.device}"
        return value.cpu()
    if isinstance(value, list | tuple):
        return [to_host(one) for one in value]
    return value


def difference(expected: Any, got: Any, shapes: bool) -> str:
    """What differs, in a few words; empty if nothing does."""
    if isinstance(expected, list | tuple):
        if not isinstance(got, list | tuple) or len(expected) != len(got):
            return "another number of results"
        found = (difference(a, b, shapes) for a, b in zip(expected, got, strict=True))
        return next(filter(None, found), "")
    if not isinstance(expected, torch.Tensor):
        same = shapes or expected == got or expected != expected
        return "" if same else "another value"
    if not isinstance(got, torch.Tensor) or expected.dtype != got.dtype:
        return "another type"
    if expected.shape != got.shape:
        return "another shape"
    return "" if shapes or close(expected, got) else "values differ"


def close(expected: torch.Tensor, got: torch.Tensor) -> bool:
    if expected.layout is not torch.strided:
        expected, got = expected.to_dense(), got.to_dense()
    if expected.dtype not in TOLERANCE:
        return torch.equal(expected.resolve_conj(), got)
    relative, absolute = TOLERANCE[expected.dtype]
    if expected.dtype == torch.complex32:  # which torch itself cannot compare
        expected, got = expected.to(torch.complex64), got.to(torch.complex64)
    return torch.allclose(expected, got, relative, absolute, equal_nan=True)


def rounding_only(info: Any, sample: Any, expected: Any, got: Any) -> bool:
    """Whether the chip is about as near to the float64 result as the CPU."""
    wide = {torch.float32, torch.float16, torch.bfloat16}

    def widen(value: Any) -> Any:
        narrow = isinstance(value, torch.Tensor) and value.dtype in wide
        return value.detach().double() if narrow else value

    try:
        exact = run(info, changed(sample, widen), "cpu")
    except Exception:  # noqa: BLE001
        return False
    pairs = zip(leaves(exact), leaves(expected), leaves(got), strict=False)
    return all(near(a, b, c) for a, b, c in pairs)


def near(exact: Any, expected: Any, got: Any) -> bool:
    if not isinstance(expected, torch.Tensor) or expected.dtype not in TOLERANCE:
        return not difference(expected, got, False)
    if expected.shape != exact.shape:
        return False
    ours, theirs = (got - exact).abs(), (expected - exact).abs()
    relative, absolute = TOLERANCE[expected.dtype]
    allowed = 2 * theirs.nan_to_num(0).max() + absolute + relative * exact.abs()
    same = (got == expected) | (got.isnan() & expected.isnan())
    return bool(((ours <= allowed) | same).all())


def leaves(value: Any) -> list[Any]:
    if isinstance(value, list | tuple):
        return [leaf for one in value for leaf in leaves(one)]
    return [value]


def cause_of(error: Exception) -> str:
    """The first sentence of its text; what follows a colon at the end of a line is part of it."""
    line = (str(error).strip().replace(":\n", ": ").splitlines() or [type(error).__name__])[0]
    return line.split(". ")[0][:120]
