"""A program's records on several chips: times, bounds, advice, totals."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from warpfive.catalog import ChipSpec
from warpfive.perf.advice import Advice, advise
from warpfive.perf.bands import kernel_band
from warpfive.perf.counters import Counters
from warpfive.perf.timing import KernelTime, counts_of, kernel_time


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelComparison:
    """One record: a launch's time on each chip, in the order of the chips."""

    counters: Counters
    times: tuple[KernelTime, ...]
    advice: Advice
    """For the first chip."""

    @property
    def total_s(self) -> tuple[float, ...]:
        """All launches of the record, on each chip."""
        return tuple(time.total_s * self.counters.launches for time in self.times)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A program on several chips; kernels that take longest on the first chip come first."""

    chips: tuple[ChipSpec, ...]
    kernels: tuple[KernelComparison, ...]

    @property
    def total_s(self) -> tuple[float, ...]:
        """Kernel time of the whole program on each chip."""
        rows = [kernel.total_s for kernel in self.kernels]
        return tuple(sum(column) for column in zip(*rows, strict=True)) or (0.0,) * len(self.chips)

    @property
    def energy_j(self) -> tuple[float | None, ...]:
        """Energy of all kernels on each chip; None where the catalog has no power figure."""
        found: list[float | None] = []
        for i in range(len(self.chips)):
            each = [(k.times[i].energy_j, k.counters.launches) for k in self.kernels]
            known = [joules * launches for joules, launches in each if joules is not None]
            found.append(sum(known) if len(known) == len(each) and each else None)
        return tuple(found)

    def to_json(self) -> dict[str, Any]:
        """Plain values under the keys that docs/metrics.md lists."""
        return {
            "chips": [_chip_json(spec, total, joules) for spec, total, joules in
                      zip(self.chips, self.total_s, self.energy_j, strict=True)],
            "kernels": [_kernel_json(kernel) for kernel in self.kernels],
        }  # fmt: skip


def compare(records: Sequence[Counters], chips: Sequence[ChipSpec]) -> Comparison:
    """Times every record on every chip."""
    rows = []
    for one in records:
        counts = counts_of(one)
        times = tuple(kernel_time(counts, spec) for spec in chips)
        rows.append(
            KernelComparison(
                counters=one, times=times, advice=advise(one, counts, chips[0], times[0])
            )
        )
    rows.sort(key=lambda row: -row.total_s[0])
    return Comparison(chips=tuple(chips), kernels=tuple(rows))


def _chip_json(spec: ChipSpec, total_s: float, joules: float | None) -> dict[str, Any]:
    band = kernel_band(spec.name)
    return {
        "chip": spec.name, "what_if": list(spec.whatif), "total_s": total_s, "energy_j": joules,
        "band": band.half_width if band else None,
        "basis": band.basis if band else "no ground truth",
    }  # fmt: skip


def _time_json(time: KernelTime) -> dict[str, Any]:
    values = {name: getattr(time, name) for name in KernelTime.__dataclass_fields__}
    return values | {"terms": dict(time.terms)}


def _kernel_json(kernel: KernelComparison) -> dict[str, Any]:
    one, advice = kernel.counters, kernel.advice
    return {
        "kernel": one.kernel, "grid": list(one.grid), "block": list(one.block),
        "launches": one.launches, "times": [_time_json(time) for time in kernel.times],
        "advice": {"kind": advice.kind, "text": advice.text, "where": advice.where,
                   "gain": advice.gain},
        "counters": one.to_json(),
    }  # fmt: skip
