"""The chip's timeline: spans as the running chip left them, and as Perfetto reads them."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from warpfive.cli.format import short_name
from warpfive.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A kernel, copy or fill on the chip's timeline."""

    kind: str  # kernel, copy, copy in, copy out, set
    stream: int
    start_ns: int
    end_ns: int
    kernel: str = ""
    grid: tuple[int, int, int] = (0, 0, 0)
    block: tuple[int, int, int] = (0, 0, 0)
    bytes: int = 0

    @property
    def name(self) -> str:
        """What a person calls it."""
        return short_name(self.kernel) if self.kernel else self.kind


def read_spans(path: Path) -> list[Span]:
    """Spans that the program's processes left, in the order of their start."""
    if not path.exists():
        return []
    spans = []
    for line in path.read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        for name in ("grid", "block"):
            if name in record:
                record[name] = tuple(record[name])
        spans.append(Span(**record))
    return sorted(spans, key=lambda span: span.start_ns)


def stream_name(stream: int) -> str:
    """The default stream has number 0."""
    return f"stream {stream}" if stream else "default stream"


def trace_events(spans: Sequence[Span], chip: str) -> dict[str, Any]:
    """The trace in the JSON form that Perfetto and chrome://tracing open."""
    streams = sorted({span.stream for span in spans})
    names: Iterable[dict[str, Any]] = (
        {"name": "thread_name", "ph": "M", "pid": 1, "tid": stream,
         "args": {"name": stream_name(stream)}}
        for stream in streams
    )  # fmt: skip
    process = {"name": "process_name", "ph": "M", "pid": 1, "args": {"name": f"{chip}, predicted"}}
    return {
        "traceEvents": [process, *names, *map(_event, spans)],
        "displayTimeUnit": "ns",
        "otherData": {"chip": chip, "source": "warpfive"},
    }


def _event(span: Span) -> dict[str, Any]:
    args: dict[str, Any] = {"bytes": span.bytes} if span.bytes else {}
    if span.kernel:
        args = {"kernel": span.kernel, "grid": list(span.grid), "block": list(span.block)}
    return {
        "name": span.name, "cat": span.kind, "ph": "X", "pid": 1, "tid": span.stream,
        "ts": span.start_ns / 1e3, "dur": (span.end_ns - span.start_ns) / 1e3, "args": args,
    }  # fmt: skip


def write_trace(spans: Sequence[Span], chip: str, path: Path) -> None:
    """Writes the Perfetto trace."""
    try:
        path.write_text(json.dumps(trace_events(spans, chip)) + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}") from error
