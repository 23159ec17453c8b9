"""Command lines that start a plan on vLLM, SGLang and our own server.

Options are those of vLLM 0.10 and SGLang 0.5; limits of a data-parallel instance are given per
group, as both engines count them. ``MODEL`` stands for the weights in the plan's number format.
"""

from collections.abc import Callable, Mapping

from warpfive.fleet.capacity import Group, PoolPlan

_DRAFT = '--speculative-config \'{"method": "mtp", "num_speculative_tokens": %d}\''


def launch_commands(group: Group, model: str) -> dict[str, list[str]]:
    """One command line a pool for each engine; each is run once per replica."""
    split = len(group.pools) > 1
    lines = {
        engine: [make(pool, model, split) for pool in group.pools]
        for engine, make in ENGINES.items()
    }
    if split:
        del lines["warpfive"]  # it serves whole requests only
    return lines


def vllm(pool: PoolPlan, model: str, split: bool) -> str:
    """``vllm serve``."""
    layout, setup = pool.setup.layout, pool.setup
    words = [f"vllm serve {model}", f"--tensor-parallel-size {layout.tp}"]
    if layout.pp > 1:
        words.append(f"--pipeline-parallel-size {layout.pp}")
    if layout.dp > 1:
        words.append(f"--data-parallel-size {layout.dp}")
    if layout.ep > 1:
        words.append("--enable-expert-parallel")
    words.append(f"--max-num-seqs {_each(pool.max_seqs, layout.dp)}")
    words.append(f"--max-num-batched-tokens {_each(pool.max_tokens, layout.dp)}")
    if setup.dtype == "fp8":
        words.append("--quantization fp8")
    if setup.kv_dtype in ("fp8", "int8"):
        words.append(f"--kv-cache-dtype {setup.kv_dtype}")
    if setup.speculation:
        words.append(_DRAFT % setup.speculation.drafts)
    if split:
        config = '{"kv_connector": "NixlConnector", "kv_role": "kv_both"}'
        words.append(f"--kv-transfer-config '{config}'")
    return " ".join(words) + _note(pool)


def sglang(pool: PoolPlan, model: str, split: bool) -> str:
    """``python -m sglang.launch_server``."""
    layout, setup = pool.setup.layout, pool.setup
    words = [f"python -m sglang.launch_server --model-path {model}"]
    words.append(f"--tp-size {layout.tp * layout.dp}")
    if layout.pp > 1:
        words.append(f"--pp-size {layout.pp}")
    if layout.dp > 1:
        words.append(f"--dp-size {layout.dp} --enable-dp-attention")
    if layout.ep > 1:
        words.append(f"--ep-size {layout.ep}")
    words.append(f"--max-running-requests {pool.max_seqs}")
    words.append(f"--chunked-prefill-size {pool.max_tokens}")
    if setup.dtype in ("fp8", "int8"):
        words.append(f"--quantization {'fp8' if setup.dtype == 'fp8' else 'w8a8_int8'}")
    if setup.kv_dtype == "fp8":
        words.append("--kv-cache-dtype fp8_e5m2")
    if setup.speculation:
        words.append(f"--speculative-algorithm NEXTN --speculative-num-steps "
                     f"{setup.speculation.drafts}")  # fmt: skip
    if split:
        words.append(f"--disaggregation-mode {pool.role}")
    return " ".join(words) + _note(pool)


def ours(pool: PoolPlan, model: str, _: bool) -> str:
    """``warpfive serve``."""
    layout, setup = pool.setup.layout, pool.setup
    words = [f"warpfive serve {model} --chip {setup.chip.name}"]
    for name in ("tp", "pp", "dp", "ep"):
        if getattr(layout, name) > 1:
            words.append(f"--{name} {getattr(layout, name)}")
    words += [f"--dtype {setup.dtype}"] * bool(setup.dtype)
    words += [f"--kv-dtype {setup.kv_dtype}"] * bool(setup.kv_dtype)
    if setup.speculation:
        words.append(f"--drafts {setup.speculation.drafts} "
                     f"--acceptance {setup.speculation.acceptance:g}")  # fmt: skip
    words.append(f"--max-seqs {pool.max_seqs} --max-tokens {pool.max_tokens}")
    return " ".join(words) + _note(pool)


def _each(total: int, groups: int) -> int:
    return max(1, -(-total // groups))


def _note(pool: PoolPlan) -> str:
    needs = {"int8": "int8 (w8a8)", "int4": "int4 (w4a16)", "fp4": "fp4"}.get(pool.setup.dtype)
    parts = [pool.setup.chip.name]
    if needs:
        parts.append(f"needs weights in {needs}")
    return f"  # {', '.join(parts)}"


ENGINES: Mapping[str, Callable[[PoolPlan, str, bool], str]] = {
    "vllm": vllm, "sglang": sglang, "warpfive": ours,
}  # fmt: skip
