"""Gradients of layers, and a step of training, against the CPU's."""

import copy

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

F = nn.functional


def gradients(function, *given, device="cuda"):
    """Of the sum of a result's elements with weights of their own, by the floating arguments."""
    leaves = [
        t.to(device, copy=True).requires_grad_(t.is_floating_point()) for t in given
    ]
    out = function(*leaves)
    weight = (torch.arange(out.numel(), device=device) % 7 - 3.0).reshape(out.shape)
    out.backward(weight.to(out.dtype))
    return [leaf.grad.cpu() for leaf in leaves if leaf.grad is not None]


def check(function, *given, **tolerance):
    expected = gradients(function, *given, device="cpu")
    settings = {"rtol": 1e-3, "atol": 1e-4} | tolerance
    torch.testing.assert_close(gradients(function, *given), expected, **settings)


LAYERS = {
    "linear": (nn.Linear(6, 5), (3, 4, 6)),
    "convolution": (nn.Conv2d(3, 4, 3, 2, 1), (2, 3, 9, 8)),
    "layer norm": (nn.LayerNorm(10), (4, 10)),
    "group norm": (nn.GroupNorm(2, 6), (2, 6, 5)),
    "batch norm": (nn.BatchNorm2d(3), (4, 3, 5, 6)),
    "batch norm that is fixed": (nn.BatchNorm1d(3).eval(), (4, 3)),
    "rms norm": (nn.RMSNorm(10), (4, 10)),
    "gru": (nn.GRU(4, 5), (3, 2, 4)),
    "lstm": (nn.LSTM(4, 5), (3, 2, 4)),
    "attention": (nn.TransformerEncoderLayer(8, 2, 16, 0.0, batch_first=True), (2, 5, 8)),
    "weights by length": (nn.utils.parametrizations.weight_norm(nn.Linear(4, 3)), (2, 4)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layers(name):
    layer, shape = LAYERS[name]
    x, results = torch.randn(shape), []
    for device in ("cpu", "cuda"):
        mine = copy.deepcopy(layer).to(device)
        leaf = x.to(device, copy=True).requires_grad_()
        out = mine(leaf)
        out = out[0] if isinstance(out, tuple) else out
        weight = torch.arange(out.numel(), device=device).reshape(out.shape) % 7 - 3.0
        out.backward(weight)
        results.append([leaf.grad.cpu(), *(p.grad.cpu() for p in mine.parameters())])
    torch.testing.assert_close(results[1], results[0], rtol=1e-3, atol=1e-4)


FUNCTIONS = {
    "embedding": lambda w: F.embedding(torch.tensor([[0, 3], [3, 1]], device=w.device), w, 1),
    "bags": lambda w: F.embedding_bag(
        torch.tensor([0, 3, 3, 1, 2], device=w.device), w, torch.tensor([0, 2], device=w.device),
        mode="mean"),
    "cross entropy": lambda x: F.cross_entropy(
        x, torch.tensor([1, 0, 4, 2], device=x.device), label_smoothing=0.1, ignore_index=2),
    "attention with a mask": lambda x: F.scaled_dot_product_attention(
        *(t.reshape(1, 2, 2, 5) for t in (x, x.flip(0), x)), is_causal=True),
    "average pools": lambda x: F.avg_pool2d(x.reshape(1, 4, 5), 3, 2, 1, ceil_mode=True),
    "adaptive pools": lambda x: F.adaptive_avg_pool2d(x.reshape(1, 4, 5), (3, 2)),
    "greatest of pools": lambda x: F.max_pool2d(x.reshape(1, 4, 5), 2, 1),
    "larger images": lambda x: F.interpolate(
        x.reshape(1, 1, 4, 5), scale_factor=1.7, mode="bicubic"),
    "nearest pixels": lambda x: F.interpolate(x.reshape(1, 1, 4, 5), (7, 3)),
    "mirrored edges": lambda x: F.pad(x.reshape(1, 4, 5), (2, 1, 1, 3), mode="reflect"),
    "edges": lambda x: F.pad(x.reshape(1, 1, 4, 5), (2, 1, 0, 3), mode="replicate"),
    "activations": lambda x: sum(
        f(x) for f in (F.gelu, F.silu, F.mish, F.hardswish, F.hardsigmoid, F.elu, F.softplus,
                       F.logsigmoid, F.hardtanh, F.softshrink, F.leaky_relu, F.relu6)),
    "losses": lambda x: F.mse_loss(x, x.sin()) + F.huber_loss(x, x.cos()) + F.smooth_l1_loss(
        x, x.cos()) + F.binary_cross_entropy(x.sigmoid(), x.sin() ** 2),
    "distances": lambda x: torch.cdist(x, x.flip(0) + 1, 3.0),
    "solutions": lambda x: torch.linalg.solve(x @ x.T + torch.eye(4, device=x.device), x),
    "sorted": lambda x: x.sort(1).values.cumsum(1) + x.logsumexp(1, keepdim=True),
}  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name):
    check(FUNCTIONS[name], torch.randn(4, 5))


def test_a_few_steps_of_training_are_those_of_the_cpu():
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(64, 3),
    )  # fmt: skip
    x, y, losses = torch.randn(8, 1, 8, 8), torch.randint(3, (8,)), []
    for device in ("cpu", "cuda"):
        mine = copy.deepcopy(model).to(device)
        optimiser = torch.optim.AdamW(mine.parameters(), lr=1e-2)
        scaler = torch.amp.GradScaler(device, enabled=device == "cuda")
        seen = []
        for _ in range(4):
            optimiser.zero_grad()
            loss = F.cross_entropy(mine(x.to(device)), y.to(device))
            scaler.scale(loss).backward()
            scaler.step(optimiser)
            scaler.update()
            seen.append(loss.item())
        losses.append(seen)
    assert losses[0][-1] < losses[0][0]
    assert losses[1] == pytest.approx(losses[0], rel=1e-3)
