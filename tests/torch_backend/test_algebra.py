"""Factorisations, eigenvalues and alignments against the CPU's."""

import pytest

torch = pytest.importorskip("torch")

F = torch.nn.functional


@pytest.mark.parametrize("dtype", [torch.float32, torch.complex128])
@pytest.mark.parametrize("n", [1, 2, 5, 20])
def test_eigenvectors_of_any_matrix(n, dtype):
    a = torch.randn(3, n, n, dtype=dtype)
    values, vectors = (t.cpu() for t in torch.linalg.eig(a.cuda()))
    torch.testing.assert_close(a.to(vectors.dtype) @ vectors, vectors * values[:, None, :],
                               rtol=1e-5, atol=1e-5)  # fmt: skip
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(3, n, dtype=a.real.dtype))
    torch.testing.assert_close(torch.linalg.eigvals(a.cuda()).cpu(), values)


def test_eigenvalues_that_are_hard():
    turn = torch.tensor([[0.0, 0, 1], [1, 0, 0], [0, 1, 0]])  # a plain shift goes round for ever
    got = torch.linalg.eigvals(turn.cuda()).cpu()
    torch.testing.assert_close(got, torch.linalg.eigvals(turn))
    chain = torch.eye(30) + torch.diag(torch.ones(29), 1)  # one eigenvector, thirty times
    vectors = torch.linalg.eig(chain.cuda()).eigenvectors.cpu()
    assert vectors.abs()[0].min() > 0.999
    with pytest.raises(RuntimeError, match="should not contain infs or NaNs"):
        torch.linalg.eig(torch.full((2, 2), float("nan"), device="cuda"))
    with pytest.raises(RuntimeError, match="must be batches of square matrices"):
        torch.linalg.eigvals(torch.ones(2, 3, device="cuda"))


@pytest.mark.parametrize("n", [1, 2, 3, 8, 17])
@pytest.mark.parametrize("hollow", [False, True])
def test_pivoted_factors_of_symmetric_matrices(n, hollow):
    a = torch.randn(4, n, n, dtype=torch.float64)
    a = a + a.mT
    if hollow:  # needs blocks of two rows
        a.diagonal(dim1=-2, dim2=-1).zero_()
    expected, got = torch.linalg.ldl_factor_ex(a), torch.linalg.ldl_factor_ex(a.cuda())
    assert torch.equal(got.pivots.cpu(), expected.pivots)
    assert torch.equal(got.info.cpu(), expected.info)
    torch.testing.assert_close(got.LD.cpu(), expected.LD)
    b = torch.randn(n, 3, dtype=torch.float64)
    if not got.info.any():
        x = torch.linalg.ldl_solve(got.LD, got.pivots, b.cuda()).cpu()
        torch.testing.assert_close(a @ x, b.expand(4, n, 3))


@pytest.mark.parametrize("shape", [(4, 4), (7, 3), (3, 6)])
def test_least_squares(shape):
    a, b = torch.randn(2, *shape), torch.randn(2, shape[0], 2)
    expected = torch.linalg.lstsq(a, b, driver="gels")
    got = torch.linalg.lstsq(a.cuda(), b.cuda())
    tolerance = {"rtol": 1e-3, "atol": 1e-4}
    torch.testing.assert_close(got.solution.cpu(), expected.solution, **tolerance)
    torch.testing.assert_close(got.residuals.cpu(), expected.residuals, **tolerance)
    with pytest.raises(RuntimeError, match="`driver` other than `gels` is not supported on CUDA"):
        torch.linalg.lstsq(a.cuda(), b.cuda(), driver="gelsd")


def test_renorm_and_products_of_bytes():
    x = torch.randn(5, 4) * 3
    torch.testing.assert_close(torch.renorm(x.cuda(), 2, 0, 1.0).cpu(), torch.renorm(x, 2, 0, 1.0))
    a, b = (torch.randint(-128, 128, shape, dtype=torch.int8) for shape in ((20, 48), (48, 24)))
    assert torch.equal(torch._int_mm(a.cuda(), b.cuda()).cpu(), torch._int_mm(a, b))


@pytest.mark.parametrize("zero_infinity", [False, True])
@pytest.mark.parametrize("joined", [False, True])
def test_alignment_loss_and_its_gradient(joined, zero_infinity):
    scores = torch.randn(12, 3, 5)
    targets = torch.tensor([[1, 1, 2, 4], [3, 2, 1, 1], [2, 4, 3, 1]])
    targets = targets.reshape(-1)[:11] if joined else targets
    results = []
    for device in ("cpu", "cuda"):
        x = scores.to(device, copy=True).requires_grad_()
        # The last target does not fit into three steps.
        lengths = [12, 11, 3], [4, 3, 4]
        loss = F.ctc_loss(x.log_softmax(2), targets.to(device), *lengths, reduction="none",
                          zero_infinity=zero_infinity)  # fmt: skip
        loss.backward(torch.tensor([1.0, 2.0, 0.5], device=device))
        results.append((loss.cpu(), x.grad.cpu()))
    expected, got = results
    torch.testing.assert_close(got, expected, equal_nan=True, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("width", [3, 40])
def test_distances_by_products(width):
    a, b = torch.randn(2, 30, width), torch.randn(2, 7, width)
    how = "use_mm_for_euclid_dist"
    got = torch.cdist(a.cuda(), b.cuda(), compute_mode=how)
    torch.testing.assert_close(got.cpu(), torch.cdist(a, b, compute_mode=how))
