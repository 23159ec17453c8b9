"""The fast simulation: the same decisions as the plain one, on arrays, in compiled code."""

import ctypes

import numpy as np

from warpfive.engine import EngineConfig, blocks_for
from warpfive.errors import InputError
from warpfive.fleet.cost import StepCost
from warpfive.fleet.native import library
from warpfive.fleet.result import Outcome, ReplicaStats
from warpfive.fleet.router import ROUTERS, router
from warpfive.fleet.trace import PS, Trace

_I64, _PTR = ctypes.c_int64, ctypes.c_void_p
_FAILED = {1: "work is left that cannot run", 2: "out of host memory"}


class _Class(ctypes.Structure):
    _fields_ = [
        *((name, _I64) for name in (
            "kv_blocks", "block_tokens", "max_seqs", "max_tokens", "chunked", "prefix_cache",
            "is_static", "watermark_blocks",
        )),
        ("decode_ps", _PTR), ("mixed_ps", _PTR), ("seat_ps", _PTR),
        *((name, _I64) for name in ("mixed_len", "tail_ps", "pair_fs", "context_ps")),
    ]  # fmt: skip


class _Work(ctypes.Structure):
    _fields_ = [
        ("count", _I64),
        *((name, _PTR) for name in (
            "arrival_ps", "rank", "hash_at", "prompt", "output", "ready", "priority", "hash",
        )),
        ("hash_ids", _I64),
        *((name, _PTR) for name in (
            "first_ps", "finish_ps", "computed", "made", "hit", "preempted", "replica", "owned",
        )),
    ]  # fmt: skip


def simulate(
    trace: Trace,
    config: EngineConfig,
    cost: StepCost,
    *,
    replicas: int = 1,
    routing: str = "round_robin",
    clients: int = 0,
) -> Outcome:
    """Simulate a trace; the same numbers as ``simulate_plain``, some thousand times sooner.

    ``clients`` above 0 closes the loop: so many clients a replica, each sending its next request
    when its last has finished; arrival times are then ignored.
    """
    check_work(trace, config, replicas)
    check_tables(config, cost)
    router(routing)
    columns = _columns(trace, config)
    stats = np.zeros((replicas, 5), dtype=np.int64)
    keep = [np.ascontiguousarray(table) for table in (cost.decode_ps, cost.mixed_ps, cost.seat_ps)]
    class_ = _class(config, cost, keep)
    work = _Work(
        count=len(trace),
        hash_ids=trace.hash_ids,
        **{name: column.ctypes.data for name, column in columns.items()},
    )
    failed = library().warpfive_simulate(
        ctypes.byref(class_), ctypes.byref(work), _I64(replicas),
        _I64(list(ROUTERS).index(routing)), _I64(clients), _PTR(stats.ctypes.data),
    )  # fmt: skip
    assert not failed, _FAILED.get(failed, "unknown")
    return _outcome(trace, columns, stats)


def check_work(trace: Trace, config: EngineConfig, replicas: int) -> None:
    """Refuse what neither simulation could serve."""
    if replicas < 1:
        raise InputError(f"replicas = {replicas}: must be at least 1")
    longest = trace.prompt.astype(np.int64) + trace.output
    worst = int(longest.argmax())
    if longest[worst] > config.longest:
        raise InputError(
            f"request {worst}: {trace.prompt[worst]} prompt and {trace.output[worst]} output "
            f"tokens exceed the {config.longest} this engine holds; shorten it or add KV memory"
        )
    if trace.hash_tokens and config.prefix_cache and trace.hash_tokens != config.block_tokens:
        raise InputError(
            f"{trace.name}: hashes blocks of {trace.hash_tokens} tokens but the engine's hold "
            f"{config.block_tokens}; set block_tokens = {trace.hash_tokens}"
        )


def check_tables(config: EngineConfig, cost: StepCost) -> None:
    """Refuse an engine that could form batches beyond the step times known."""
    known = min(len(cost.decode_ps), len(cost.seat_ps)) - 1
    if config.max_seqs > known:
        raise InputError(
            f"max_seqs = {config.max_seqs}: step times are known for at most {known} sequences"
        )


def _class(config: EngineConfig, cost: StepCost, tables: list[np.ndarray]) -> _Class:
    return _Class(
        kv_blocks=config.kv_blocks, block_tokens=config.block_tokens, max_seqs=config.max_seqs,
        max_tokens=config.max_tokens, chunked=config.chunked_prefill,
        prefix_cache=config.prefix_cache, is_static=config.batching == "static",
        watermark_blocks=config.watermark_blocks,
        decode_ps=tables[0].ctypes.data, mixed_ps=tables[1].ctypes.data,
        seat_ps=tables[2].ctypes.data, mixed_len=len(tables[1]),
        tail_ps=cost.tail_ps, pair_fs=cost.pair_fs, context_ps=cost.context_ps,
    )  # fmt: skip


def _columns(trace: Trace, config: EngineConfig) -> dict[str, np.ndarray]:
    """The arrays the compiled code reads and writes."""
    count = len(trace)

    def zeros(kind: type) -> np.ndarray:
        return np.zeros(count, dtype=kind)

    def as_(column: np.ndarray, kind: type) -> np.ndarray:
        return np.ascontiguousarray(column, dtype=kind)

    columns = {
        "arrival_ps": np.array(trace.arrival_ps, dtype=np.int64),
        "rank": _ranks(trace, config.policy),
        "hash_at": as_(trace.hash_at, np.int64),
        "prompt": as_(trace.prompt, np.int32), "output": as_(trace.output, np.int32),
        "ready": as_(trace.ready, np.int32), "priority": as_(trace.priority, np.int32),
        "hash": as_(trace.hash, np.int32),
        "owned": np.zeros(len(trace.hash) + 1, dtype=np.uint8),
        "computed": np.array(trace.ready, dtype=np.int32),
    }  # fmt: skip
    columns |= {name: zeros(np.int64) for name in ("first_ps", "finish_ps")}
    columns |= {name: zeros(np.int32) for name in ("made", "hit", "preempted", "replica")}
    return columns


def _ranks(trace: Trace, policy: str) -> np.ndarray:
    """Place of each request in the order of service; ``engine.policy`` in one array."""
    keys = {"fcfs": (trace.arrival_ps,), "shortest": (trace.arrival_ps, trace.prompt)}[policy]
    ranks = np.empty(len(trace), dtype=np.int64)
    ranks[np.lexsort((np.arange(len(trace)), *keys, trace.priority))] = np.arange(len(trace))
    return ranks


def _outcome(trace: Trace, columns: dict[str, np.ndarray], stats: np.ndarray) -> Outcome:
    rows = tuple(
        ReplicaStats(
            steps=int(row[0]), busy_s=row[1] / PS, peak_blocks=int(row[2]), tokens=int(row[3]),
            preemptions=int(row[4]),
        )
        for row in stats
    )  # fmt: skip
    return Outcome(
        trace=trace, arrival_ps=columns["arrival_ps"], first_ps=columns["first_ps"],
        finish_ps=columns["finish_ps"], hit_tokens=columns["hit"],
        preemptions=columns["preempted"], replica=columns["replica"], replicas=rows,
    )  # fmt: skip


def kv_blocks(tokens: int, block_tokens: int) -> int:
    """Whole blocks in a KV memory of ``tokens`` tokens."""
    return max(1, blocks_for(tokens - block_tokens + 1, block_tokens))
