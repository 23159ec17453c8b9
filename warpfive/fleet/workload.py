"""Workloads by description: lengths, arrivals, shared prefixes, conversations.

chat                                 a named one, see ``NAMED``
input=4096,output=1024               fixed lengths
input=1155~0.9,output=200-400        mean~cv (log-normal), or low-high (uniform)
input=1024,output=256,arrival=gamma,cv=2,prefix=512x8,turns=3,think=20
trace.jsonl, azure:conv.csv          a trace file, see ``readers``
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np

from warpfive.errors import InputError
from warpfive.fleet.trace import PS, Trace, make_trace

ARRIVALS = ("poisson", "gamma", "burst", "even", "together")
HASH_TOKENS = 64
"""Tokens of a hashed block in generated workloads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lengths:
    """A distribution of token counts: fixed, uniform or log-normal."""

    mean: float
    cv: float = 0.0
    """Standard deviation over mean of a log-normal; 0 for fixed."""
    low: int = 0
    high: int = 0
    """Ends of a uniform distribution, where above 0."""

    def draw(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """``count`` lengths, each at least 1."""
        values: np.ndarray
        if self.high:
            values = rng.integers(self.low, self.high + 1, count)
        elif self.cv:
            spread = np.log1p(self.cv**2)
            values = rng.lognormal(np.log(self.mean) - spread / 2, np.sqrt(spread), count)
            values = np.minimum(values, 16 * self.mean)
        else:
            values = np.full(count, self.mean)
        return np.maximum(1, np.round(values)).astype(np.int32)


def parse_lengths(text: str, what: str) -> Lengths:
    """Read ``4096``, ``1155~0.9`` or ``200-400``."""
    try:
        if "~" in text:
            mean, cv = (float(part) for part in text.split("~"))
            found = Lengths(mean=mean, cv=cv)
        elif "-" in text[1:]:
            low, high = (int(part) for part in text.split("-"))
            found = Lengths(mean=(low + high) / 2, low=low, high=high)
        else:
            found = Lengths(mean=float(int(text)))
    except ValueError:
        found = Lengths(mean=0)
    if found.mean < 1 or found.cv < 0 or (found.high and not 1 <= found.low <= found.high):
        raise InputError(
            f"{what}={text}: must be tokens such as 4096, mean~cv such as 1155~0.9, "
            "or low-high such as 200-400"
        )
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """What users send, without how fast."""

    input: Lengths
    """New prompt tokens of a turn, beside the shared prefix and what was said before."""
    output: Lengths
    arrival: str = "poisson"
    cv: float = 1.0
    """Standard deviation over mean of the gaps between gamma arrivals."""
    prefix_tokens: int = 0
    """Leading prompt tokens shared within a group (system prompt, tools, document)."""
    prefix_groups: int = 1
    turns: int = 1
    """Turns of a conversation; each prompt holds all that was said before."""
    think_s: float = 20.0
    """Pause between two turns."""
    name: str = "workload"

    def __post_init__(self) -> None:
        if self.arrival not in ARRIVALS:
            raise InputError(f"arrival={self.arrival}: unknown; known: {', '.join(ARRIVALS)}")
        if self.cv <= 0 or self.think_s < 0:
            raise InputError(f"cv={self.cv:g}, think={self.think_s:g}: must be above 0")
        if min(self.turns, self.prefix_groups) < 1 or self.prefix_tokens < 0:
            raise InputError(
                f"turns={self.turns}, prefix={self.prefix_tokens}x{self.prefix_groups}: "
                "counts must be at least 1"
            )

    def trace(self, requests: int, rate: float, seed: int = 0) -> Trace:
        """``requests`` requests at ``rate`` per second on average."""
        if requests < 1 or rate <= 0:
            raise InputError(f"{requests} requests at {rate}/s: both must be above 0")
        rng = np.random.default_rng(seed)
        settle_s = 1.5 * (self.turns - 1) * self.think_s
        talks = math.ceil((requests + 1.2 * rate * settle_s) / self.turns)
        starts = arrivals(self.arrival, talks, rate / self.turns, self.cv, rng)
        if self.turns == 1 and not self.prefix_tokens:
            return make_trace(
                starts, self.input.draw(talks, rng), self.output.draw(talks, rng), name=self.name
            )
        return self._talks(starts, requests, settle_s, rng)

    def _talks(
        self, starts: np.ndarray, requests: int, settle_s: float, rng: np.random.Generator
    ) -> Trace:
        """Conversations whose blocks are known, so that a prefix cache can find them.

        The first ``settle_s`` are left out: by then as many conversations are under way as later.
        """
        talks, turns = len(starts), self.turns
        new = self.input.draw(talks * turns, rng).reshape(talks, turns)
        said = self.output.draw(talks * turns, rng).reshape(talks, turns)
        before = np.cumsum(new + said, axis=1) - new - said
        prompt = self.prefix_tokens + before + new
        pauses = rng.exponential(max(self.think_s, 1e-9), (talks, turns))
        pauses[:, 0] = 0.0
        at = starts[:, None] + np.cumsum(pauses, axis=1)
        group = rng.integers(0, self.prefix_groups, talks)
        order = np.argsort(at.ravel(), kind="stable")
        late = max(0, len(order) - requests)
        first = min(late, int(np.searchsorted(at.ravel()[order], starts[0] + settle_s)))
        order = order[first : first + requests]
        lengths = prompt.ravel()[order]
        hash_at, ids = self._blocks(order // turns, group, lengths)
        return Trace(
            arrival_ps=np.round((at.ravel()[order] - at.ravel()[order[0]]) * PS).astype(np.int64),
            prompt=lengths.astype(np.int32), output=said.ravel()[order].astype(np.int32),
            hash_at=hash_at, hash=ids, hash_tokens=HASH_TOKENS, name=self.name,
        )  # fmt: skip

    def _blocks(
        self, talk: np.ndarray, group: np.ndarray, prompt: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Block ids of each prompt: first its group's prefix, then its conversation's own."""
        counts = prompt // HASH_TOKENS
        hash_at = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        place = np.arange(hash_at[-1]) - np.repeat(hash_at[:-1], counts)
        shared = self.prefix_tokens // HASH_TOKENS
        most = int(counts.max()) + 1
        of_group = np.repeat(group[talk] * shared, counts) + place
        of_talk = np.repeat(self.prefix_groups * shared + talk * most, counts) + place
        return hash_at, np.where(place < shared, of_group, of_talk).astype(np.int32)

    @property
    def mean_prompt(self) -> float:
        """Mean prompt tokens of a request."""
        return self.prefix_tokens + self.input.mean + self.mean_before

    @property
    def mean_before(self) -> float:
        """Mean tokens of earlier turns in a prompt."""
        return (self.turns - 1) / 2 * (self.input.mean + self.output.mean)

    @property
    def reusable(self) -> float:
        """Share of prompt tokens that an ample prefix cache would supply."""
        later = self.mean_before / self.mean_prompt if self.turns > 1 else 0.0
        return min(1.0, later + self.prefix_tokens / self.mean_prompt)


def arrivals(kind: str, count: int, rate: float, cv: float, rng: np.random.Generator) -> np.ndarray:
    """Seconds at which ``count`` requests arrive, ``rate`` per second on average."""
    if kind == "together":
        return np.zeros(count)
    if kind == "even":
        return np.arange(count) / rate
    if kind == "gamma":
        return rng.gamma(1 / cv**2, cv**2 / rate, count).cumsum()
    gaps = rng.exponential(1 / rate, count)
    if kind == "burst":
        gaps = gaps * _burst_pace(count, rng)
    return gaps.cumsum()


def _burst_pace(count: int, rng: np.random.Generator) -> np.ndarray:
    """Gaps' factors: runs of about 50 requests, one in three five times as fast."""
    runs = rng.random(count // 50 + 1) < 1 / 3
    pace = np.repeat(np.where(runs, 0.2, 1.4), 50)[:count]
    return pace / pace.mean()


NAMED: Mapping[str, Workload] = {
    "chat": Workload(
        input=Lengths(mean=1155, cv=0.95), output=Lengths(mean=211, cv=0.75), name="chat"
    ),
    "code": Workload(
        input=Lengths(mean=2048, cv=0.9), output=Lengths(mean=28, cv=1.5), name="code"
    ),
    "talk": Workload(
        input=Lengths(mean=180, cv=1.0), output=Lengths(mean=260, cv=0.8), prefix_tokens=512,
        prefix_groups=8, turns=5, think_s=30.0, name="talk",
    ),
    "reason": Workload(
        input=Lengths(mean=600, cv=1.0), output=Lengths(mean=4000, cv=0.7), name="reason"
    ),
    "document": Workload(
        input=Lengths(mean=12000, cv=0.8), output=Lengths(mean=350, cv=0.8), name="document"
    ),
    "agent": Workload(
        input=Lengths(mean=900, cv=1.0), output=Lengths(mean=150, cv=1.0), prefix_tokens=4096,
        prefix_groups=4, turns=10, think_s=5.0, name="agent",
    ),
}  # fmt: skip
"""``chat`` and ``code`` have the mean lengths of the Azure 2023 traces; the others are ours."""


def parse_workload(text: str) -> Workload | Trace:
    """A named workload, a description, or a trace file."""
    from warpfive.fleet.readers import FORMATS, read_trace

    if text in NAMED:
        return NAMED[text]
    head, colon, tail = text.partition(":")
    if colon and head in FORMATS:
        return read_trace(Path(tail), head)
    if "=" in text and not Path(text).exists():
        return _described(text)
    if Path(text).exists() or "." in text or "/" in text:
        return read_trace(Path(text))
    raise InputError(
        f"workload {text!r}: unknown; known: {', '.join(NAMED)}, a description such as "
        "input=4096,output=1024, or a trace file"
    )


_KEYS = ("input", "output", "arrival", "cv", "prefix", "turns", "think")


def _described(text: str) -> Workload:
    given: dict[str, str] = {}
    for item in text.split(","):
        key, _, value = item.partition("=")
        if key not in _KEYS or not value:
            raise InputError(f"workload {text!r}: {item!r} is no key=value of {', '.join(_KEYS)}")
        given[key] = value
    if "input" not in given or "output" not in given:
        raise InputError(f"workload {text!r}: must give input= and output= tokens")
    groups = given.get("prefix", "0x1").partition("x")
    return Workload(
        input=parse_lengths(given["input"], "input"),
        output=parse_lengths(given["output"], "output"),
        arrival=given.get("arrival", "poisson"),
        cv=_number(given, "cv", 1.0),
        prefix_tokens=int(_number({"prefix": groups[0]}, "prefix", 0)),
        prefix_groups=int(_number({"prefix": groups[2] or "1"}, "prefix", 1)),
        turns=int(_number(given, "turns", 1)),
        think_s=_number(given, "think", 20.0),
        name=text,
    )


def _number(given: Mapping[str, str], key: str, default: float) -> float:
    try:
        return float(given.get(key, default))
    except ValueError:
        raise InputError(f"{key}={given[key]}: is not a number") from None


def as_dict(workload: Workload) -> dict:
    """The fields by name, for ``--json``."""
    flat = {field.name: getattr(workload, field.name) for field in fields(workload)}
    for key in ("input", "output"):
        flat[key] = {"mean": flat[key].mean, "cv": flat[key].cv}
    return flat


def single_turn(workload: Workload) -> Workload:
    """The same lengths of prompt, none shared: what an engine without prefix cache sees."""
    return replace(
        workload,
        input=replace(workload.input, mean=workload.mean_prompt, low=0, high=0),
        prefix_tokens=0,
        turns=1,
    )
