"""A kernel's translated object: functions, tables, and the `wf_code` the chip looks for."""

from __future__ import annotations

from dataclasses import dataclass, field

from warpfive.translator import abi, narrow
from warpfive.translator.counting import Plan, op_count


@dataclass(slots=True)
class Code:
    """What goes into one object."""

    functions: list[str]
    flags: int = 0
    blocks_function: str = "null"
    fast_function: str = "null"
    general_function: str = "null"
    fast_state_bytes: int = 0
    plan: Plan | None = None
    counted: list = field(default_factory=list)

    def text(self) -> str:
        """The LLVM module."""
        parts = list(self.functions)
        if any("half" in part or "bfloat" in part for part in parts):
            parts.append(narrow.functions())
        return "\n".join([*parts, self._tables()])

    def _tables(self) -> str:
        tables, rest = "", "i32 0, i32 0, i32 0, i32 0, i32 0, i32 0" + ", ptr null" * 7
        if self.plan is not None:
            tables = self.plan.tables(self.counted)
            rest = self.plan.head(self.counted, op_count(self.counted))
        kinds = ", ".join(word.split()[0] for word in rest.split(", "))
        return f"""
{tables}@wf_code = constant {{ i32, i32, ptr, ptr, ptr, i64, {kinds} }} {{
  i32 {abi.ABI_VERSION}, i32 {self.flags},
  ptr {self.blocks_function}, ptr {self.fast_function}, ptr {self.general_function},
  i64 {self.fast_state_bytes}, {rest} }}
"""
