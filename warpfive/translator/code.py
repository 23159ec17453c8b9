"""A kernel's translated object: functions, tables, and the `wf_code` the chip looks for."""

from __future__ import annotations

from dataclasses import dataclass

from warpfive.translator import abi, narrow
from warpfive.translator.flow import Node
from warpfive.translator.program import Block


@dataclass(slots=True)
class Code:
    """What goes into one object."""

    functions: list[str]
    blocks: dict[int, Block] | dict[int, Node]
    flags: int = 0
    blocks_function: str = "null"
    fast_function: str = "null"
    general_function: str = "null"
    fast_state_bytes: int = 0

    def text(self) -> str:
        """The LLVM module."""
        parts = list(self.functions)
        if any("half" in part or "bfloat" in part for part in parts):
            parts.append(narrow.functions())
        return "\n".join([*parts, self._tables()])

    def _tables(self) -> str:
        count = len(self.blocks)
        pcs = ", ".join(f"i64 {block.start}" for block in self.blocks.values())
        sizes = ", ".join(f"i32 {len(block.instructions)}" for block in self.blocks.values())
        return f"""
@block_pc = internal constant [{count} x i64] [{pcs}]
@block_instructions = internal constant [{count} x i32] [{sizes}]
@wf_code = constant {{ i32, i32, ptr, ptr, ptr, i64, i32, i32, ptr, ptr }} {{
  i32 {abi.ABI_VERSION}, i32 {self.flags},
  ptr {self.blocks_function}, ptr {self.fast_function}, ptr {self.general_function},
  i64 {self.fast_state_bytes}, i32 {count}, i32 0,
  ptr @block_pc, ptr @block_instructions }}
"""
