"""Matrix products through torch's own names: every layout, type and form against the CPU."""

import pytest
import torch

SHAPES = [(1, 96, 64), (5, 33, 70), (40, 128, 64), (130, 70, 33)]


def close(got: torch.Tensor, expected: torch.Tensor, dtype: torch.dtype) -> None:
    assert got.dtype == expected.dtype and got.shape == expected.shape
    tolerance = {torch.float32: 2e-5, torch.float64: 1e-12}.get(dtype, 2e-2)
    torch.testing.assert_close(got.cpu(), expected, rtol=tolerance, atol=tolerance * 4)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64, torch.int32])
@pytest.mark.parametrize("shape", SHAPES)
def test_forms(shape: tuple[int, int, int], dtype: torch.dtype) -> None:
    m, n, k = shape
    torch.manual_seed(0)
    a, b = torch.randn(m, k), torch.randn(k, n)
    c, bias = torch.randn(m, n), torch.randn(n)
    if dtype == torch.int32:
        a, b, c, bias = (x * 8 for x in (a, b, c, bias))
    a, b, c, bias = (x.to(dtype) for x in (a, b, c, bias))
    A, B, C, D = (x.cuda() for x in (a, b, c, bias))
    close(A @ B, a @ b, dtype)
    close(A @ B.t().contiguous().t(), a @ b, dtype)
    close(torch.addmm(C, A, B, beta=2, alpha=3), torch.addmm(c, a, b, beta=2, alpha=3), dtype)
    close(torch.addmm(D, A, B), torch.addmm(bias, a, b), dtype)
    close(torch.addmm(D, A, B, beta=0), a @ b, dtype)
    close(torch.addmm(C.t().contiguous().t(), A, B), torch.addmm(c, a, b), dtype)
    out = torch.empty(n, m, dtype=dtype).cuda().t()
    assert torch.mm(A, B, out=out) is out
    close(out, a @ b, dtype)
    if dtype != torch.int32:
        weight = b.t().contiguous()
        x = a.view(1, m, k)
        expected = torch.nn.functional.linear(x, weight, bias)
        close(torch.nn.functional.linear(x.cuda(), weight.cuda(), D), expected, dtype)


def test_results_with_gaps_and_empty_results() -> None:
    a, b = torch.randn(3, 4, 5), torch.randn(3, 5, 6)
    out = torch.zeros(3, 8, 12).cuda()[:, ::2, ::2]
    torch.bmm(a.cuda(), b.cuda(), out=out)
    torch.testing.assert_close(out.cpu(), torch.bmm(a, b))
    fresh = torch.empty(0).cuda()
    torch.mm(a[0].cuda(), b[0].cuda(), out=fresh)
    torch.testing.assert_close(fresh.cpu(), a[0] @ b[0])
    assert (torch.ones(3, 0).cuda() @ torch.ones(0, 2).cuda()).eq(0).all()
    assert (torch.ones(0, 3).cuda() @ torch.ones(3, 2).cuda()).shape == (0, 2)


def test_one_of_a_batch_of_sums_and_a_vector_as_weight() -> None:
    a, b, c = torch.randn(2, 3, 4), torch.randn(2, 4, 5), torch.randn(5)
    got = torch.baddbmm(c.cuda(), a.cuda(), b.cuda(), beta=0.5)
    torch.testing.assert_close(got.cpu(), torch.baddbmm(c, a, b, beta=0.5))
    x, weight = torch.randn(2, 3, 4), torch.randn(4)
    got = torch.nn.functional.linear(x.cuda(), weight.cuda())
    torch.testing.assert_close(got.cpu(), torch.nn.functional.linear(x, weight))


def test_what_does_not_go_together_is_refused_as_torch_does() -> None:
    a = torch.ones(3, 4).cuda()
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        a @ torch.ones(3, 4).cuda()
    with pytest.raises(RuntimeError, match="dtype"):
        a @ torch.ones(4, 3, dtype=torch.bfloat16).cuda()


@pytest.mark.parametrize(
    "name", ["sum", "mean", "prod", "amax", "argmax", "argmin", "std", "norm", "any"]
)
def test_large_reductions_are_shared_out(name: str) -> None:
    from warpfive.cuda import launches

    torch.manual_seed(1)
    x = torch.randn(200_003)
    if name == "prod":
        x = 1 + x * 3e-3  # smaller steps from 1 would be lost in rounding, in any order
    if name == "any":
        x = x > 4
    function = getattr(torch, name)
    device = x.cuda()
    function(device)
    torch.cuda.synchronize()
    before = launches()
    got = function(device)
    torch.cuda.synchronize()
    assert launches() - before == 2  # pieces, then their states
    torch.testing.assert_close(got.cpu(), function(x), rtol=1e-4, atol=1e-4)


def test_long_columns_are_shared_out() -> None:
    x = torch.randn(3000, 300)
    torch.testing.assert_close(x.cuda().sum(0).cpu(), x.sum(0), rtol=1e-4, atol=1e-3)
    value, place = x.cuda().max(0)
    expected = x.max(0)
    assert torch.equal(place.cpu(), expected.indices) and torch.equal(value.cpu(), expected.values)
    y = torch.randn(3, 90_000, dtype=torch.complex128)
    torch.testing.assert_close(y.cuda().var(1).cpu(), y.var(1))
