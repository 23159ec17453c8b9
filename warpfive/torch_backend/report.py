"""Where the chip's time went in a PyTorch run: by operator, and by module.

Two events of the chip's clock stand around every operator that reaches the device; modules are
those whose ``forward`` is running then. Events are read in one go, at the end or when many wait.
"""

import atexit
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from warpfive.torch_backend.cuda.streams import CudaEventBase

WAITING = 4096
"""Operators whose events are kept before they are read and reused."""


@dataclass(slots=True)
class Total:
    """Calls, and milliseconds of the chip's clock."""

    calls: int = 0
    chip_ms: float = 0.0

    def add(self, milliseconds: float) -> None:
        self.calls += 1
        self.chip_ms += milliseconds


@dataclass(slots=True)
class Figures:
    """Totals by operator name and by the path of module classes (``Model/Layer/Linear``)."""

    operators: dict[str, Total] = field(default_factory=lambda: defaultdict(Total))
    modules: dict[str, Total] = field(default_factory=lambda: defaultdict(Total))


class OperatorTimes(TorchDispatchMode):
    """Times every operator that this thread runs on the device while it is entered."""

    def __init__(self) -> None:
        super().__init__()
        self.figures = Figures()
        self.path: list[str] = []
        self.waiting: list[tuple[str, str, Any, Any]] = []
        self.hooks: list[Any] = []

    def __torch_dispatch__(
        self, operator: Any, types: Any, arguments: Any = (), named: Any = None
    ) -> Any:
        start, end = (CudaEventBase(enable_timing=True) for _ in range(2))
        stream = torch.cuda.current_stream()
        start.record(stream)
        result = operator(*arguments, **(named or {}))
        end.record(stream)
        if not on_device((arguments, named, result)):
            return result
        self.waiting.append((str(operator), "/".join(self.path), start, end))
        if len(self.waiting) >= WAITING:
            self.read()
        return result

    def __enter__(self) -> "OperatorTimes":
        modules = torch.nn.modules.module
        self.hooks = [
            modules.register_module_forward_pre_hook(self.enter_module),
            modules.register_module_forward_hook(self.leave_module, always_call=True),
        ]
        return super().__enter__()

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)
        for hook in self.hooks:
            hook.remove()
        self.read()

    def enter_module(self, module: torch.nn.Module, arguments: Any) -> None:
        self.path.append(type(module).__name__)

    def leave_module(self, module: torch.nn.Module, arguments: Any, result: Any) -> None:
        if self.path:
            self.path.pop()

    def read(self) -> None:
        """Adds up what has been timed; waits for the device."""
        torch.cuda.synchronize()
        for name, path, start, end in self.waiting:
            milliseconds = start.elapsed_time(end)
            if milliseconds <= 0:  # a view, or work of the host alone
                continue
            self.figures.operators[name].add(milliseconds)
            self.figures.modules[path or "(outside modules)"].add(milliseconds)
        self.waiting.clear()


def on_device(values: Any) -> bool:
    """Whether a tensor of the device is among the values."""
    return any(isinstance(leaf, torch.Tensor) and leaf.is_cuda for leaf in tree_leaves(values))


def table(title: str, totals: dict[str, Total], most: int = 25) -> str:
    """Rows by falling time, with their share of all."""
    whole = sum(each.chip_ms for each in totals.values()) or 1.0
    rows = sorted(totals.items(), key=lambda row: -row[1].chip_ms)
    width = max((len(name) for name, _ in rows[:most]), default=0)
    lines = [f"{title:<{width}}  {'calls':>8}  {'chip ms':>10}  {'share':>6}"]
    for name, each in rows[:most]:
        share = each.chip_ms / whole
        lines.append(f"{name:<{width}}  {each.calls:>8}  {each.chip_ms:>10.3f}  {share:>6.1%}")
    if len(rows) > most:
        rest = sum(each.chip_ms for _, each in rows[most:])
        lines.append(f"{f'{len(rows) - most} more':<{width}}  {'':>8}  {rest:>10.3f}")
    return "\n".join(lines)


def install() -> None:
    """Times the whole process; both tables go to stderr at its end."""
    times = OperatorTimes()
    times.__enter__()

    def tell() -> None:
        times.__exit__(None, None, None)
        if times.figures.operators:
            print(table("operator", times.figures.operators), file=sys.stderr)
            print(table("module", times.figures.modules), file=sys.stderr)

    atexit.register(tell)
