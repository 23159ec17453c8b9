"""Where the chip's time went: operators and modules, and names of kernels."""

import torch
from torch import nn


def test_times_by_operator_and_by_module() -> None:
    from warpfive.torch_backend.report import OperatorTimes, table

    net = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 64)).cuda()
    x = torch.randn(8, 64).cuda()
    with torch.no_grad(), OperatorTimes() as times:
        net(x)
        net(x)
        x.t()
        torch.ones(3) + 1
    operators, modules = times.figures.operators, times.figures.modules
    assert operators["aten.linear.default"].calls == 4
    assert modules["Sequential/Linear"].calls == 4
    assert modules["Sequential/ReLU"].chip_ms > 0
    assert "aten.t.default" not in operators and "aten.add.Tensor" not in operators
    total = sum(each.chip_ms for each in operators.values())
    assert abs(sum(each.chip_ms for each in modules.values()) - total) < 1e-9
    assert "aten.linear.default" in table("operator", operators)


class Gated(nn.Module):
    """Two layers, of which one has a product whose activation is fused into it."""

    def __init__(self) -> None:
        super().__init__()
        self.up, self.down = nn.Linear(64, 96), nn.Linear(96, 64)
        self.norm = nn.LayerNorm(64)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.norm(x + self.down(torch.relu(self.up(x)) * 2))


def test_a_compiled_model_is_compiled_and_reported(monkeypatch) -> None:
    from warpfive.torch_backend.inductor import setup
    from warpfive.torch_backend.report import OperatorTimes

    monkeypatch.setenv("WARPFIVE_TORCH_REPORT", "1")
    setup.version.cache_clear()
    torch._dynamo.reset()
    net, x = Gated().cuda(), torch.randn(8, 64).cuda()
    with torch.no_grad():
        expected = net(x)
        with OperatorTimes() as times:
            compiled = torch.compile(net)
            for _ in range(2):
                got = compiled(x)
    setup.version.cache_clear()
    torch.testing.assert_close(got, expected)
    operators, modules = times.figures.operators, times.figures.modules
    made = [name for name in operators if name.startswith("compiled wf_")]
    assert made and all(operators[name].calls == 2 for name in made)
    assert operators["warpfive.matmul.default"].calls == 2 * 2  # relu and the sum went into them
    assert modules["Gated/Linear"].calls == 2 * 2
    assert "Gated" in modules and all(path.startswith("Gated") for path in modules)


def test_the_profiler_reads_the_chips_clock() -> None:
    from torch.profiler import ProfilerActivity, profile

    a = torch.randn(512, 512, device="cuda")
    a @ a
    with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as profiled:
        a @ a
    row = next(each for each in profiled.key_averages() if each.key == "aten::mm")
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    start.record()
    a @ a
    end.record()
    end.synchronize()
    assert row.device_time_total > 0
    by_hand_us = 1000 * start.elapsed_time(end)  # with the launch after an idle spell
    assert 0.8 * by_hand_us - 10 < row.device_time_total < 1.2 * by_hand_us
    assert "Self CUDA" in profiled.key_averages().table(sort_by="cuda_time_total")
