"""A workload as columns: when each request arrives and how long it is."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from warpfive.errors import InputError

PS = 1e12
"""Picoseconds in a second; the simulation's clock counts whole picoseconds."""

LONGEST_S = 100 * 86_400.0
"""Longest trace: picoseconds in 64 bits reach a little further."""


def _none() -> np.ndarray:
    return np.zeros(0, dtype=np.int32)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trace:
    """Requests in order of arrival, one entry of every column each."""

    arrival_ps: np.ndarray
    """Picoseconds from the start, ascending."""
    prompt: np.ndarray
    """Prompt tokens."""
    output: np.ndarray
    """Output tokens."""
    priority: np.ndarray = field(default_factory=_none)
    """Lower is served first; empty for all 0."""
    ready: np.ndarray = field(default_factory=_none)
    """Prompt tokens whose KV comes with the request; empty for none."""
    hash_at: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    """Where each request's blocks begin in ``hash``; one entry more than requests, or empty."""
    hash: np.ndarray = field(default_factory=_none)
    """Ids from 0 of the full prompt blocks; equal ids mean equal prefixes."""
    hash_tokens: int = 0
    """Tokens of a hashed block; 0 without hashes."""
    name: str = "trace"

    def __post_init__(self) -> None:
        count = len(self.arrival_ps)
        if not count:
            raise InputError(f"{self.name}: holds no request")
        zeros = np.zeros(count, dtype=np.int32)
        for column in ("priority", "ready"):
            if not len(getattr(self, column)):
                object.__setattr__(self, column, zeros)
        if not len(self.hash_at):
            object.__setattr__(self, "hash_at", np.zeros(count + 1, dtype=np.int64))
        if np.any(np.diff(self.arrival_ps) < 0):
            raise InputError(f"{self.name}: arrivals must be in order of time")

    def __len__(self) -> int:
        return len(self.arrival_ps)

    @property
    def hash_ids(self) -> int:
        """How many different blocks there are."""
        return int(self.hash.max()) + 1 if len(self.hash) else 0

    @property
    def span_s(self) -> float:
        """Seconds from the first arrival to the last."""
        return float(self.arrival_ps[-1] - self.arrival_ps[0]) / PS

    @property
    def rate(self) -> float:
        """Mean requests per second."""
        return (len(self) - 1) / self.span_s if self.span_s > 0 else float("inf")

    @property
    def tokens(self) -> int:
        """Prompt and output tokens of all requests."""
        return int(self.prompt.sum(dtype=np.int64) + self.output.sum(dtype=np.int64))

    def at_rate(self, rate: float) -> "Trace":
        """The same requests, arriving so much faster or slower that they average ``rate``/s."""
        if rate <= 0:
            raise InputError(f"rate {rate}: must be above 0 requests per second")
        if self.span_s <= 0:
            return self
        _check_span("trace", (len(self) - 1) / rate)
        scaled = np.round((self.arrival_ps - self.arrival_ps[0]) * (self.rate / rate))
        return replace(self, arrival_ps=scaled.astype(np.int64))

    def head(self, count: int) -> "Trace":
        """The first ``count`` requests."""
        return self.take(np.arange(min(count, len(self))))

    def take(self, rows: np.ndarray) -> "Trace":
        """Some of the requests, in the order given."""
        spans = [self.hash[self.hash_at[row] : self.hash_at[row + 1]] for row in rows]
        sizes = np.cumsum([0, *(len(span) for span in spans)], dtype=np.int64)
        return replace(
            self,
            arrival_ps=self.arrival_ps[rows],
            prompt=self.prompt[rows],
            output=self.output[rows],
            priority=self.priority[rows],
            ready=self.ready[rows],
            hash_at=sizes,
            hash=np.concatenate(spans) if spans else _none(),
        )

    def repeated(self, count: int) -> "Trace":
        """At least ``count`` requests: the trace again and again, with prefixes of its own."""
        times = -(-count // len(self))
        if times <= 1:
            return self
        gap_ps = round(self.span_s / max(1, len(self) - 1) * PS)
        shift = np.arange(times) * (int(self.arrival_ps[-1] - self.arrival_ps[0]) + gap_ps)
        tiled: dict[str, Any] = {
            name: np.tile(getattr(self, name), times)
            for name in ("prompt", "output", "priority", "ready")
        }
        starts = self.hash_at[:-1] + np.arange(times)[:, None] * len(self.hash)
        hashes = self.hash + np.arange(times, dtype=np.int32)[:, None] * self.hash_ids
        return replace(
            self,
            arrival_ps=(self.arrival_ps + shift[:, None]).ravel(),
            hash_at=np.append(starts.ravel(), times * len(self.hash)),
            hash=hashes.ravel().astype(np.int32),
            **tiled,
        )

    def without_prefixes(self) -> "Trace":
        """The same requests, none of which shares a prefix."""
        return replace(
            self, hash_at=np.zeros(len(self) + 1, dtype=np.int64), hash=_none(), hash_tokens=0
        )


def make_trace(
    arrival_s: ArrayLike,
    prompt: ArrayLike,
    output: ArrayLike,
    *,
    priority: Sequence[int] = (),
    hashes: Sequence[Sequence[int]] = (),
    hash_tokens: int = 0,
    name: str = "trace",
) -> Trace:
    """A trace from rows in any order; hashes are any integers, cut to full blocks.

    >>> make_trace([0.5, 0.0], [100, 200], [10, 20]).prompt.tolist()
    [200, 100]
    """
    seconds = np.asarray(arrival_s, dtype=float)
    order = np.argsort(seconds, kind="stable")
    seconds = seconds[order] - (seconds.min() if len(seconds) else 0.0)
    _check_span(name, float(seconds[-1]) if len(seconds) else 0.0)
    columns: dict[str, Any] = {
        "arrival_ps": np.round(seconds * PS).astype(np.int64),
        "prompt": np.asarray(prompt, dtype=np.int32)[order],
        "output": np.asarray(output, dtype=np.int32)[order],
    }
    if len(priority):
        columns["priority"] = np.asarray(priority, dtype=np.int32)[order]
    if hash_tokens and len(hashes):
        full = columns["prompt"] // hash_tokens
        rows = [list(hashes[old])[: full[new]] for new, old in enumerate(order)]
        columns["hash_at"] = np.cumsum([0, *(len(row) for row in rows)], dtype=np.int64)
        flat = np.asarray([item for row in rows for item in row], dtype=np.int64)
        columns["hash"] = np.unique(flat, return_inverse=True)[1].astype(np.int32)
    return Trace(**columns, hash_tokens=hash_tokens if "hash" in columns else 0, name=name)


def _check_span(name: str, seconds: float) -> None:
    if seconds > LONGEST_S:
        raise InputError(
            f"{name}: spans {seconds / 86_400:.0f} days; the clock holds 100, simulate a part of it"
        )
