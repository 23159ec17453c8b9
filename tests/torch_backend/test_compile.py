"""torch.compile: results against eager PyTorch on the CPU, launches and traffic against eager."""

import copy
import json
import os
import subprocess
import sys

import pytest

torch = pytest.importorskip("torch")

from warpfive.cuda import launches  # noqa: E402

F = torch.nn.functional


@pytest.fixture(autouse=True)
def _fresh():
    torch.manual_seed(0)
    torch._dynamo.reset()


def moved(value):
    if isinstance(value, torch.Tensor | torch.nn.Module):
        return copy.deepcopy(value).to("cuda")
    return value


def agree(function, *inputs, rtol=1e-5, atol=1e-5, **options):
    """Compiled on the chip against eager on the CPU."""
    torch._dynamo.reset()
    expected = function(*inputs)
    got = torch.compile(function, **options)(*map(moved, inputs))
    back = torch.utils._pytree.tree_map(lambda one: one.cpu(), got)
    torch.testing.assert_close(back, expected, rtol=rtol, atol=atol, equal_nan=True)


def launched(step) -> int:
    torch.cuda.synchronize()
    before = launches()
    step()
    torch.cuda.synchronize()
    return launches() - before


def norm(x, weight):
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * weight


def test_pointwise_and_reductions_of_many_kinds():
    x, row = torch.randn(100, 300), torch.randn(300)
    agree(
        lambda x, row: (
            torch.relu(x * 2 + 1) - torch.sigmoid(x), torch.softmax(x, -1), norm(x, row),
            F.layer_norm(x, (300,), row, row), (x * x).sum(0), x.sum(), x.prod(-1).abs() > 1,
            x.argmax(-1), x.argmin(0), x.argmax(), x.amax(-1), x.amin(), (x > 3).any(-1),
            torch.var_mean(x, -1), torch.logsumexp(x, -1), x.t().contiguous() * 2,
        ),
        x, row, rtol=1e-4, atol=1e-4,
    )  # fmt: skip


def test_types_convert_and_wrap_as_in_eager():
    a = torch.randint(-128, 127, (64, 64), dtype=torch.int8)
    long, positive = torch.randint(-50, 50, (64, 64)), torch.randint(1, 9, (64, 64))
    agree(
        lambda a, long, positive, low, half: (
            a + a, a * a, (a + a) > 0, ~a, a >> 2, long // positive, long % positive,
            long.float() / positive, low + low.float().to(torch.bfloat16), F.gelu(half),
            low.float().to(torch.float8_e4m3fn).float(), long.bool() & (long > 3), -a,
        ),
        a, long, positive, torch.randn(64, 64).bfloat16(), torch.randn(64, 64).half(),
        rtol=1e-2, atol=1e-3,
    )  # fmt: skip


def test_nan_goes_through_minimum_maximum_and_argmax():
    x = torch.randn(8, 40)
    x[3, 7] = torch.nan
    agree(lambda x: (x.amax(-1), x.amin(0), x.argmax(-1), torch.relu(x), x.clamp(-1, 1)), x)


def test_gathers_scatters_windows():
    table, ids = torch.randn(50, 64), torch.randint(0, 50, (7, 9))
    image, places = torch.randn(2, 4, 17, 17), torch.randint(0, 10, (40,))
    agree(
        lambda table, ids, image, places: (
            F.embedding(ids, table) * 3, F.max_pool2d(image, 3, 2, 1), F.pad(image, (1, 2, 3, 4)),
            torch.cat([table, table * 2], -1) + 1,
            torch.zeros(10, 64, device=table.device).index_add(0, places, table[:40]),
            image.permute(0, 2, 3, 1).contiguous() + 1,
        ),
        table, ids, image, places,
    )  # fmt: skip


def test_an_index_out_of_bounds_stops_the_kernel():
    script = (
        "import torch; from warpfive.torch_backend import activate; activate()\n"
        "f = torch.compile(lambda t, i: t[i] + 1)\n"
        "f(torch.ones(4, 3, device='cuda'), torch.tensor([5], device='cuda'))\n"
        "torch.cuda.synchronize()\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode
    assert "index out of bounds" in done.stderr
    assert "device-side assert triggered" in done.stderr


@pytest.mark.parametrize("dynamic", [False, True])
def test_sizes_that_change(dynamic):
    torch._dynamo.reset()
    function = torch.compile(lambda x: torch.softmax(x * 2, -1).sum(0), dynamic=dynamic)
    for rows in (3, 5, 70):
        x = torch.randn(rows, 33)
        expected = torch.softmax(x * 2, -1).sum(0)
        torch.testing.assert_close(function(moved(x)).cpu(), expected)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(
    ("name", "activation"),
    [("relu", F.relu), ("gelu", F.gelu), ("silu", F.silu), ("sigmoid", torch.sigmoid),
     ("gelu_tanh", lambda x: F.gelu(x, approximate="tanh"))],
)  # fmt: skip
def test_epilogues_are_part_of_the_product(name, activation, dtype):
    x, w, b = (torch.randn(*shape).to(dtype) for shape in ((2, 9, 32), (48, 32), (48,)))
    residual = torch.randn(2, 9, 48).to(dtype)

    def layer(x, w, b, residual):
        return activation(F.linear(x, w, b)) + residual

    tolerance = 1e-5 if dtype == torch.float32 else 2e-2
    agree(layer, x, w, b, residual, rtol=tolerance, atol=tolerance)
    compiled, inputs = torch.compile(layer), [*map(moved, (x, w, b, residual))]
    compiled(*inputs)
    assert launched(lambda: compiled(*inputs)) == 1


@pytest.mark.parametrize("queries", [1, 5])
def test_keys_and_values_that_heads_share_are_not_copied(queries):
    def repeated(x, times):
        batch, heads, positions, size = x.shape
        wide = x[:, :, None].expand(batch, heads, times, positions, size)
        return wide.reshape(batch, heads * times, positions, size)

    def attend(q, k, v, mask):
        return F.scaled_dot_product_attention(q, repeated(k, 3), repeated(v, 3), mask)

    q, k, v = (torch.randn(2, *shape, 16) for shape in ((6, queries), (2, 40), (2, 40)))
    mask = torch.randn(2, 1, queries, 40)
    agree(attend, q, k, v, mask)
    given = [moved(each) for each in (q, k, v, mask)]
    alone = launched(lambda: F.scaled_dot_product_attention(*given, enable_gqa=True))
    compiled = torch.compile(attend)
    compiled(*given)
    assert launched(lambda: compiled(*given)) == alone


def test_keys_or_values_repeated_in_another_order_are_copied():
    def attend(q, k, v):
        return F.scaled_dot_product_attention(q, k.repeat(1, 2, 1, 1), v.repeat_interleave(2, 1))

    agree(attend, *(torch.randn(1, heads, 9, 16) for heads in (4, 2, 2)))


def test_modes_and_the_named_backend():
    x = torch.randn(9, 33)
    for mode in ("default", "reduce-overhead", "max-autotune"):
        agree(lambda x: torch.softmax(x, -1) + 1, x, mode=mode)
    agree(lambda x: torch.softmax(x, -1) + 2, x, backend="warpfive")
    torch._dynamo.reset()
    with pytest.raises(torch._dynamo.exc.BackendCompilerFailed) as caught:
        torch.compile(lambda x: x + 1, backend="warpfive")(x)
    assert (
        'InputError: backend="warpfive" compiles for the chip, and the tensors are on cpu; '
        'move the model and its inputs with .to("cuda")'
    ) in str(caught.value)


BLOCK = """
import sys, torch
from warpfive.torch_backend import activate
activate()
torch.manual_seed(0)
x, w = torch.randn(128, 512).cuda(), torch.ones(512).cuda()

def block(x, w):
    normed = x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * w
    return torch.nn.functional.gelu(normed) + x

run = torch.compile(block) if sys.argv[1] == "compiled" else block
run(x, w)
torch.cuda.synchronize()
"""


def test_the_chips_counters_see_fewer_launches_and_less_traffic(tmp_path):
    counted = {}
    for way in ("eager", "compiled"):
        report = tmp_path / way
        subprocess.run(
            [sys.executable, "-c", BLOCK, way], check=True, capture_output=True,
            env=os.environ | {"WARPFIVE_REPORT": str(report)},
        )  # fmt: skip
        records = [json.loads(line) for line in report.read_text().splitlines()]
        sectors = sum(r["global_load"]["sectors"] + r["global_store"]["sectors"] for r in records)
        counted[way] = sum(r["launches"] for r in records), sectors
    assert counted["compiled"][0] == 1
    assert counted["eager"][0] >= 6
    assert counted["compiled"][1] < counted["eager"][1] / 2


@pytest.mark.parametrize("trained", [False, True])
def test_flex_attention(trained: bool) -> None:
    """Grouped heads, a captured table, a mask, a query whose heads lie inside its rows."""
    from torch.nn.attention.flex_attention import create_block_mask, flex_attention

    query = torch.randn(2, 24, 4, 16, requires_grad=trained)
    key, value = (torch.randn(2, 2, 24, 16, requires_grad=trained) for _ in range(2))
    slope = torch.rand(4, requires_grad=trained)

    def attend(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, s: torch.Tensor) -> torch.Tensor:
        mask = create_block_mask(lambda b, h, i, j: i >= j, None, None, 24, 24, device=q.device)
        biased = lambda score, b, h, i, j: score + s[h] * (j - i)  # noqa: E731
        out = flex_attention(
            q.transpose(1, 2), k, v, score_mod=biased, block_mask=mask, enable_gqa=True
        )
        return out.transpose(1, 2).reshape(2, 24, 64)

    def plain(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, s: torch.Tensor) -> torch.Tensor:
        at = torch.arange(24)
        bias = s[:, None, None] * (at - at[:, None])
        bias = bias.masked_fill(at > at[:, None], -torch.inf)
        out = F.scaled_dot_product_attention(q.transpose(1, 2), k, v, bias, enable_gqa=True)
        return out.transpose(1, 2).reshape(2, 24, 64)

    inputs = (query, key, value, slope)
    on_chip = [each.detach().cuda().requires_grad_(trained) for each in inputs]
    want, got = plain(*inputs), torch.compile(attend)(*on_chip)
    torch.testing.assert_close(got.cpu(), want, rtol=1e-4, atol=1e-5)
    if trained:
        wanted = torch.autograd.grad(want.square().sum(), inputs)
        found = torch.autograd.grad(got.square().sum(), on_chip)
        for one, other in zip(found, wanted, strict=True):
            torch.testing.assert_close(one.cpu(), other, rtol=1e-3, atol=1e-4)
