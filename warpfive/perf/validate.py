"""Predictions against measured rows, and the causes of what is left out."""

import csv
import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from warpfive.errors import InputError
from warpfive.perf.bands import KINDS, band
from warpfive.perf.predict import Predictor
from warpfive.perf.rows import COLUMNS, Case, read_case

SHIPPED = Path(__file__).parent / "data" / "serving_rows.csv"

FEW = 10
"""Rows from which on a metric that is not predicted is named by itself, where that many are not."""

OPTIONAL = ("tier", "precision", "chips", "setup", "source", "section", "notes")
"""Columns a user's file may leave out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One predicted row."""

    case: Case
    predicted: float

    @property
    def log_error(self) -> float:
        """Logarithm of predicted over measured."""
        return math.log(self.predicted / self.case.value)

    @property
    def error(self) -> float:
        """Relative error, negative where the prediction is low."""
        return self.predicted / self.case.value - 1

    @property
    def covered(self) -> bool:
        """Whether the measured value lies in the printed 80% band."""
        low, high = band(self.case.quantity, self.case.chip).around(self.predicted)
        return low <= self.case.value <= high


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Errors of a set of rows."""

    rows: int
    median: float
    """Median absolute relative error."""
    p90: float
    bias: float
    """Median signed relative error."""
    within_band: float
    """Share of rows inside the printed 80% band."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """Everything ``warpfive validate`` reports."""

    compared: tuple[Compared, ...]
    left_out: Mapping[str, int]
    """Cause -> rows."""

    def causes(self) -> dict[str, int]:
        """``left_out`` for reading: metrics with few rows, none of which is predicted, as one."""
        rare = [
            cause for cause, count in self.left_out.items()
            if cause.startswith("metric ") and count < FEW
        ]  # fmt: skip
        if len(rare) < FEW:
            return dict(self.left_out)
        found = {cause: count for cause, count in self.left_out.items() if cause not in rare}
        name = f"{len(rare)} other metrics are not predicted"
        found[name] = sum(self.left_out[cause] for cause in rare)
        return dict(sorted(found.items(), key=lambda item: -item[1]))

    def by(self, key: Callable[[Case], str]) -> dict[str, Summary]:
        """Summaries of the rows grouped by a key of their case."""
        groups: dict[str, list[Compared]] = defaultdict(list)
        for item in self.compared:
            groups[key(item.case)].append(item)
        return {name: summary(items) for name, items in sorted(groups.items())}


def held_out(case: Case) -> bool:
    """Whether the row's chip, model and engine version were kept from fitting.

    The split is by group, never by row: half of the groups, by a hash of their name.
    """
    return int(hashlib.md5(case.group.encode(), usedforsecurity=False).hexdigest(), 16) % 2 == 1


def read_rows(path: Path) -> list[dict[str, str]]:
    """Rows of a CSV with the columns of ``serving_measured.csv``."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            missing = set(COLUMNS) - set(OPTIONAL) - set(reader.fieldnames or ())
            if missing:
                raise InputError(
                    f"{path}: column {', '.join(sorted(missing))} is missing; a row has "
                    f"{', '.join(column for column in COLUMNS if column not in OPTIONAL)}"
                )
            return [{column: row.get(column) or "" for column in COLUMNS} for row in reader]
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not a text file; rows are CSV in UTF-8") from None


def validate_rows(
    rows: Iterable[Mapping[str, str]], predictor: Predictor | None = None
) -> Validation:
    """Predict every row that can be predicted."""
    predictor = predictor or Predictor()
    compared, causes = [], Counter[str]()
    for row in rows:
        case = read_case(row)
        if not isinstance(case, Case):
            causes[case.cause] += 1
            continue
        try:
            compared.append(Compared(case=case, predicted=predictor(case)))
        except InputError as error:
            causes[_cause(str(error))] += 1
    return Validation(compared=tuple(compared), left_out=dict(causes.most_common()))


def _cause(message: str) -> str:
    """An error's kind, without its figures."""
    if "does not fit" in message:
        return "the model does not fit as configured"
    if "room for" in message:
        return "less KV cache than one request as configured"
    if message.startswith("--"):
        return "a layout that the chip or the model cannot have"
    return message


def summary(items: Sequence[Compared]) -> Summary:
    """Errors of some rows."""
    errors = sorted(abs(item.error) for item in items)
    signed = sorted(item.error for item in items)
    return Summary(
        rows=len(items),
        median=quantile(errors, 0.5),
        p90=quantile(errors, 0.9),
        bias=quantile(signed, 0.5),
        within_band=sum(item.covered for item in items) / len(items),
    )


def quantile(ordered: Sequence[float], share: float) -> float:
    """Value below which this share of the ordered values lies, interpolated."""
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def kind_of(case: Case) -> str:
    """``ttft``, ``tpot`` or ``rate``."""
    return KINDS[case.quantity]
