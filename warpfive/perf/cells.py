"""What the cells of a measured row say: chip, model, engine, load, number formats and layout.

A cell that cannot be read raises ``Cause`` with what is missing.
"""

import re
from collections.abc import Mapping

from warpfive.catalog import chip_names, model, resolve_model
from warpfive.errors import InputError
from warpfive.perf.layout import Layout

CHIPS = (
    (r"GB200|NVL72", "gb200"), (r"GB300", "gb300"), (r"B200", "b200"), (r"B300", "b300"),
    (r"GH200.*144", "gh200-144"), (r"GH200", "gh200"), (r"H200", "h200"),
    (r"H100.*NVL", "h100-nvl"), (r"H100.*PCIE", "h100-pcie"), (r"H100", "h100"),
    (r"H800", "h800"), (r"H20\D.*141|H20-141", "h20-141"), (r"H20", "h20"),
    (r"A800", "a800"), (r"A100", "a100"), (r"910C", "ascend-910c"), (r"910B", "ascend-910b"),
    (r"RTX ?PRO ?6000", "rtx-pro-6000"), (r"RTX ?4090", "rtx-4090"), (r"810E|PPU", "zhenwu-810e"),
)  # fmt: skip


class Cause(Exception):
    """Raised inside the reader with the cause of a skip."""


def number(text: str, what: str) -> float:
    """A cell as a number above 0."""
    try:
        found = float(text)
    except ValueError:
        raise Cause(f"{what} is not a number") from None
    if not 0 < found < float("inf"):
        raise Cause(f"{what} is not above 0")
    return found


def output_tokens(row: Mapping[str, str]) -> float:
    """Output tokens; 1,024 for rates of one phase that leave them out."""
    if row["metric"] in ("prefill_throughput", "decode_throughput") and not row["output_len"]:
        return 1024.0
    return number(row["output_len"], "output length")


def per_instance(row: Mapping[str, str], layout: Layout) -> float:
    """Rates printed a chip or a node -> rates of the instance."""
    if row["unit"] == "tok/s/chip":
        return layout.chips
    if row["unit"] == "tok/s/node":
        return layout.chips / 8
    return 1.0


def chip_of(hardware: str) -> str:
    """The catalog's name of a row's hardware."""
    for pattern, name in CHIPS:
        if re.search(pattern, hardware.upper()):
            if name not in chip_names():
                raise Cause(f"chip {name} is not in the catalog")
            return name
    raise Cause(f"hardware {hardware!r} is not a chip of the catalog")


def model_of(row: Mapping[str, str], command: str) -> str:
    """The catalog's name of a row's model, of its command first."""
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
    raise Cause(f"model {row['model'] or 'unnamed'} is not in the catalog")


def engine_of(row: Mapping[str, str], command: str) -> str:
    """Engine and version as the row prints them."""
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


WIDE = 16
"""Ranks of experts from which on SGLang's runs are those with DeepEP and two batches in flight."""


def dated(row: Mapping[str, str], engine: str, layout: Layout) -> str:
    """The engine version, deduced from the date or the layout where the row leaves it out."""
    if engine == "sglang" and layout.ep >= WIDE:
        return "sglang-wide-ep"
    return DATED.get(engine, engine) if is_inferencex(row) else engine


def load_of(row: Mapping[str, str]) -> tuple[int, int]:
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
        raise Cause("Poisson arrivals of unequal requests")
    if burst:
        return int(burst.group(1)), int(burst.group(1))
    if batch == "max" or "OFFLINE" in setup.upper():
        lengths = (row.get("input_len", ""), row.get("output_len", ""))
        count = TRTLLM_REQUESTS.get(lengths, OFFLINE_REQUESTS)
        return count, count
    if row["metric"] == "prefill_throughput":
        return 1, 0
    raise Cause("concurrency is not in the row")


def users_groups(row: Mapping[str, str], layout: Layout) -> int:
    """Data-parallel groups that each have as many users as the row says.

    AIConfigurator's own runs count users a group: of two layouts of the same chips, that with twice
    the groups has half the figure, setting by setting. Other rows count those of the instance.
    """
    return layout.dp if is_aiconfigurator(row) else 1


def slots_of(row: Mapping[str, str], command: str) -> int:
    """Sequences in flight at most, where the row says; 0: as many as the engine takes."""
    if row.get("batch") == "max":
        return TRTLLM_SLOTS
    return int(option(command, r"--max-(?:num-seqs|running-requests)") or 0)


GENERATED = (0, 5, 6)
"""First SGLang that AIConfigurator only ever deployed with ``--enable-mixed-chunk``.

Its generator adds that option to every aggregated server since 19 January 2026 (pull request 257),
four days before its first template of this version; its runs of 0.5.1 are older.
"""


def mixes(row: Mapping[str, str], command: str, engine: str) -> bool:
    """Whether the server was told to compute prompts and decodes in one step."""
    version = tuple(map(int, re.findall(r"\d+", engine)[:3]))
    generated = is_aiconfigurator(row) and engine.startswith("sglang-") and version >= GENERATED
    return generated or "--enable-mixed-chunk" in command


def is_aiconfigurator(row: Mapping[str, str]) -> bool:
    """AIConfigurator's own runs, among those of others that it publishes."""
    return "moe_tp" in row.get("parallelism", "") and "_epnone" in row.get("section", "")


def is_inferencex(row: Mapping[str, str]) -> bool:
    """InferenceX runs, whose lengths are drawn from 0.8 to 1 of the nominal ones."""
    return bool(re.search(r"^20\d\d_|^dsr1_|^gptoss|^70b|gap_analysis", row.get("section", "")))


OFFLINE_REQUESTS = 1024
"""Requests queued at once in a measurement of offline throughput."""

TRTLLM_REQUESTS = {
    ("128", "128"): 30000, ("128", "2048"): 3000, ("128", "4096"): 1500, ("500", "2000"): 3000,
    ("1000", "1000"): 3000, ("1000", "2000"): 1500, ("2048", "128"): 3000, ("2048", "2048"): 1500,
    ("5000", "500"): 1500, ("20000", "2000"): 1000,
}  # fmt: skip
"""Requests that TensorRT-LLM's perf-overview queues, by prompt and output tokens."""

TRTLLM_SLOTS = 8192
"""Sequences a chip in those runs: the largest batch that they capture a graph for."""

TRACE = -1.0
"""``spread`` of prompts taken from real conversations: lengths are exponential."""


def spread_of(row: Mapping[str, str]) -> float:
    """How a load's lengths vary, see ``Load.spread``."""
    if is_inferencex(row):
        return 1 / 9
    if row.get("source", "").startswith("GPUStack"):
        fixed = min(abs(float(row["input_len"]) / size - 1) for size in FIXED_PROMPTS)
        return 0.0 if fixed < 0.01 else TRACE
    return 0.0


FIXED_PROMPTS = (128, 1000, 2000, 4000, 8192, 32000)
"""Prompt lengths of GPUStack's synthetic runs; its others replay conversations."""


def check_load(row: Mapping[str, str], quantity: str) -> None:
    """Refuse loads that a row does not state."""
    if not row.get("source", "").startswith("GPUStack"):
        return
    if row.get("batch") and float(row["batch"]) not in (4, 512):
        raise Cause("offered rate is not in the row")
    if spread_of(row) == TRACE and quantity.startswith(("ttft", "tpot")):
        raise Cause("latency of unequal prompts whose lengths are not in the row")


def types_of(row: Mapping[str, str], command: str, name: str) -> tuple[str, str]:
    """Number formats of the weights and the KV cache; empty for the published ones."""
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


def layouts_of(row: Mapping[str, str], command: str) -> tuple[Layout, Layout | None]:
    """Layout of the instance, and of a separate prefill instance."""
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
        raise Cause("several prefill or decode instances")
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
            raise Cause("wide expert parallelism beside another metric")
        ep = int(wide[0] if row["metric"].startswith("prefill") else wide[-1])
        return Layout(tp=1, dp=ep, ep=ep)
    chips = int(float(row["chips"])) if row.get("chips") else 0
    spread = re.match(r"TP(\d+) \(attention DP", text)
    if spread:
        size = int(spread.group(1))
        return Layout(dp=size, ep=size)
    if "dies" in text:
        return Layout(tp=chips, ep=chips)
    if "tp-size" in text:
        return _npu_layout(text, chips)
    if re.search(r"DP\d|P/D|disagg", text, re.IGNORECASE):
        raise Cause(f"layout {text!r} is not read")
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
    raise Cause("parallel layout is not in the row")


def _npu_layout(text: str, chips: int) -> Layout:
    """SGLang on Ascend: sizes count dies, two to a chip."""
    sizes = re.fullmatch(r"tp-size (\d+); dp-size (\d*)", text)
    if not sizes or not chips:
        raise Cause(f"layout {text!r} is not read")
    dp = min(chips, int(sizes.group(2) or 1))
    return Layout(tp=chips // dp, dp=dp, ep=chips if dp > 1 else 1)


def option(command: str, pattern: str) -> str:
    """A numeric option's value in a command, or an empty string."""
    found = re.search(pattern + r"[ =](\d+)", command)
    return found.group(1) if found else ""


def _command_layout(row: Mapping[str, str], command: str) -> Layout:
    """Options of vLLM, SGLang and TensorRT-LLM servers."""
    tp = int(option(command, r"(?:-tp|--tp|--tp[-_]size|--tensor-parallel-size)") or 1)
    pp = int(option(command, r"(?:-pp|--pp|--pp[-_]size|--pipeline-parallel-size)") or 1)
    dp = int(option(command, r"(?:-dp|--dp|--dp[-_]size|--data-parallel-size)") or 1)
    ep = int(option(command, r"(?:--ep|--ep[-_]size)") or 1)
    if "--enable-dp-attention" in command and dp > 1:
        tp = max(1, tp // dp)
    elif dp > 1 and ("sglang" in command or "--tp-size" in command):
        raise Cause("independent replicas behind one address")
    if "--enable-expert-parallel" in command or "deepep" in command:
        ep = tp * dp
    if "bench_serving" in command and "launch_server" not in command:
        chips = re.search(r"\((\d+)[x×]\)", row["hardware"])
        if not chips:
            raise Cause("parallel layout is not in the row")
        tp = int(chips.group(1))
    if not command.strip():
        raise Cause("command is not in the row")
    return Layout(tp=tp, pp=pp, dp=dp, ep=ep)
