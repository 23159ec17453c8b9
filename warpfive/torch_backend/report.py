"""Where the chip's time went in a PyTorch run: by operator, and by module.

Two events of the chip's clock stand around every operator that reaches the device, and around every
kernel that ``torch.compile`` made; modules are those whose ``forward`` is running then, or, in a
compiled graph, those that the operator comes from. Events are read in one go, at the end or when
many wait.
"""

import atexit
import sys
import warnings
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch._guards import TracingContext
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from warpfive.torch_backend.cuda.streams import CudaEventBase
from warpfive.torch_backend.inductor import graph

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
        self.idle_ms = 0.0

    @classmethod
    def ignore_compile_internals(cls) -> bool:
        """Code under the mode may be compiled; what it then runs is timed here all the same."""
        return True

    def __torch_dispatch__(
        self, operator: Any, types: Any, arguments: Any = (), named: Any = None
    ) -> Any:
        if TracingContext.try_get() is not None:  # a graph is being made: nothing runs
            return operator(*arguments, **(named or {}))
        events = self.started()
        result = operator(*arguments, **(named or {}))
        if on_device((arguments, named, result)):
            self.ended(events, str(operator), graph.here)
        return result

    def launched(self, kernel: graph.Kernel, launch: Callable[[], None]) -> None:
        """A kernel of a compiled graph."""
        events = self.started()
        launch()
        self.ended(events, f"compiled {kernel.name}", kernel.module)

    def started(self) -> tuple[CudaEventBase, CudaEventBase]:
        start, end = (CudaEventBase(enable_timing=True) for _ in range(2))
        start.record(torch.cuda.current_stream())
        return start, end

    def ended(self, events: tuple[CudaEventBase, CudaEventBase], name: str, module: str) -> None:
        """``module``: the classes of modules within the graph that is running, if one is."""
        events[1].record(torch.cuda.current_stream())
        self.waiting.append((name, joined(self.path, module), *events))
        if len(self.waiting) >= WAITING:
            self.read()

    def __enter__(self) -> "OperatorTimes":
        modules = torch.nn.modules.module
        self.hooks = [
            modules.register_module_forward_pre_hook(self.enter_module),
            modules.register_module_forward_hook(self.leave_module, always_call=True),
        ]
        graph.watch = self.launched
        torch.cuda.synchronize()
        start, end = self.started(), self.started()
        torch.cuda.synchronize()
        # the host's own time for an event is all that lies between two on an idle chip
        self.idle_ms = 1.5 * start[0].elapsed_time(end[0])
        return super().__enter__()

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)
        graph.watch = None
        for hook in self.hooks:
            hook.remove()
        self.read()

    def enter_module(self, module: torch.nn.Module, arguments: Any) -> None:
        if not torch.compiler.is_compiling():
            # a compiled module runs in the name of the one it was made from
            self.path.append(type(getattr(module, "_orig_mod", module)).__name__)

    def leave_module(self, module: torch.nn.Module, arguments: Any, result: Any) -> None:
        if self.path and not torch.compiler.is_compiling():
            self.path.pop()

    def read(self) -> None:
        """Adds up what has been timed; waits for the device."""
        torch.cuda.synchronize()
        for name, path, start, end in self.waiting:
            milliseconds = start.elapsed_time(end)
            if milliseconds <= self.idle_ms:  # a view, or work of the host alone
                continue
            self.figures.operators[name].add(milliseconds)
            self.figures.modules[path or "(outside modules)"].add(milliseconds)
        self.waiting.clear()


def joined(path: list[str], within: str) -> str:
    """The running modules and those of a compiled graph as one path. A graph's begin where the call
    that was compiled did, which may be the innermost running one."""
    inner = within.split("/") if within else []
    if path and inner and path[-1] == inner[0]:
        inner = inner[1:]
    return "/".join([*path, *inner])


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
    # torch's warning is for hooks that change what a model does.
    warnings.filterwarnings("ignore", message="Using `torch.compile\\(module\\)` when there are")
    times = OperatorTimes()
    times.__enter__()

    def tell() -> None:
        times.__exit__(None, None, None)
        if times.figures.operators:
            print(table("operator", times.figures.operators), file=sys.stderr)
            print(table("module", times.figures.modules), file=sys.stderr)

    atexit.register(tell)
