"""Published kernel measurements and the operator model's time for each."""

import csv
import hashlib
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from warpfive.catalog import AttentionSpec, ChipSpec, chip
from warpfive.perf import Efficiency, kernels

ROWS = tuple(Path(__file__).parent / f"kernels_{name}.csv" for name in ("measured", "hopper"))
CHIPS = {"H20": "h20", "H800": "h800", "h100_sxm": "h100", "h200_sxm": "h200"}


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelCase:
    """One measured kernel."""

    id: str
    chip: str
    kind: str
    shape: str
    """What the split keeps together: the shape without batch and length."""
    seconds: float
    predict: Callable[[ChipSpec, Efficiency], float]

    @property
    def held_out(self) -> bool:
        """Half of the shapes, by a hash of their name, are kept from fitting."""
        text = f"{self.kind}|{self.shape}"
        return int(hashlib.md5(text.encode(), usedforsecurity=False).hexdigest(), 16) % 2 == 1

    def error(self, fit: Efficiency) -> float:
        """Logarithm of predicted over measured."""
        return math.log(self.predict(chip(self.chip), fit) / self.seconds)


def kernel_cases() -> list[KernelCase]:
    """Every shipped measurement that the operator model has a kernel for."""
    found = []
    for path in ROWS:
        with path.open(encoding="utf-8", newline="") as file:
            found += [_case(row) for row in csv.DictReader(file)]
    return [case for case in found if case]


def _case(row: dict[str, str]) -> KernelCase | None:
    name, text = row["kernel"], row["shape"]
    if row["hardware"] not in CHIPS or not row["latency_us"]:
        return None
    numbers = {key: float(value) for key, value in re.findall(r"(\w+)=([\d.]+)(?=\s|$)", text)}
    for prefix, read in READERS.items():
        if name.startswith(prefix):
            kind, shape, predict = read(name, text, numbers)
            return KernelCase(
                id=row["id"], chip=CHIPS[row["hardware"]], kind=kind, shape=shape,
                seconds=float(row["latency_us"]) * 1e-6, predict=predict,
            )  # fmt: skip
    return None


ROUTING_KERNELS = 4
"""Kernels around the two products of a layer of experts."""

Read = tuple[str, str, Callable[[ChipSpec, Efficiency], float]]


def _gemm(name: str, text: str, numbers: dict[str, float]) -> Read:
    m, n, k = numbers["m"], int(numbers["n"]), int(numbers["k"])
    dtype = "bf16" if name.endswith("bf16") else "fp8"
    kind = "GEMM, bf16" if name.endswith("bf16") else "GEMM"
    return kind, f"{n}x{k}", lambda c, f: kernels.gemm(c, f, (m, n, k), dtype, dtype)


def _grouped(name: str, text: str, numbers: dict[str, float]) -> Read:
    experts, each = numbers["num_local_experts"], numbers["tokens_per_expert"]
    hidden, inner = int(numbers["hidden_size"]), int(numbers["intermediate_size"])
    n, k = (2 * inner, hidden) if name.endswith("up") else (hidden, inner)
    hit = experts if each >= 1 else max(1.0, experts * (1 - math.exp(-each)))
    shape = (experts * each, hit, n, k)
    label = f"{int(numbers['num_experts'])}-{hidden}-{inner}"
    return "grouped GEMM", label, lambda c, f: kernels.grouped_gemm(c, f, shape, "fp8", "fp8")


def _experts(name: str, text: str, numbers: dict[str, float]) -> Read:
    rows, experts = numbers["rows"], numbers["num_local_experts"]
    hidden, inner = int(numbers["hidden_size"]), int(numbers["intermediate_size"])
    hit = min(experts, rows)
    label = f"{int(numbers['num_experts'])}-{hidden}-{inner}"

    def predict(c: ChipSpec, f: Efficiency) -> float:
        products = ((rows, hit, 2 * inner, hidden), (rows, hit, hidden, inner))
        seconds = sum(kernels.grouped_gemm(c, f, shape, "bf16", "bf16") for shape in products)
        # Tokens sorted by expert, the activation, and the sum of the experts' outputs.
        moved = 2 * rows * (2 * hidden + 3 * inner + 2 * hidden)
        return seconds + moved / (c.memory.bandwidth * f.stream) + ROUTING_KERNELS * f.kernel_s

    return "grouped GEMM, with routing", label, predict


def _heads(text: str) -> tuple[int, int, int]:
    first, second, third = re.match(r"(\d+)-(\d+)-(\d+)", text).groups()  # type: ignore[union-attr]
    return int(first), int(second), int(third)


def _gqa_decode(name: str, text: str, numbers: dict[str, float]) -> Read:
    heads, kv_heads, width = _heads(text)
    tokens = numbers["batch_size"] * numbers["kv_len"]
    spec = AttentionSpec(
        kind="gqa", heads=heads, kv_heads=kv_heads, head_dim=width, value_dim=width
    )
    kv = "fp8" if "kv_dtype=fp8" in text else "bf16"
    shape = f"{heads}-{kv_heads}-{width}"
    return "attention, decode", shape, lambda c, f: kernels.decode_attention(c, f, spec, tokens, kv)


def _mla_decode(name: str, text: str, numbers: dict[str, float]) -> Read:
    heads, rank, rope = _heads(text)
    tokens = numbers["batch_size"] * numbers["kv_len"]
    spec = AttentionSpec(kind="mla", heads=heads, kv_rank=rank, rope_dim=rope, value_dim=128)
    return "MLA, decode", "", lambda c, f: kernels.decode_attention(c, f, spec, tokens, "bf16")


def _gqa_prefill(name: str, text: str, numbers: dict[str, float]) -> Read:
    heads, kv_heads, width = _heads(text)
    tokens = numbers["seq_len"]
    flops = 2 * heads * 2 * width * tokens * tokens / 2 * numbers.get("batch_size", 1)
    shape = f"{heads}-{kv_heads}-{width}"
    return (
        "attention, prefill", shape,
        lambda c, f: kernels.prefill_attention(c, f, flops, tokens),
    )  # fmt: skip


def _mla_prefill(name: str, text: str, numbers: dict[str, float]) -> Read:
    heads, width, rope = _heads(text)
    tokens = numbers["seq_len"]
    flops = 2 * heads * (2 * width + rope) * tokens * tokens / 2
    return "MLA, prefill", "", lambda c, f: kernels.prefill_attention(c, f, flops, tokens)


READERS: dict[str, Callable[[str, str, dict[str, float]], Read]] = {
    "gemm": _gemm, "grouped_gemm": _grouped, "moe": _experts, "mha_decode": _gqa_decode,
    "mla_decode": _mla_decode, "mha_prefill": _gqa_prefill, "mla_prefill": _mla_prefill,
}  # fmt: skip
