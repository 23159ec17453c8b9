"""Published measurements read as cases a step model can predict.

A row that cannot be predicted gives a ``Skip`` with its cause.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from warpfive.catalog import chip_names, model, resolve_model
from warpfive.errors import InputError
from warpfive.perf.layout import Layout

COLUMNS = (
    "id", "tier", "model", "precision", "hardware", "chips", "parallelism", "setup", "engine",
    "input_len", "output_len", "batch", "metric", "value", "unit", "source", "section", "notes",
)  # fmt: skip
"""Columns of ``serving_measured.csv`` that are read; others are ignored."""

METRICS = {
    "ttft_mean": ("ttft_s", 1e-3), "ttft_median": ("ttft_s", 1e-3),
    "tpot_mean": ("tpot_s", 1e-3), "tpot_median": ("tpot_s", 1e-3), "tpot": ("tpot_s", 1e-3),
    "itl_median": ("tpot_s", 1e-3),
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

CHIPS = (
    (r"GB200|NVL72", "gb200"), (r"GB300", "gb300"), (r"B200", "b200"), (r"B300", "b300"),
    (r"GH200.*144", "gh200-144"), (r"GH200", "gh200"), (r"H200", "h200"),
    (r"H100.*NVL", "h100-nvl"), (r"H100.*PCIE", "h100-pcie"), (r"H100", "h100"),
    (r"H800", "h800"), (r"H20\D.*141|H20-141", "h20-141"), (r"H20", "h20"),
    (r"A800", "a800"), (r"A100", "a100"), (r"910C", "ascend-910c"), (r"910B", "ascend-910b"),
    (r"RTX ?PRO ?6000", "rtx-pro-6000"), (r"RTX ?4090", "rtx-4090"), (r"810E|PPU", "zhenwu-810e"),
)  # fmt: skip


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
            self.requests, self.spread, self.slots, self.chunk_tokens,
        )  # fmt: skip


class _Cause(Exception):
    """Raised inside the reader with the cause of a skip."""


def read_case(row: Mapping[str, str]) -> Case | Skip:
    """The case a row describes, or why it cannot be predicted."""
    try:
        return _read(row)
    except _Cause as cause:
        return Skip(str(cause))


def _read(row: Mapping[str, str]) -> Case:
    metric = row["metric"]
    if metric not in METRICS:
        raise _Cause(f"metric {metric} is not predicted")
    command = row.get("notes", "")
    if "MLPERF SERVER" in row.get("setup", "").upper():
        raise _Cause("MLPerf Server: arrival rate is not in the row")
    if "specul" in command.lower() or "MTP" in row.get("setup", ""):
        raise _Cause("speculative decoding: acceptance is not in the row")
    name = _model(row, command)
    quantity, factor = METRICS[metric]
    _check_load(row, quantity)
    if "see cmd" not in row.get("parallelism", "") and re.search(r"x(;|$| )", row["parallelism"]):
        raise _Cause("number of prefill and decode instances is not in the row")
    scale = 0.9 if _is_inferencex(row) else 1.0
    concurrency, requests = _load(row)
    layout, prefill_layout = _layouts(row, command)
    dtype, kv_dtype = _types(row, command, name)
    engine = _engine(row, command)
    return Case(
        id=row["id"],
        tier=row.get("tier", ""),
        chip=_chip(row["hardware"]),
        model=name,
        engine=_dated(row, engine),
        printed_engine=engine,
        dtype=dtype,
        kv_dtype=kv_dtype,
        layout=layout,
        prefill_layout=prefill_layout,
        input_tokens=_number(row["input_len"], "input length") * scale,
        output_tokens=_output(row) * scale,
        concurrency=concurrency,
        requests=requests,
        spread=_spread(row),
        slots=int(_option(command, r"--max-(?:num-seqs|running-requests)") or 0),
        chunk_tokens=int(
            _option(command, r"--(?:max[-_]num[-_](?:batched[-_])?tokens|chunked-prefill-size)")
            or 0
        ),
        metric=metric,
        quantity=quantity,
        value=_number(row["value"], "value") * factor * _per(row, layout),
        source=row.get("source", ""),
    )


def _number(text: str, what: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise _Cause(f"{what} is not a number") from None


def _output(row: Mapping[str, str]) -> float:
    if row["metric"] in ("prefill_throughput", "decode_throughput") and not row["output_len"]:
        return 1024.0
    return _number(row["output_len"], "output length")


def _per(row: Mapping[str, str], layout: Layout) -> float:
    """Rates printed a chip or a node -> rates of the instance."""
    if row["unit"] == "tok/s/chip":
        return layout.chips
    if row["unit"] == "tok/s/node":
        return layout.chips / 8
    return 1.0


def _chip(hardware: str) -> str:
    for pattern, name in CHIPS:
        if re.search(pattern, hardware.upper()):
            if name not in chip_names():
                raise _Cause(f"chip {name} is not in the catalog")
            return name
    raise _Cause(f"hardware {hardware!r} is not a chip of the catalog")


def _model(row: Mapping[str, str], command: str) -> str:
    served = re.search(r"(?:serve|--model(?:-path)?|trtllm-serve)[ =]([\w./-]+/[\w.-]+)", command)
    names = [served.group(1)] if served else []
    names.append(row["model"])
    if row["model"] == "Qwen3.5" and "397B" in command:
        names.insert(0, "qwen3.5-397b-a17b")
    for name in names:
        try:
            return resolve_model(name)
        except InputError:
            continue
    raise _Cause(f"model {row['model'] or 'unnamed'} is not in the catalog")


def _engine(row: Mapping[str, str], command: str) -> str:
    text = row.get("engine", "").strip().lower()
    text = text.replace("tensorrt-llm", "trtllm").split(",")[0].strip()
    if not text:
        text = "sglang" if "--tp-size" in command else "vllm"
    if text.startswith("tensorrt"):
        return "trtllm-mlperf"
    words = text.split()
    name = words[0]
    if "npu" in text:
        return "sglang-npu"
    if "910" in row["hardware"] and name == "vllm":
        name = "vllm-ascend"
    version = words[1].lstrip("v(").rstrip(")") if len(words) > 1 else ""
    return f"{name}-{version}" if version else name


DATED = {"vllm": "vllm-0.11", "trtllm": "trtllm-1.1"}
"""Releases current when InferenceX took its rows without a version (October to November 2025)."""


def _dated(row: Mapping[str, str], engine: str) -> str:
    """The engine version, deduced from the date where InferenceX left it out."""
    return DATED.get(engine, engine) if _is_inferencex(row) else engine


def _load(row: Mapping[str, str]) -> tuple[int, int]:
    """Concurrency and number of requests."""
    batch, setup = row.get("batch", ""), row.get("setup", "")
    burst = re.search(r"(\d+) (?:ShareGPT )?requests", setup)
    if re.fullmatch(r"[\d.]+", batch):
        count = max(1, int(float(batch)))
        return count, int(burst.group(1)) if burst else 0
    each = re.search(r"decode (?:bs )?(\d+)(?:/GPU)?", batch) or re.match(r"(\d+)/device", batch)
    if each:
        return int(each.group(1)), 0
    if "Poisson" in setup:
        raise _Cause("Poisson arrivals of unequal requests")
    if burst:
        return int(burst.group(1)), int(burst.group(1))
    if batch == "max" or "OFFLINE" in setup.upper():
        return OFFLINE_REQUESTS, OFFLINE_REQUESTS
    if row["metric"] == "prefill_throughput":
        return 1, 0
    raise _Cause("concurrency is not in the row")


def _is_inferencex(row: Mapping[str, str]) -> bool:
    """InferenceX runs, whose lengths are drawn from 0.8 to 1 of the nominal ones."""
    return bool(re.search(r"^20\d\d_|^dsr1_|^gptoss|^70b|gap_analysis", row.get("section", "")))


OFFLINE_REQUESTS = 1024
"""Requests queued at once in a measurement of offline throughput."""

TRACE = -1.0
"""``spread`` of prompts taken from real conversations: lengths are exponential."""


def _spread(row: Mapping[str, str]) -> float:
    if _is_inferencex(row):
        return 1 / 9
    if row.get("source", "").startswith("GPUStack"):
        fixed = min(abs(float(row["input_len"]) / size - 1) for size in FIXED_PROMPTS)
        return 0.0 if fixed < 0.01 else TRACE
    return 0.0


FIXED_PROMPTS = (128, 1000, 2000, 4000, 8192, 32000)
"""Prompt lengths of GPUStack's synthetic runs; its others replay conversations."""


def _check_load(row: Mapping[str, str], quantity: str) -> None:
    """Refuse loads that a row does not state."""
    if not row.get("source", "").startswith("GPUStack"):
        return
    if row.get("batch") and float(row["batch"]) not in (4, 512):
        raise _Cause("offered rate is not in the row")
    if _spread(row) == TRACE and quantity.startswith(("ttft", "tpot")):
        raise _Cause("latency of unequal prompts whose lengths are not in the row")


def _types(row: Mapping[str, str], command: str, name: str) -> tuple[str, str]:
    text = row.get("precision", "")
    upper = f"{text} {row['model']} {command if text == 'see cmd' else ''}".upper()
    kv = "fp8" if re.search(r"KV-CACHE-DTYPE[ =]FP8|FP8 KV", upper) else ""
    spec = model(name)
    if spec.quantised == "experts":
        return "", kv
    if "NVFP4" in upper or text.lower() == "fp4":
        return "fp4", kv
    if "INT8" in upper:
        return "int8", kv
    if "INT4" in upper or "AWQ" in upper:
        return "int4", kv
    if "FP8" in upper.replace("FP8 KV", "").replace("KV-CACHE-DTYPE=FP8", ""):
        return "fp8", kv or _checkpoint_kv(row, name)
    if "BF16" in upper:
        return "bf16", kv
    return "", kv


def _checkpoint_kv(row: Mapping[str, str], name: str) -> str:
    """ModelOpt checkpoints of dense models carry an fp8 KV cache that these engines follow."""
    engine = row.get("engine", "").lower()
    follows = "trt" in engine or "tensorrt" in engine or name.startswith("llama-3.1-70b")
    return "fp8" if follows and not model(name).is_moe else ""


def _layouts(row: Mapping[str, str], command: str) -> tuple[Layout, Layout | None]:
    text = row.get("parallelism", "")
    if text == "see cmd":
        return _command_layout(row, command), None
    if text.startswith("P:"):
        prefill, decode = text.removeprefix("P:").split("D:")
        return _one_side(decode), _one_side(prefill)
    if "moe_tp" in text:
        return _grid_layout(row, text), None
    return _plain_layout(row, text), None


def _one_side(text: str) -> Layout:
    found = {key: int(value) for key, value in re.findall(r"(tp|adp|ep)(\d+)", text)}
    copies = re.search(r"x(\d+)", text)
    if copies and int(copies.group(1)) > 1:
        raise _Cause("several prefill or decode instances")
    tp, dp = max(1, found.get("tp", 1)), max(1, found.get("adp", 1))
    return Layout(tp=tp, dp=dp, ep=max(1, found.get("ep", 1)))


def _grid_layout(row: Mapping[str, str], text: str) -> Layout:
    """``tp8 pp1 adp1 moe_tp8 moe_ep1``; the section's own tp and ep win where it names them."""
    found = {key: int(value) for key, value in re.findall(r"(\w+?)(\d+)(?= |$)", text)}
    named = re.search(r"_tp(\d+)(?:_0)?_ep(\d+)", row.get("section", ""))
    tp, ep = found.get("tp", 1), max(1, found.get("moe_ep", 1))
    if named:
        tp, ep = int(named.group(1)), max(1, int(named.group(2)))
    if found.get("adp", 1) > 1:
        return Layout(tp=1, dp=tp, ep=ep, pp=found.get("pp", 1))
    experts = max(1, found.get("moe_tp", 1)) * max(1, found.get("moe_ep", 1))
    dp = experts // tp if not named and experts > tp else 1
    return Layout(tp=tp, dp=dp, ep=ep, pp=found.get("pp", 1))


def _plain_layout(row: Mapping[str, str], text: str) -> Layout:
    """``TP8``, ``1 GPU``, ``EP32 prefill / EP128 decode`` and the like."""
    wide = re.findall(r"EP ?(\d+)", text)
    if wide:
        if row["metric"] not in ("prefill_throughput", "decode_throughput"):
            raise _Cause("wide expert parallelism beside another metric")
        ep = int(wide[0] if row["metric"].startswith("prefill") else wide[-1])
        return Layout(tp=1, dp=ep, ep=ep)
    chips = int(float(row["chips"])) if row.get("chips") else 0
    spread = re.match(r"TP(\d+) \(attention DP", text)
    if spread:
        size = int(spread.group(1))
        return Layout(dp=size, ep=size)
    if "dies" in text:
        return Layout(tp=chips)
    if "tp-size" in text:
        return _npu_layout(text, chips)
    if re.search(r"DP\d|P/D|disagg", text, re.IGNORECASE):
        raise _Cause(f"layout {text!r} is not read")
    sides = re.findall(r"TP ?(\d+)|(\d+) GPU", text)
    if sides:
        side = sides[-1] if row["metric"].startswith("decode") else sides[0]
        count = int(side[0] or side[1])
        apart = len(sides) > 1 and count > 1
        return Layout(dp=count, ep=count) if apart else Layout(tp=count)
    if row["unit"] == "tok/s/chip" and "DEEPSEEK" in row["model"].upper():
        return Layout(dp=8, ep=8)
    if chips == 1:
        return Layout()
    if "MLPERF" in row.get("setup", "").upper() or row.get("source", "").startswith("MLPerf"):
        return Layout(tp=2)
    raise _Cause("parallel layout is not in the row")


def _npu_layout(text: str, chips: int) -> Layout:
    """SGLang on Ascend: sizes count dies, two to a chip."""
    sizes = re.fullmatch(r"tp-size (\d+); dp-size (\d*)", text)
    if not sizes or not chips:
        raise _Cause(f"layout {text!r} is not read")
    dp = min(chips, int(sizes.group(2) or 1))
    return Layout(tp=chips // dp, dp=dp, ep=chips if dp > 1 else 1)


def _option(command: str, pattern: str) -> str:
    found = re.search(pattern + r"[ =](\d+)", command)
    return found.group(1) if found else ""


def _command_layout(row: Mapping[str, str], command: str) -> Layout:
    """Options of vLLM, SGLang and TensorRT-LLM servers."""
    tp = int(_option(command, r"(?:-tp|--tp|--tp[-_]size|--tensor-parallel-size)") or 1)
    pp = int(_option(command, r"(?:-pp|--pp|--pp[-_]size|--pipeline-parallel-size)") or 1)
    dp = int(_option(command, r"(?:-dp|--dp|--dp[-_]size|--data-parallel-size)") or 1)
    ep = int(_option(command, r"(?:--ep|--ep[-_]size)") or 1)
    if "--enable-dp-attention" in command and dp > 1:
        tp = max(1, tp // dp)
    elif dp > 1 and ("sglang" in command or "--tp-size" in command):
        raise _Cause("independent replicas behind one address")
    if "--enable-expert-parallel" in command or "deepep" in command:
        ep = tp * dp
    if "bench_serving" in command and "launch_server" not in command:
        chips = re.search(r"\((\d+)[x×]\)", row["hardware"])
        if not chips:
            raise _Cause("parallel layout is not in the row")
        tp = int(chips.group(1))
    if not command.strip():
        raise _Cause("command is not in the row")
    return Layout(tp=tp, pp=pp, dp=dp, ep=ep)
