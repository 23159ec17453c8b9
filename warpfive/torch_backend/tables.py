"""What the installed torch says about itself: its operators' functions and its dispatch stubs."""

import re
from collections.abc import Iterator
from pathlib import Path

STUB = re.compile(r"DECLARE_DISPATCH\s*\((?:[^;{}]*?)(\w+)\s*\)\s*$", re.MULTILINE)
OPERATOR = re.compile(r"^- func: ([\w.]+)\(", re.MULTILINE)
KERNEL = re.compile(r"^    ([\w, ]+): (\w+)", re.MULTILINE)


KEYS = (("CPU", "CUDA"), ("SparseCPU", "SparseCUDA"), ("SparseCsrCPU", "SparseCsrCUDA"))
"""Dispatch keys of the host and of the chip: dense tensors, sparse by coordinates, by rows."""


def shared_operators(torchgen_root: Path) -> Iterator[tuple[str, str, str]]:
    """Operators whose CPU and CUDA kernels are one function in torch's own table, with both keys.

    Such a function does its work through dispatch stubs or other operators, or is a view and does
    none.
    """
    table = torchgen_root / "packaged" / "ATen" / "native" / "native_functions.yaml"
    text = table.read_text(encoding="utf-8")
    starts = list(OPERATOR.finditer(text))
    ends = [match.start() for match in starts[1:]] + [len(text)]
    for match, end in zip(starts, ends, strict=True):
        body = text[match.end() : end]
        kernels = {
            key.strip(): function
            for keys, function in KERNEL.findall(body)
            for key in keys.split(",")
        }
        for host, chip in KEYS:
            one = host in kernels and kernels[host] == kernels.get(chip)
            if one or (host == "CPU" and "  ufunc_inner_loop:" in body):
                yield match[1], host, chip


def stub_symbols(torch_root: Path) -> Iterator[str]:
    """Names of torch's dispatch stubs, from the headers that declare them."""
    for header in sorted((torch_root / "include" / "ATen" / "native").rglob("*.h")):
        text = header.read_text(encoding="utf-8")
        for match in STUB.finditer(text):
            if match[1] != "name":
                yield match[1]


def mangled(stub: str) -> str:
    """The symbol of ``at::native::<stub>``."""
    return f"_ZN2at6native{len(stub)}{stub}E"
