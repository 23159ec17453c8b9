"""Take kernel measurements of H100 and H200 from the wheel of ``aiconfigurator-core``.

pip download --no-deps aiconfigurator-core==0.12.0 -d DIR
python -m benchmarks.fidelity.take_kernels DIR/aiconfigurator_core-0.12.0-*.whl

needs pyarrow. The wheel is Apache-2.0; its tables were measured on one GPU with TensorRT-LLM. An
even sample of them is written to ``kernels_hopper.csv``.
"""

import csv
import hashlib
import io
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parent / "kernels_hopper.csv"
VERSION = "1.3.0rc20"
CHIPS = ("h100_sxm", "h200_sxm")
EACH = 300
"""Rows of one kind and chip."""
FIELDS = ("id", "kernel", "hardware", "dtype", "shape", "latency_us", "source", "licence")
DTYPES = {"bfloat16": "bf16"}

Row = dict[str, Any]


def gemm(row: Row) -> tuple[str, str, str] | None:
    """A plain product in bf16; the fp8 rows time the conversion, too."""
    if row["gemm_dtype"] not in DTYPES:
        return None
    shape = f"m={row['m']} n={row['n']} k={row['k']}"
    return f"gemm_{DTYPES[row['gemm_dtype']]}", DTYPES[row["gemm_dtype"]], shape


def _heads(row: Row) -> str | None:
    plain = row["attn_dtype"] == row["kv_cache_dtype"] == "bfloat16" and not row["window_size"]
    if not plain or row["head_dim"] != 128 or not row["num_key_value_heads"]:
        return None
    return f"{row['num_heads']}-{row['num_key_value_heads']}-{row['head_dim']}"


def prefill(row: Row) -> tuple[str, str, str] | None:
    """Causal attention of whole prompts in bf16."""
    heads = _heads(row)
    if not heads or row["step"] or row["isl"] < 512:
        return None
    return "mha_prefill", "bf16", f"{heads} batch_size={row['batch_size']} seq_len={row['isl']}"


def decode(row: Row) -> tuple[str, str, str] | None:
    """Attention of one token a sequence over a bf16 cache."""
    heads, length = _heads(row), row["isl"] + row["step"]
    if not heads or length < 256:
        return None
    return "mha_decode", "bf16", f"{heads} batch_size={row['batch_size']} kv_len={length}"


def experts(row: Row) -> tuple[str, str, str] | None:
    """Both products of a layer of experts, with routing; tokens spread evenly."""
    gated = "nongated" not in row["kernel_source"]
    if row["moe_dtype"] != "bfloat16" or row["distribution"] != "balanced" or not gated:
        return None
    inner = row["inter_size"] // row["moe_tp_size"]
    local = row["num_experts"] // row["moe_ep_size"]
    return "moe", "bf16", (
        f"num_experts={row['num_experts']} num_local_experts={local} "
        f"rows={row['num_tokens'] * row['topk'] / row['moe_ep_size']:g} "
        f"hidden_size={row['hidden_size']} intermediate_size={inner}"
    )  # fmt: skip


TABLES: dict[str, Callable[[Row], tuple[str, str, str] | None]] = {
    "gemm/trtllm/{}/gemm_perf": gemm,
    "attention/trtllm/{}/context_attention_perf": prefill,
    "attention/trtllm/{}/generation_attention_perf": decode,
    "moe/trtllm/{}/moe_perf": experts,
}


def taken(wheel: zipfile.ZipFile, chip: str) -> list[list[str]]:
    """Rows of one chip, evenly sampled by a hash of what they are."""
    import pyarrow.parquet

    found = []
    for table, read in TABLES.items():
        name = f"aiconfigurator_core/systems/data/{chip}/{table.format(VERSION)}.parquet"
        rows = pyarrow.parquet.read_table(io.BytesIO(wheel.read(name))).to_pylist()
        made = {(read(row), row["latency"]) for row in rows if read(row)}
        ordered = sorted(made, key=lambda one: hashlib.md5(repr(one[0]).encode()).hexdigest())
        for (kernel, dtype, shape), latency_ms in ordered[:EACH]:  # type: ignore[misc]
            found.append([kernel, chip, dtype, shape, f"{latency_ms * 1e3:.5g}"])
    return found


def main() -> None:
    """Write the sample of every chip."""
    with zipfile.ZipFile(sys.argv[1]) as wheel:
        rows = [row for chip in CHIPS for row in taken(wheel, chip)]
    source = f"aiconfigurator-core 0.12.0, TensorRT-LLM {VERSION}"
    with TARGET.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(FIELDS)
        for number, row in enumerate(rows, 1):
            writer.writerow([f"A{number:05}", *row, source, "Apache-2.0"])


if __name__ == "__main__":
    main()
