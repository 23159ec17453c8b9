"""Convolutions against the CPU's: by products, by patches, directly."""

import pytest

torch = pytest.importorskip("torch")

F = torch.nn.functional


@pytest.mark.parametrize(
    ("shape", "filters", "kernel", "stride", "padding", "dilation", "groups"),
    [
        ((2, 3, 17, 19), 8, 3, 1, 1, 1, 1),
        ((2, 8, 9, 9), 16, 1, 1, 0, 1, 1),
        ((1, 8, 12, 12), 16, 3, 2, 1, 1, 1),
        ((1, 8, 12, 12), 16, 1, 2, 0, 1, 1),
        ((2, 8, 12, 12), 8, 3, 1, 2, 2, 8),
        ((2, 8, 12, 12), 16, 3, 1, 0, 1, 4),
    ],
)
def test_two_dimensions(shape, filters, kernel, stride, padding, dilation, groups):
    x = torch.randn(shape)
    w, b = torch.randn(filters, shape[1] // groups, kernel, kernel), torch.randn(filters)
    settings = (stride, padding, dilation, groups)
    got = F.conv2d(x.cuda(), w.cuda(), b.cuda(), *settings)
    torch.testing.assert_close(got.cpu(), F.conv2d(x, w, b, *settings), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("function", "x", "w", "settings"),
    [
        (F.conv1d, (2, 4, 31), (6, 4, 3), (None, 2, 1)),
        (F.conv3d, (2, 4, 5, 6, 7), (6, 4, 3, 3, 3), (None, 1, 1)),
        (F.conv2d, (4, 5, 6), (4, 4, 3, 3), ()),
        (F.conv_transpose1d, (2, 4, 5), (4, 3, 3), (None, 3, 1, 1, 2)),
        (F.conv_transpose2d, (2, 4, 5, 6), (4, 6, 3, 3), (None, 2, 1, 1)),
    ],
)
def test_other_dimensions_and_transposed(function, x, w, settings):
    x, w = torch.randn(x), torch.randn(w)
    got = function(x.cuda(), w.cuda(), *settings)
    torch.testing.assert_close(got.cpu(), function(x, w, *settings), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize(
    ("shape", "kernel", "stride", "padding", "dilation", "groups"),
    [
        ((2, 4, 9), (3,), 2, 1, 1, 1),
        ((2, 4, 8, 9), (3, 2), 3, 1, 1, 1),
        ((3, 4, 7, 9), (1, 1), 1, 0, 1, 1),
        ((2, 4, 9, 8), (3, 3), 1, 2, 2, 2),
        ((1, 4, 5, 6, 4), (2, 2, 2), 2, 1, 1, 2),
    ],
)
def test_gradients(shape, kernel, stride, padding, dilation, groups, transposed):
    name = f"conv{'_transpose' if transposed else ''}{len(kernel)}d"
    filters = (4, 6 // groups) if transposed else (6, 4 // groups)
    given = [torch.randn(shape), torch.randn(*filters, *kernel), torch.randn(6)]
    extra = (stride - 1, groups, dilation) if transposed else (dilation, groups)
    results = []
    for device in ("cpu", "cuda"):
        leaves = [t.to(device, copy=True).requires_grad_() for t in given]
        out = getattr(F, name)(*leaves, stride, padding, *extra)
        weight = torch.arange(out.numel(), device=device).reshape(out.shape) % 7 - 3.0
        out.backward(weight)
        results.append([leaf.grad.cpu() for leaf in leaves])
    expected, got = results
    torch.testing.assert_close(got, expected, rtol=1e-3, atol=1e-3)
