"""Operators and gradients that the operator database does not reach, judged on the host."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional


def same_gradients(function: Callable[..., Tensor], *given: Tensor) -> None:
    found = []
    torch.manual_seed(9)
    for device in ("cpu", "cuda"):
        leaves = [t.detach().to(device).requires_grad_(t.is_floating_point()) for t in given]
        out = function(*leaves)
        weights = torch.linspace(0.5, 2, out.numel()).reshape(out.shape).to(device)
        torch.autograd.backward(out, weights)
        found.append([out, *(t.grad for t in leaves if t.requires_grad)])
    for theirs, ours in zip(*found, strict=True):
        torch.testing.assert_close(ours.cpu(), theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("mode", "rank", "padding", "corners"), [
    ("bilinear", 2, "zeros", False), ("bilinear", 2, "border", True),
    ("bilinear", 2, "reflection", False), ("bilinear", 3, "reflection", True),
    ("nearest", 3, "zeros", False), ("bicubic", 2, "border", True),
    ("bicubic", 2, "reflection", False),
])  # fmt: skip
def test_grid_sample(mode: str, rank: int, padding: str, corners: bool) -> None:
    torch.manual_seed(1)
    image = torch.randn(2, 3, *(5, 4, 6)[:rank])
    grid = torch.randn(2, *(4, 3, 2)[:rank], rank) * 0.9
    same_gradients(
        lambda x, g: functional.grid_sample(
            x, g, mode=mode, padding_mode=padding, align_corners=corners
        ),
        image, grid,
    )  # fmt: skip


def test_embedding_bag_of_maxima() -> None:
    table = torch.randn(7, 5)
    indices, offsets = torch.tensor([1, 3, 3, 0, 6, 2, 2]), torch.tensor([0, 3, 3, 5])
    same_gradients(
        lambda t, i, o: functional.embedding_bag(i, t, o, mode="max", padding_idx=0),
        table, indices, offsets,
    )  # fmt: skip


@pytest.mark.parametrize("rule", ["sum", "mean", "max", "min", "prod"])
def test_segments(rule: str) -> None:
    data = torch.tensor([[1.0, 2], [3, 0], [3, 4], [0, 5], [0, 6], [2, 0], [7, 1]])
    lengths = torch.tensor([3, 2, 0, 2])
    same_gradients(
        lambda x, n: torch.segment_reduce(x, rule, lengths=n, axis=0, initial=1), data, lengths
    )


@pytest.mark.parametrize("hidden", [False, True])
def test_a_transformer_layer_without_gradients(hidden: bool) -> None:
    torch.manual_seed(2)
    layer = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True).eval()
    x = torch.randn(2, 5, 16)
    mask = torch.tensor([[False] * 5, [False, False, False, True, True]]) if hidden else None
    with torch.no_grad():
        expected = layer(x, src_key_padding_mask=mask)
        found = layer.cuda()(x.cuda(), src_key_padding_mask=None if mask is None else mask.cuda())
    torch.testing.assert_close(found.cpu(), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", [torch.float8_e4m3fn, torch.float8_e5m2])
def test_numbers_of_8_bits(kind: torch.dtype) -> None:
    edges = [0.0, -0.0, 448, 464, 465, 480, 1e6, 57344, 61440, 65536, 1e-3, 2**-10, 2**-17]
    values = torch.tensor([*edges, float("inf"), float("nan"), *(torch.randn(500) * 50).tolist()])
    found, expected = values.cuda().to(kind), values.to(kind)
    assert found.cpu().view(torch.uint8).equal(expected.view(torch.uint8))
    assert found.float().cpu().nan_to_num(1).equal(expected.float().nan_to_num(1))


@pytest.mark.parametrize("out", [torch.bfloat16, torch.float32])
@pytest.mark.parametrize("by_rows", [False, True])
def test_scaled_products_of_float8(out: torch.dtype, by_rows: bool) -> None:
    torch.manual_seed(3)
    a = torch.randn(18, 48).to(torch.float8_e4m3fn)
    b = torch.randn(32, 48).to(torch.float8_e4m3fn).t()
    of_a, of_b = (torch.rand(18, 1), torch.rand(1, 32)) if by_rows else (torch.rand(()),) * 2
    bias = torch.randn(32)
    found = torch._scaled_mm(
        a.cuda(), b.cuda(), of_a.cuda(), of_b.cuda(), bias.to(out).cuda(), out_dtype=out
    )
    exact = (a.double() @ b.double()) * of_a.double() * of_b.double() + bias.to(out).double()
    torch.testing.assert_close(found.cpu(), exact.to(out))


@pytest.mark.parametrize("size", [4, 20])
def test_attention_of_heads_of_any_size(size: int) -> None:
    q, k, v = torch.randn(3, 2, 3, 6, size)
    found = functional.scaled_dot_product_attention(q.cuda(), k.cuda(), v.cuda(), is_causal=True)
    expected = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
    torch.testing.assert_close(found.cpu(), expected, rtol=1e-4, atol=1e-5)


def test_sequences_and_repeats() -> None:
    repeats = torch.tensor([2, 0, 3])
    found = torch.repeat_interleave(repeats.cuda()).cpu()
    assert found.equal(torch.repeat_interleave(repeats))
    ramp = torch.ops.aten.range.step(1, 3, 0.5, device="cuda").cpu()
    assert ramp.equal(torch.tensor([1, 1.5, 2, 2.5, 3]))
    whole = torch.linspace(-7, 1000, 97, dtype=torch.int64)
    assert torch.linspace(-7, 1000, 97, dtype=torch.int64, device="cuda").cpu().equal(whole)
    rows = torch.tensor([[1, 2], [1, 2], [3, 4], [1, 2]])
    expected = torch.unique_consecutive(rows, True, True, dim=0)
    found = torch.unique_consecutive(rows.cuda(), True, True, dim=0)
    assert all(a.cpu().equal(b) for a, b in zip(found, expected, strict=True))
