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
