"""Tensors on the chip against the CPU: copies, views, arithmetic, reductions, indices."""

import pytest
import torch
from torch import nn


def same(chip: torch.Tensor, host: torch.Tensor, **tolerance: float) -> None:
    assert chip.is_cuda
    torch.testing.assert_close(chip.cpu(), host, **tolerance)


def both(*shape: int, dtype: torch.dtype = torch.float32) -> tuple[torch.Tensor, torch.Tensor]:
    if dtype.is_floating_point:
        host = torch.randn(shape).to(dtype)
    else:
        host = torch.randint(-9, 9, shape).to(dtype)
    return host.cuda(), host


def test_the_device_is_cuda() -> None:
    x = torch.empty(3, device="cuda")
    assert x.is_cuda and x.device.type == "cuda" and x.device.index == 0
    assert torch.cuda.is_available() and torch.cuda.device_count() == 1
    with pytest.raises(RuntimeError, match="there is one chip, cuda:0; there is no cuda:3"):
        torch.empty(3, device="cuda:3")


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.int64, torch.bool])
def test_copies_keep_every_bit(dtype: torch.dtype) -> None:
    chip, host = both(4, 6, 5, dtype=dtype)
    same(chip, host)
    same(chip.permute(2, 0, 1), host.permute(2, 0, 1))
    same(chip[1:, ::2].contiguous(), host[1:, ::2].contiguous())
    target = torch.zeros(6, 4, dtype=dtype, device="cuda")
    target.t().copy_(host[:, :, 2])
    same(target, host[:, :, 2].t().contiguous())


@pytest.mark.parametrize("shape", [(40,), (3, 70), (2, 3, 5), (33, 40, 2)])
def test_arithmetic_broadcasts_and_promotes(shape: tuple[int, ...]) -> None:
    a, x = both(*shape)
    b, y = both(shape[-1], dtype=torch.float16)
    same(a + b, x + y)
    same(a * b - 2, x * y - 2)
    same((a > b) & (a < 1), (x > y) & (x < 1))
    i, j = both(*shape, dtype=torch.int64)
    same(i / 3, j / 3)
    same(i // 3 + i % 4, j // 3 + j % 4)
    assert (i + 0.5).dtype == (j + 0.5).dtype == torch.float32
    a.t().mul_(2) if a.dim() == 2 else a.mul_(2)
    same(a, x * 2)


@pytest.mark.parametrize("name", ["sum", "mean", "amax", "argmin", "std", "prod"])
@pytest.mark.parametrize("dim", [0, 1, 2])
def test_reductions(name: str, dim: int) -> None:
    a, x = both(5, 300, 70)
    same(getattr(a, name)(dim), getattr(x, name)(dim), rtol=1e-4, atol=1e-4)


def test_reductions_of_everything_and_of_several_dimensions() -> None:
    a, x = both(7, 11, 600)
    same(a.sum(), x.sum(), rtol=1e-4, atol=1e-3)
    same(a.sum((0, 2)), x.sum((0, 2)), rtol=1e-4, atol=1e-3)
    assert a.max().item() == x.max().item()
    values, places = a.max(1)
    same(values, x.max(1)[0])
    same(places, x.max(1)[1])
    same((a > 3).any(2), (x > 3).any(2))


def test_indices() -> None:
    a, x = both(6, 7, 8)
    i = torch.tensor([3, 1, -1])
    c = i.cuda()
    same(a[:, c], x[:, i])
    same(a[c, :, c], x[i, :, i])
    a[c] = 5
    x[i] = 5
    a.index_put_((c, c), torch.ones(8).cuda(), accumulate=True)
    x.index_put_((i, i), torch.ones(8), accumulate=True)
    same(a, x)
    same(a[a > 0], x[x > 0])
    same(a.cumsum(1), x.cumsum(1))
    same(a.nonzero(), x.nonzero())


def test_half_types_add_up_duplicates() -> None:
    i = torch.tensor([0, 1, 1, 1, 2])
    for dtype in (torch.bfloat16, torch.float16, torch.int8):
        x = torch.zeros(4, dtype=dtype)
        a = x.cuda()
        a.index_put_((i.cuda(),), torch.ones(5, dtype=dtype).cuda(), accumulate=True)
        same(a, x.index_put_((i,), torch.ones(5, dtype=dtype), accumulate=True))


def test_a_network() -> None:
    net = nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 16), nn.GELU())
    x = torch.randn(5, 32)
    expected = net(x)
    same(net.cuda()(x.cuda()), expected, rtol=1e-5, atol=1e-5)


def test_an_operator_without_a_kernel_says_so() -> None:
    missing = "quantize_tensor_per_tensor_affine_stub has no kernel on the chip.*--fallback"
    with pytest.raises(NotImplementedError, match=missing):
        torch.quantize_per_tensor(torch.ones(3, device="cuda"), 0.1, 0, torch.qint8)


def test_events_read_the_chips_clock() -> None:
    a, _ = both(1 << 16)
    a + a  # compiled before the clock is read
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    start.record()
    a + a
    end.record()
    torch.cuda.synchronize()
    assert 0 < start.elapsed_time(end) < 1000


def test_memory_is_counted_and_given_back() -> None:
    torch.cuda.synchronize()
    before = torch.cuda.memory_allocated()
    x = torch.empty(1 << 20, device="cuda")
    assert torch.cuda.memory_allocated() - before == 4 << 20
    del x
    assert torch.cuda.memory_allocated() == before
    torch.cuda.empty_cache()
    assert torch.cuda.memory_reserved() >= torch.cuda.memory_allocated()
    segments = torch.cuda.memory_snapshot()
    assert sum(each["allocated_size"] for each in segments) == torch.cuda.memory_allocated()


def test_bits_of_truth_values_flip() -> None:
    a, x = both(40, dtype=torch.bool)
    same(~a, ~x)


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("length", [1, 100, 1000])
def test_sorting_is_stable(length: int, descending: bool) -> None:
    a, x = both(3, length, dtype=torch.int64)
    how = {"dim": 1, "stable": True, "descending": descending}
    for chip, host in zip(a.sort(**how), x.sort(**how), strict=True):
        same(chip, host)
    same(a.topk(1, 0)[0], x.topk(1, 0)[0])


def test_softmax_gather_scatter_cat() -> None:
    a, x = both(4, 600, 3)
    same(a.softmax(1), x.softmax(1))
    same(a.log_softmax(0), x.log_softmax(0))
    i = torch.randint(0, 600, (4, 5, 3))
    same(a.gather(1, i.cuda()), x.gather(1, i))
    b, y = both(4, 5, 3)
    same(a.scatter_add(1, i.cuda(), b), x.scatter_add(1, i, y))
    same(torch.cat([a, b], 1), torch.cat([x, y], 1))
    same(torch.arange(2, 30, 3, device="cuda"), torch.arange(2, 30, 3))
    same(a[0].tril(-2), x[0].tril(-2))


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
def test_recurrent_networks(kind: type[nn.Module]) -> None:
    net, x = kind(6, 10, num_layers=2, batch_first=True), torch.randn(3, 5, 6)
    with torch.no_grad():
        expected = net(x)[0]
        same(net.cuda()(x.cuda())[0], expected, rtol=1e-5, atol=1e-5)
