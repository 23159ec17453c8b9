"""One replica followed by compiled code: the same numbers as ``follow_plain``, far sooner."""

import ctypes
import functools
import math
from dataclasses import dataclass
from pathlib import Path

from warpfive.cbuild import c_library
from warpfive.perf.load import Load
from warpfive.perf.replica import Wave, lengths
from warpfive.perf.step import LAUNCH_SHARPNESS
from warpfive.perf.table import CURVES, GRID, StepTable

SOURCE = Path(__file__).parent / "native" / "replica.c"
_I64, _REAL = ctypes.c_int64, ctypes.c_double
_REALS = ctypes.POINTER(_REAL)
_ASK = ctypes.CFUNCTYPE(_REAL, ctypes.c_int, _REAL, _REAL)


class _Table(ctypes.Structure):
    _fields_ = [
        ("ask", _ASK), ("grid", _REALS), ("curve", _REALS * len(CURVES)),
        ("points", _I64), ("moe", _I64),
        *((name, _REAL) for name in (
            "dp", "cp", "pp", "chunk_tokens", "prefill_scale", "launches", "sharpness",
            "prefill_s", "token_s", "sequence_s",
        )),
    ]  # fmt: skip


class _Work(ctypes.Structure):
    _fields_ = [
        ("table", ctypes.POINTER(_Table)), ("prefill", ctypes.POINTER(_Table)),
        *((name, _I64) for name in ("count", "users", "slots", "groups", "mixed", "first_only")),
        *((name, _REAL) for name in (
            "capacity", "chunk_tokens", "reserve", "intake_s", "per_step",
        )),
        ("prompt", _REALS), ("wanted", _REALS), ("moved_s", _REALS),
    ]  # fmt: skip


class _Wave(ctypes.Structure):
    _fields_ = [
        ("done", _I64), ("measured", _I64),
        *((name, _REAL) for name in ("ttft", "tpot", "latency", "out", "into")),
        ("firsts", _REALS), ("paces", _REALS), ("first_count", _I64),
    ]  # fmt: skip


class _Result(ctypes.Structure):
    _fields_ = [
        *((name, _REAL) for name in (
            "now", "decode_seconds", "decode_weight", "plain_seconds", "plain_steps",
        )),
        ("crowded", _I64), ("wave", _Wave * 2),
    ]  # fmt: skip


@dataclass(slots=True)
class Account:
    """What following a load leaves."""

    waves: tuple[Wave, Wave]
    now: float
    decode_seconds: float
    decode_weight: float
    plain_seconds: float
    plain_steps: float
    crowded: bool


@functools.cache
def _library() -> ctypes.CDLL:
    library = c_library(SOURCE)
    library.warpfive_replica.restype = ctypes.c_int
    return library


_POINTS = (_REAL * len(GRID))(*GRID)


def _known(table: StepTable) -> _Table:
    """The table as compiled code reads it; what was asked for stays known."""
    if table.compiled is None:
        step, engine = table.step, table.step.engine
        curves = [(_REAL * len(GRID))(*([math.nan] * len(GRID))) for _ in CURVES]
        table.compiled = _Table(
            ask=_ASK(table.ask), grid=_POINTS,
            curve=(_REALS * len(CURVES))(*(ctypes.cast(curve, _REALS) for curve in curves)),
            points=len(GRID), moe=step.model.is_moe,
            dp=step.layout.dp, cp=step.layout.cp, pp=step.layout.pp,
            chunk_tokens=engine.chunk_tokens, prefill_scale=step.prefill_scale,
            launches=step.prefill_launches, sharpness=LAUNCH_SHARPNESS,
            prefill_s=engine.prefill_s, token_s=engine.token_s, sequence_s=engine.sequence_s,
        )  # fmt: skip
        table.compiled.kept = curves
    return table.compiled


@functools.lru_cache(maxsize=512)
def _columns(load: Load, settled: bool) -> tuple[ctypes.Array[_REAL], ctypes.Array[_REAL]]:
    prompts, outputs = lengths(load, settled)
    column = _REAL * len(prompts)
    return column(*prompts), column(*outputs)


def follow_fast(
    table: StepTable, load: Load, capacity: float, slots: int, prefill: StepTable | None = None, *,
    settled: bool, first_only: bool,
) -> Account:  # fmt: skip
    """Follow an instance to the end, or until the first round is over."""
    step, engine = table.step, table.step.engine
    prompts, outputs = _columns(load, settled)
    count, groups = len(prompts), step.layout.dp
    moved = {tokens: step.kv_transfer(tokens) for tokens in set(prompts)} if prefill else {}
    column = _REAL * count
    work = _Work(
        table=ctypes.pointer(_known(table)),
        prefill=ctypes.pointer(_known(prefill)) if prefill else None,
        count=count, users=min(load.concurrency, count), slots=slots, groups=groups,
        mixed=engine.mixed, first_only=first_only, capacity=capacity / groups,
        chunk_tokens=engine.chunk_tokens, reserve=engine.reserve, intake_s=engine.intake_s,
        per_step=step.tokens_per_step, prompt=prompts, wanted=outputs,
        moved_s=column(*(moved[tokens] for tokens in prompts)) if prefill else None,
    )  # fmt: skip
    result, kept = _Result(), [column() for _ in range(4)]
    for index, wave in enumerate(result.wave):
        wave.firsts, wave.paces = kept[2 * index], kept[2 * index + 1]
    if _library().warpfive_replica(ctypes.byref(work), ctypes.byref(result)):
        raise MemoryError(f"{count} requests to follow")
    return Account(
        waves=tuple(_wave(wave) for wave in result.wave), now=result.now,
        decode_seconds=result.decode_seconds, decode_weight=result.decode_weight,
        plain_seconds=result.plain_seconds, plain_steps=result.plain_steps,
        crowded=bool(result.crowded),
    )  # fmt: skip


def _wave(found: _Wave) -> Wave:
    wave = Wave()
    for name in ("done", "measured", "ttft", "tpot", "latency", "out", "into"):
        setattr(wave, name, getattr(found, name))
    wave.firsts, wave.paces = found.firsts[: found.first_count], found.paces[: found.measured]
    return wave
