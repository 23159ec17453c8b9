"""torch.compile on the chip: a transformer's block, checked against the CPU.

    warpfive run examples/compiled.py
"""

import copy

import torch
from torch import nn

from warpfive.cuda import launches

torch.manual_seed(0)


class Block(nn.Module):
    """A feed-forward block: norm, two products with an activation between, the residual."""

    def __init__(self, width: int = 128) -> None:
        super().__init__()
        self.norm = nn.RMSNorm(width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.down(nn.functional.gelu(self.up(self.norm(x))))


model = nn.Sequential(*(Block() for _ in range(3))).eval()
x = torch.randn(2, 32, 128)
chip, y = copy.deepcopy(model).to("cuda"), x.to("cuda")
compiled = torch.compile(chip)

with torch.inference_mode():
    expected = model(x)
    for name, run in (("eager", chip), ("compiled", compiled)):
        run(y)
        torch.cuda.synchronize()
        before = launches()
        got = run(y)
        torch.cuda.synchronize()
        off = (got.cpu() - expected).abs().max().item()
        print(f"{name:9}{launches() - before:3} launches, largest difference {off:.1e}")
        assert off < 1e-4
print("PASS")
