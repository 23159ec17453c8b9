"""The offsets the translator writes down are those of the C header."""

import re
import subprocess
import sys
from pathlib import Path

import warpfive
from warpfive.translator import abi

HEADER = Path(warpfive.__file__).parent / "chip" / "native" / "abi.h"


def c_offsets(folder: Path) -> dict[str, int]:
    """What the host's C compiler makes of the header."""
    fields = [("WfCtx", name) for name in abi.CTX] + [("WfWarp", name) for name in abi.WARP]
    prints = "".join(f'printf("{t}.{n} %zu\\n", offsetof({t}, {n}));' for t, n in fields)
    source = folder / "offsets.c"
    source.write_text(f'#include <stddef.h>\n#include <stdio.h>\n#include "{HEADER}"\n'
                      f'int main(void) {{ {prints} printf("version %u\\n", WF_ABI_VERSION); }}\n')
    program = folder / "offsets"
    subprocess.run([sys.executable, "-m", "ziglang", "cc", str(source), "-o", str(program)],
                   check=True, capture_output=True)
    said = subprocess.run([str(program)], check=True, capture_output=True, text=True).stdout
    return {name: int(value) for name, value in (line.split() for line in said.splitlines())}


def test_offsets_are_those_of_the_header(tmp_path):
    offsets = c_offsets(tmp_path)
    assert offsets.pop("version") == abi.ABI_VERSION
    ours = {f"WfCtx.{n}": at for n, at in abi.CTX.items()}
    ours |= {f"WfWarp.{n}": at for n, at in abi.WARP.items()}
    assert offsets == ours


def test_statuses_and_traps_are_those_of_the_header():
    text = HEADER.read_text(encoding="utf-8")
    values = {name: int(value) for name, value in re.findall(r"(WF_[A-Z_]+) = (\d+)", text)}
    for name in ("EXIT", "BARRIER", "YIELD", "TRAP", "STOP", "TRAP_ASSERT", "TRAP_TRAP",
                 "TRAP_MISALIGNED", "TRAP_BAD_PC", "CODE_COUNTS", "CODE_PRECISE", "CODE_SPINS"):
        assert values["WF_" + name] == getattr(abi, name)
