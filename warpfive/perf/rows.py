"""Published measurements read as cases a step model can predict.

A row that cannot be predicted gives a ``Skip`` with its cause.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from warpfive.perf.cells import (
    Cause,
    check_load,
    chip_of,
    dated,
    engine_of,
    is_inferencex,
    layouts_of,
    load_of,
    mixes,
    model_of,
    number,
    option,
    output_tokens,
    per_instance,
    slots_of,
    spread_of,
    types_of,
    users_groups,
)
from warpfive.perf.layout import Layout

COLUMNS = (
    "id", "tier", "model", "precision", "hardware", "chips", "parallelism", "setup", "engine",
    "input_len", "output_len", "batch", "metric", "value", "unit", "source", "section", "notes",
)  # fmt: skip
"""Columns of ``serving_measured.csv`` that are read; others are ignored."""

METRICS = {
    "ttft_mean": ("ttft_s", 1e-3), "ttft_median": ("ttft_p50_s", 1e-3),
    "tpot_mean": ("tpot_s", 1e-3), "tpot_median": ("tpot_p50_s", 1e-3), "tpot": ("tpot_s", 1e-3),
    "itl_median": ("itl_s", 1e-3),
    "output_throughput": ("output_rate", 1.0), "total_throughput": ("total_rate", 1.0),
    "request_rate": ("request_rate", 1.0),
    "prefill_throughput": ("prefill_rate", 1.0), "decode_throughput": ("decode_rate", 1.0),
    "total_speed_(prompt+gen)/time": ("total_rate", 1.0), "gpu_memory": ("memory_bytes", 2.0**20),
    **{
        f"{kind}_p{share}": (f"{kind}_p{share}_s", 1e-3)
        for kind in ("ttft", "tpot") for share in (90, 95, 99)
    },
}  # fmt: skip
"""Metric of a row -> what is predicted, and the factor from the row's unit to SI."""


@dataclass(frozen=True, slots=True)
class Skip:
    """Why a row has no prediction."""

    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One measurement and the configuration it was taken with."""

    id: str
    tier: str
    chip: str
    model: str
    engine: str
    dtype: str = ""
    kv_dtype: str = ""
    layout: Layout = field(default_factory=Layout)
    prefill_layout: Layout | None = None
    """Layout of a separate prefill instance, where prefill and decode are apart."""
    input_tokens: float
    output_tokens: float
    concurrency: int
    requests: int = 0
    spread: float = 0.0
    slots: int = 0
    chunk_tokens: int = 0
    mixed: bool = False
    """Whether the server was told to compute prompts and decodes in one step."""
    metric: str
    quantity: str
    value: float
    """Measured, in seconds or per second, for the whole instance."""
    source: str = ""

    printed_engine: str = ""
    """Engine as the row names it, without a version deduced from the date."""

    @property
    def group(self) -> str:
        """What a split keeps together: chip, model and engine version as printed."""
        return f"{self.chip}|{self.model}|{self.printed_engine or self.engine}"

    @property
    def setting(self) -> tuple[object, ...]:
        """Everything that decides the prediction but the metric."""
        return (
            self.chip, self.model, self.engine, self.dtype, self.kv_dtype, self.layout,
            self.prefill_layout, self.input_tokens, self.output_tokens, self.concurrency,
            self.requests, self.spread, self.slots, self.chunk_tokens, self.mixed,
        )  # fmt: skip


def read_case(row: Mapping[str, str]) -> Case | Skip:
    """The case a row describes, or why it cannot be predicted."""
    try:
        return _read(row)
    except Cause as cause:
        return Skip(str(cause))


def _read(row: Mapping[str, str]) -> Case:
    metric = row["metric"]
    if metric not in METRICS:
        raise Cause(f"metric {metric} is not predicted")
    command = row.get("notes", "")
    if "MLPERF SERVER" in row.get("setup", "").upper():
        raise Cause("MLPerf Server: arrival rate is not in the row")
    if "ANOMALOUS" in command:
        raise Cause("its source calls the row anomalous")
    if "specul" in command.lower() or "MTP" in row.get("setup", ""):
        raise Cause("speculative decoding: acceptance is not in the row")
    name = model_of(row, command)
    quantity, factor = METRICS[metric]
    check_load(row, quantity)
    if "see cmd" not in row.get("parallelism", "") and re.search(r"x(;|$| )", row["parallelism"]):
        raise Cause("number of prefill and decode instances is not in the row")
    scale = 0.9 if is_inferencex(row) else 1.0
    concurrency, requests = load_of(row)
    layout, prefill_layout = layouts_of(row, command)
    dtype, kv_dtype = types_of(row, command, name)
    engine = engine_of(row, command)
    return Case(
        id=row["id"],
        tier=row.get("tier", ""),
        chip=chip_of(row["hardware"]),
        model=name,
        engine=dated(row, engine, layout),
        printed_engine=engine,
        dtype=dtype,
        kv_dtype=kv_dtype,
        layout=layout,
        prefill_layout=prefill_layout,
        input_tokens=number(row["input_len"], "input length") * scale,
        output_tokens=output_tokens(row) * scale,
        concurrency=concurrency * users_groups(row, layout),
        requests=requests,
        spread=spread_of(row),
        slots=slots_of(row, command),
        chunk_tokens=int(
            option(command, r"--(?:max[-_]num[-_](?:batched[-_])?tokens|chunked-prefill-size)") or 0
        ),
        mixed=mixes(row, command, engine),
        metric=metric,
        quantity=quantity,
        value=number(row["value"], "value") * factor * per_instance(row, layout),
        source=row.get("source", ""),
    )
