"""One fused kernel: loads, arithmetic and stores of scheduler nodes as a CUDA C++ function."""

from typing import Any

import sympy
import torch
from torch._inductor.codegen.common import (
    CSE,
    CSEVariable,
    DeferredLine,
    IndentedBuffer,
    RemovedArg,
)
from torch._inductor.codegen.simd import IterationRangesEntry, SIMDKernel
from torch._inductor.virtualized import V
from torch.utils._ordered_set import OrderedSet
from torch.utils._sympy.symbol import SymT, symbol_is_type

from warpfive.torch_backend.inductor.launch import Shape, choose
from warpfive.torch_backend.inductor.ops import Overrides
from warpfive.torch_backend.inductor.printer import index_text
from warpfive.torch_backend.inductor.types import LOW_FLOATS, in_memory, in_register

NAME = "KERNEL_NAME"
REDUCERS = {
    "sum": "Sum", "prod": "Prod", "max": "Max", "min": "Min", "any": "Any", "xor_sum": "XorSum",
    "argmax": "ArgMax", "argmin": "ArgMin", "welford_reduce": "Welford",
    "welford_combine": "Welford", "online_softmax_reduce": "Softmax",
}  # fmt: skip
FIELDS = {
    "argmax": ("place",), "argmin": ("place",), "welford_reduce": ("mean", "m2", "n"),
    "welford_combine": ("mean", "m2", "n"), "online_softmax_reduce": ("max", "sum"),
}  # fmt: skip


class TypedCSE(CSE):
    """Declares each value with the type it is computed in."""

    def generate(self, buffer: Any, expr: Any, *, dtype: Any = None, **rest: Any) -> Any:
        known = isinstance(dtype, torch.dtype)
        self.prefix = f"const {in_register(dtype)} " if known else "const auto "
        return super().generate(buffer, expr, dtype=dtype, **rest)


class WarpfiveKernel(SIMDKernel):
    """Threads run along ``x``; a reduction is a loop over ``r0_`` shared out as ``self.shape``
    says: by a thread, a warp or a block for each row.
    """

    overrides = Overrides  # type: ignore[assignment]
    suffix = ";"
    newvar_prefix = "const auto "
    sexpr = staticmethod(index_text)
    kexpr = staticmethod(index_text)

    def __init__(self, tiling: dict[str, sympy.Expr], **kwargs: Any) -> None:
        super().__init__(tiling, **kwargs)
        self.cse = TypedCSE(self.newvar_prefix, self.suffix)
        self.shape: Shape = choose(self.features, self.numels)
        self.masked_depth = 0
        self.loop_indices = IndentedBuffer()
        self.after_loop = IndentedBuffer()
        self.stores_after_loop = IndentedBuffer()
        self.outlive_loop: OrderedSet[CSEVariable] = OrderedSet()
        self.reducers = 0

    def dtype_to_str(self, dtype: torch.dtype) -> str:
        return in_memory(dtype)

    @property
    def in_loop(self) -> bool:
        return self.inside_reduction and self.features.is_reduction()

    # indices

    def codegen_iteration_ranges_entry(self, entry: IterationRangesEntry) -> None:
        line = f"const {self.index_dtype} {entry.name} = {self.index_to_str(entry.expr)};"
        (self.loop_indices if entry.is_reduction else self.indexing_code).writeline(line)

    def varies_in_loop(self, index: sympy.Expr) -> bool:
        return any(
            symbol_is_type(symbol, (SymT.R0_INDEX, SymT.R1_INDEX, SymT.TMP))
            for symbol in index.free_symbols
        )

    # memory

    def load(self, name: str, index: sympy.Expr) -> CSEVariable:
        pointer = self.args.input(name)
        index = self.prepare_indexing(index)
        dtype = V.graph.get_dtype(name)
        text = f"{pointer}[{self.index_to_str(index)}]"
        if self.by_value(name):
            text = pointer
        if dtype in LOW_FLOATS:
            text, dtype = f"wf::widen({text})", torch.float32
        hoist = self.in_loop and not self.masked_depth and not self.varies_in_loop(index)
        buffer = self.body if hoist and self.loads is not self.compute else self.loads
        variable = self.cse.generate(buffer, text, dtype=dtype, shape=())
        if buffer is self.body or not self.in_loop:
            self.outlive_loop.add(variable)
        return variable

    def store(self, name: str, index: sympy.Expr, value: CSEVariable, mode: Any = None) -> None:
        pointer = self.args.output(name)
        where = self.index_to_str(self.prepare_indexing(index))
        converted = f"wf::to<{in_memory(V.graph.get_dtype(name))}>({value})"
        if mode is None:
            line = f"{pointer}[{where}] = {converted};"
        elif mode == "atomic_add":
            self.atomic_add_found = True
            line = f"wf::atomic_add(&{pointer}[{where}], {converted});"
        else:
            raise NotImplementedError(f"warpfive generates no stores of mode {mode!r}")
        if self.features.is_reduction() and not self.inside_reduction:
            line = self.shape.once(line)
        self.stores.writeline(DeferredLine(name, line))

    def store_reduction(self, name: str, index: sympy.Expr, value: CSEVariable) -> None:
        pointer = self.args.output(name)
        self.inside_reduction = False
        where = self.index_to_str(self.prepare_indexing(index))
        self.inside_reduction = True
        converted = f"wf::to<{in_memory(V.graph.get_dtype(name))}>({value})"
        line = self.shape.once(f"{pointer}[{where}] = {converted};")
        self.stores_after_loop.writeline(DeferredLine(name, line))

    def check_bounds(self, expr: sympy.Expr, size: sympy.Expr, lower: bool, upper: bool) -> None:
        place = self.index_to_str(expr)
        below = f"{place} >= 0" if lower else ""
        above = f"{place} < {self.index_to_str(size)}" if upper else ""
        if condition := " && ".join(filter(None, (below, above))):
            self.compute.writeline(f"assert(({condition}) && \"index out of bounds\");")

    def device_assert_async(self, cond: CSEVariable, msg: str) -> None:
        text = msg.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
        self.compute.writeline(f'assert(({cond}) && "{text}");')

    # reductions

    def reduction(self, dtype: torch.dtype, src_dtype: torch.dtype, reduction_type: Any,
                  value: Any) -> Any:  # fmt: skip
        key = (src_dtype, reduction_type, value)
        if key in self.cse.reduction_cache:
            return self.cse.reduction_cache[key]
        if reduction_type not in REDUCERS:
            raise NotImplementedError(f"warpfive has no reduction {reduction_type!r}")
        if self.masked_depth:
            raise NotImplementedError("a reduction under a mask")
        result = self._reduce(dtype, src_dtype, reduction_type, value)
        self.cse.reduction_cache[key] = result
        return result

    def _reduce(self, dtype: torch.dtype, src_dtype: torch.dtype, kind: str, value: Any) -> Any:
        part = f"part{self.reducers}"
        self.reducers += 1
        element = self._element_type(dtype, src_dtype, kind)
        self.body.writeline(f"wf::{REDUCERS[kind]}<{element}> {part};")
        values = value if isinstance(value, tuple) else (value,)
        joined = ", ".join(f"wf::to<{element}>({one})" for one in values)
        if kind in ("argmax", "argmin"):
            joined += f", (long long){self._reduction_place()}"
        self.compute.writeline(f"{part}.add({joined});")
        whole = f"whole{self.reducers - 1}"
        self.after_loop.writeline(f"const auto {whole} = wf::finish<{self.shape.team}>({part});")
        arg = kind in ("argmax", "argmin")
        out_dtype = torch.int64 if arg else self._out_dtype(dtype, src_dtype, kind)
        out = []
        for field in FIELDS.get(kind, ("v",)):
            variable = self.cse.newvar(dtype=out_dtype, shape=())
            self.after_loop.writeline(
                f"const {in_register(out_dtype)} {variable} = {whole}.{field};"
            )
            self.outlive_loop.add(variable)
            out.append(variable)
        return out[0] if len(out) == 1 else tuple(out)

    @staticmethod
    def _out_dtype(dtype: torch.dtype, src_dtype: torch.dtype, kind: str) -> torch.dtype:
        if kind in ("max", "min"):
            return src_dtype
        return dtype

    @staticmethod
    def _element_type(dtype: torch.dtype, src_dtype: torch.dtype, kind: str) -> str:
        """What is accumulated: the source's type for comparisons, the result's for arithmetic."""
        compares = kind in ("max", "min", "argmax", "argmin")
        return in_register(src_dtype if compares else dtype)

    def _reduction_place(self) -> str:
        """The index within the reduced dimensions, as one number."""
        trees = [tree for tree in self.range_trees if tree.is_reduction]
        text = trees[0].name
        for tree in trees[1:]:
            text = f"({text} * {self.numel_text(tree)} + {tree.name})"
        return text

    # text

    def codegen_body(self) -> None:
        """Moves what has been collected to the body: inside a reduction, as a loop over it."""
        buffers = (self.loads, self.compute, self.stores, self.after_loop, self.stores_after_loop)
        if not any(buffers):
            return
        if self.in_loop:
            trees = [tree for tree in self.range_trees if tree.is_reduction]
            for place, tree in enumerate(trees):
                name, end = tree.name, self.numel_text(tree)
                start, step = self.shape.loop(place == len(trees) - 1)
                head = f"{self.index_dtype} {name} = {start}; {name} < {end}; {name} += {step}"
                self.body.writeline(f"for ({head}) {{")
            with self.body.indent():
                for part in (self.loop_indices, self.loads, self.compute, self.stores):
                    self.body.splice(part)
            self.body.writeline("}" * len(trees))
            self.cse.invalidate(self.outlive_loop)
            for tree in trees:
                tree.cache_clear()
        else:
            for part in (self.loads, self.compute, self.stores):
                self.body.splice(part)
        self.body.splice(self.after_loop)
        self.body.splice(self.stores_after_loop)
        for buffer in (*buffers, self.loop_indices):
            buffer.clear()

    def numel_text(self, tree: Any) -> str:
        numel = tree.numel
        return str(numel) if isinstance(numel, sympy.Integer | int) else f"{tree.prefix}numel"

    def by_value(self, name: str) -> bool:
        """A number on the host's side that the kernel gets as an argument."""
        buffer = V.graph.try_get_buffer(name)
        if buffer is None or buffer.get_size() != []:
            return False
        device = buffer.get_device()
        return device is not None and device.type == "cpu"

    def parameters(self) -> list[tuple[str, str, str]]:
        """(type, name in the kernel, expression in the caller) of every argument."""
        found: list[tuple[str, str, str]] = []
        for outer, inner in self.args.output_buffers.items():
            if not isinstance(inner, RemovedArg) and outer not in self.removed_buffers:
                found.append((f"{in_memory(V.graph.get_dtype(outer))} *", inner, outer))
        for outer, inner in self.args.input_buffers.items():
            kind = in_memory(V.graph.get_dtype(outer))
            if self.by_value(outer):
                found.append((f"{kind} ", inner, f"{outer}.item()"))
            else:
                found.append((f"const {kind} *", inner, outer))
        for outer, inner in self.args.sizevars.items():
            is_float = isinstance(outer, sympy.Symbol) and symbol_is_type(
                outer, (SymT.UNBACKED_FLOAT, SymT.FLOAT)
            )
            kind = "double " if is_float else f"{self.index_dtype} "
            found.append((kind, inner, V.graph.wrapper_code.codegen_python_sizevar(outer)))
        for tree in self.range_trees:
            if not isinstance(tree.numel, sympy.Integer | int):
                expression = V.graph.wrapper_code.codegen_python_sizevar(tree.numel)
                found.append((f"{self.index_dtype} ", f"{tree.prefix}numel", expression))
        return found

    def codegen_kernel(self, name: str | None = None) -> str:
        self.codegen_body()
        code = IndentedBuffer()
        # where a kernel writes to what it was given, two of its pointers may be the same memory
        alone = "" if self.mutations else "__restrict__ "
        parameters = ", ".join(
            f"{kind}{alone if kind.endswith('*') else ''}{inner}"
            for kind, inner, _ in self.parameters()
        )
        bounds = f"__launch_bounds__({self.shape.threads})"
        code.writeline(f'extern "C" __global__ {bounds} void {NAME}({parameters}) {{')
        with code.indent():
            for line in self.shape.prologue(self.index_dtype, self.range_trees, self.numel_text):
                code.writeline(line)
            code.splice(self.indexing_code)
            code.splice(self.body)
        code.writeline("}")
        return code.getvalue()

    def call_kernel(self, name: str, node: Any = None, deallocate_ws: bool = True) -> None:
        """Writes the launch to the generated Python: ``name(grid, block, arguments)``."""
        wrapper = V.graph.wrapper_code
        for size in self.args.sizevars:
            wrapper.ensure_size_computed(size)
        arguments = [expression for _, _, expression in self.parameters()]
        grid = self.shape.grid(
            {tree.prefix: wrapper.codegen_python_sizevar(tree.numel) for tree in self.range_trees}
        )
        wrapper.writeline(f"{name}({grid}, {self.shape.block}, {', '.join(arguments)})")
