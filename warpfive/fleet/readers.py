"""Public trace formats. A malformed line is refused with its file and number.

==========  ===========================================================================
mooncake    JSON lines: timestamp (ms), input_length, output_length, hash_ids (512 tokens)
azure       CSV: TIMESTAMP, ContextTokens, GeneratedTokens (2023, 2024 and 2025 releases)
burstgpt    CSV: Timestamp (s), Request tokens, Response tokens; failed rows are left out
servegen    CSV that ServeGen saves (timestamp, input_tokens, output_tokens), or a folder of its
            chunk-*-trace.csv and chunk-*-dataset.json, from which requests are drawn
vllm        JSON result of ``vllm bench serve --save-result --save-detailed``
==========  ===========================================================================
"""

import ast
import csv
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from warpfive.errors import InputError
from warpfive.fleet.trace import Trace, make_trace

MOONCAKE_BLOCK = 512
"""Tokens of a hashed block in Mooncake's traces."""
SERVEGEN_SPAN_S = 600.0
"""Seconds drawn from a ServeGen folder."""


def read_trace(path: Path, form: str = "") -> Trace:
    """Read a trace file; the format is told from its first line unless given."""
    if form and form not in FORMATS:
        raise InputError(f"trace format {form!r}: unknown; known: {', '.join(FORMATS)}")
    if not path.exists():
        raise InputError(f"{path}: no such trace file")
    trace = FORMATS[form or _detect(path)](path)
    return trace


def _detect(path: Path) -> str:
    if path.is_dir():
        return "servegen"
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        first = file.readline()
    if "ContextTokens" in first:
        return "azure"
    if "Request tokens" in first:
        return "burstgpt"
    if "input_tokens" in first and "," in first and not first.lstrip().startswith("{"):
        return "servegen"
    if path.suffix == ".jsonl" or ('"timestamp"' in first and first.rstrip().endswith("}")):
        return "mooncake"
    if first.lstrip().startswith("{"):
        return "vllm"
    raise InputError(
        f"{path}:1: not a known trace format; known: {', '.join(FORMATS)}; "
        "name one as in azure:FILE"
    )


# -- JSON lines ---------------------------------------------------------------------------


def read_mooncake(path: Path) -> Trace:
    """Mooncake's traces and those that follow its format."""
    times, prompts, outputs, hashes = [], [], [], []
    for where, line in _lines(path):
        try:
            row = json.loads(line)
        except ValueError:
            raise InputError(f"{where}: not a line of JSON") from None
        if not isinstance(row, dict):
            raise InputError(f"{where}: must be a JSON object")
        times.append(_amount(where, row, ("timestamp", "created_time"), least=0.0) / 1e3)
        prompts.append(int(_amount(where, row, ("input_length", "input_tokens"), least=1)))
        outputs.append(int(_amount(where, row, ("output_length", "output_tokens"), least=1)))
        hashes.append(_hash_ids(where, row, prompts[-1]))
    known = any(hashes)
    return _made(
        path, times, prompts, outputs, hashes=hashes if known else (),
        hash_tokens=MOONCAKE_BLOCK if known else 0,
    )  # fmt: skip


def _hash_ids(where: str, row: dict, prompt: int) -> list[int]:
    ids = row.get("hash_ids", [])
    if not isinstance(ids, list) or not all(isinstance(item, int) for item in ids):
        raise InputError(f"{where}: hash_ids must be a list of integers")
    if ids and len(ids) < prompt // MOONCAKE_BLOCK:
        raise InputError(
            f"{where}: {len(ids)} hash_ids for {prompt} tokens; one for each "
            f"{MOONCAKE_BLOCK} tokens is needed"
        )
    return ids


# -- CSV ----------------------------------------------------------------------------------


def read_azure(path: Path) -> Trace:
    """Azure's LLM inference traces."""
    columns = ("TIMESTAMP", "ContextTokens", "GeneratedTokens")
    times, prompts, outputs = [], [], []
    for where, row in _rows(path, columns):
        times.append(_instant(where, row["TIMESTAMP"]))
        prompts.append(int(_amount(where, row, ("ContextTokens",), least=0)) or 1)
        outputs.append(int(_amount(where, row, ("GeneratedTokens",), least=0)) or 1)
    return _made(path, times, prompts, outputs)


def _instant(where: str, text: str) -> float:
    """Seconds of a timestamp whose fraction may have seven digits."""
    head, dot, tail = text.strip().partition(".")
    zone = next((tail[i:] for i, letter in enumerate(tail) if not letter.isdigit()), "")
    digits = tail[: len(tail) - len(zone)]
    try:
        whole = datetime.fromisoformat(head + zone if dot else text.strip())
    except ValueError:
        raise InputError(f"{where}: TIMESTAMP {text!r} is no date and time") from None
    return whole.timestamp() + (float("0." + digits) if digits else 0.0)


def read_burstgpt(path: Path) -> Trace:
    """BurstGPT's releases; rows whose response failed have 0 tokens and are left out."""
    columns = ("Timestamp", "Request tokens", "Response tokens")
    times, prompts, outputs = [], [], []
    for where, row in _rows(path, columns):
        at = _amount(where, row, ("Timestamp",), least=0.0)
        prompt = int(_amount(where, row, ("Request tokens",), least=0))
        output = int(_amount(where, row, ("Response tokens",), least=0))
        if prompt and output:
            times.append(at)
            prompts.append(prompt)
            outputs.append(output)
    return _made(path, times, prompts, outputs)


def read_servegen(path: Path) -> Trace:
    """A CSV of ServeGen's requests, or its folder of clients."""
    if path.is_dir():
        return draw_servegen(path)
    times, prompts, outputs = [], [], []
    for where, row in _rows(path, ("timestamp", "input_tokens", "output_tokens")):
        times.append(_amount(where, row, ("timestamp",), least=0.0))
        prompts.append(int(_amount(where, row, ("input_tokens",), least=0)) or 1)
        outputs.append(int(_amount(where, row, ("output_tokens",), least=0)) or 1)
    return _made(path, times, prompts, outputs)


def draw_servegen(folder: Path, start_s: float = 0.0, seed: int = 0) -> Trace:
    """Requests of ten minutes drawn from the clients of a ServeGen folder."""
    rng = np.random.default_rng(seed)
    times: list[float] = []
    prompts: list[int] = []
    outputs: list[int] = []
    for file in sorted(folder.glob("chunk-*-trace.csv")):
        data = file.with_name(file.name.replace("-trace.csv", "-dataset.json"))
        window = _servegen_window(file, start_s)
        if window is None:
            continue
        rate, cv = window
        mine = _servegen_arrivals(rate, cv, rng)
        lengths = _servegen_lengths(data, start_s)
        times += mine.tolist()
        prompts += rng.choice(lengths[0][0], len(mine), p=lengths[0][1]).tolist()
        outputs += rng.choice(lengths[1][0], len(mine), p=lengths[1][1]).tolist()
    if not times:
        raise InputError(f"{folder}: no client of chunk-*-trace.csv sends anything")
    return _made(folder, times, [max(1, n) for n in prompts], [max(1, n) for n in outputs])


def _servegen_window(file: Path, start_s: float) -> tuple[float, float] | None:
    """Rate and variation of a client in the window that holds ``start_s``."""
    found = None
    for where, line in _lines(file):
        parts = line.split(",")
        try:
            begin, rate, cv = (float(part) for part in parts[:3])
        except ValueError:
            raise InputError(f"{where}: must begin with start, rate, cv") from None
        if begin <= start_s:
            found = (rate, max(cv, 0.05)) if rate > 0 else None
    return found


def _servegen_arrivals(rate: float, cv: float, rng: np.random.Generator) -> np.ndarray:
    count = int(rate * SERVEGEN_SPAN_S + 4 * cv * np.sqrt(rate * SERVEGEN_SPAN_S)) + 8
    times = rng.gamma(1 / cv**2, cv**2 / rate, count).cumsum()
    return times[times < SERVEGEN_SPAN_S]


def _servegen_lengths(file: Path, start_s: float) -> list[tuple[np.ndarray, np.ndarray]]:
    """Values and chances of prompt and output lengths, in the last window begun."""
    try:
        windows = json.loads(file.read_text(encoding="utf-8"))
        begun = [key for key in windows if float(key) <= start_s] or list(windows)[:1]
        row = windows[max(begun, key=float)]
        return [_chances(row[name]) for name in ("input_tokens", "output_tokens")]
    except (OSError, ValueError, KeyError, TypeError, SyntaxError) as error:
        raise InputError(f"{file}:1: no ServeGen length distributions ({error})") from None


def _chances(given: Any) -> tuple[np.ndarray, np.ndarray]:
    table = ast.literal_eval(given) if isinstance(given, str) else given
    pairs = table.items() if isinstance(table, Mapping) else enumerate(table)
    values, weights = zip(*((int(float(key)), float(value)) for key, value in pairs), strict=True)
    return np.array(values), np.array(weights) / sum(weights)


# -- JSON ---------------------------------------------------------------------------------


def read_vllm(path: Path) -> Trace:
    """A detailed result of vLLM's serving benchmark."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise InputError(f"{path}:{error.lineno}: not JSON: {error.msg}") from None
    prompts, outputs = data.get("input_lens"), data.get("output_lens")
    if not prompts or not outputs or len(prompts) != len(outputs):
        raise InputError(
            f"{path}:1: no input_lens and output_lens of equal length; "
            "save the benchmark with --save-detailed"
        )
    times = data.get("start_times")
    if not times:
        times = _spread(data, len(prompts))
    kept = [place for place, count in enumerate(outputs) if count and prompts[place]]
    return _made(
        path, [times[i] for i in kept], [prompts[i] for i in kept], [outputs[i] for i in kept]
    )


def _spread(data: Mapping[str, object], count: int) -> list[float]:
    """Evenly spaced arrivals at the rate the benchmark was asked for; all at once without one."""
    rate = data.get("request_rate", "inf")
    pace = 0.0 if rate in ("inf", None) else 1 / float(str(rate))
    return [pace * place for place in range(count)]


FORMATS: Mapping[str, Callable[[Path], Trace]] = {
    "mooncake": read_mooncake, "azure": read_azure, "burstgpt": read_burstgpt,
    "servegen": read_servegen, "vllm": read_vllm,
}  # fmt: skip


# -- shared -------------------------------------------------------------------------------


def _made(path: Path, times: list, prompts: list, outputs: list, **more: Any) -> Trace:
    if not times:
        raise InputError(f"{path}: holds no request")
    return make_trace(times, prompts, outputs, name=path.name, **more)


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    """Each line that is not blank, with its place for messages."""
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                yield f"{path}:{number}", line.strip()


def _rows(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[str, dict[str, str]]]:
    """Each row of a CSV with a header, as a dictionary of the columns."""
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        reader = csv.reader(file)
        header = [name.strip() for name in next(reader, [])]
        missing = [name for name in columns if name not in header]
        if missing:
            raise InputError(f"{path}:1: no column {missing[0]!r}; has {', '.join(header)}")
        for row in reader:
            if not any(cell.strip() for cell in row):
                continue
            where = f"{path}:{reader.line_num}"
            if len(row) != len(header):
                raise InputError(f"{where}: {len(row)} cells where the header has {len(header)}")
            yield where, dict(zip(header, row, strict=True))


def _amount(where: str, row: Mapping, names: tuple[str, ...], least: float) -> float:
    """The first of the named values, as a number of at least ``least``."""
    name = next((item for item in names if item in row), None)
    if name is None:
        raise InputError(f"{where}: no {names[0]}")
    try:
        value = float(row[name])
    except (TypeError, ValueError):
        raise InputError(f"{where}: {name} {row[name]!r} is not a number") from None
    if not value >= least or value > 1e15:
        raise InputError(f"{where}: {name} {row[name]} must be at least {least:g}")
    return value
