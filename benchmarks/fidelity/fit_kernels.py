"""Fit kernel efficiencies on one half of the measured shapes.

python -m benchmarks.fidelity.fit_kernels

prints them for ``warpfive/perf/efficiency.json``. Those of H100 and H200 go to
``kernels_hopper.json`` beside this file: the serving model of these chips keeps the constants of
its family, with which its own were fitted.
"""

import json
from dataclasses import replace
from pathlib import Path

from benchmarks.fidelity.kernel_rows import KernelCase, kernel_cases
from warpfive.catalog import chip
from warpfive.perf import Efficiency, efficiency
from warpfive.perf.kernels import efficiency_from
from warpfive.perf.solve import fit_logs

PARAMETERS = {
    "GEMM, bf16": ("gemm", "stream", "kernel_s", "pull", "sharpness"),
    "GEMM": ("gemm_8bit", "stream", "kernel_s", "pull", "sharpness"),
    "grouped GEMM": ("grouped", "grouped_stream"),
    "grouped GEMM, with routing": ("grouped", "grouped_stream"),
    "attention, decode": ("gqa_decode", "attention_stream", "attention_s"),
    "MLA, decode": ("mla_decode",),
    "attention, prefill": ("attention",),
    "MLA, prefill": ("attention",),
}
APART = ("h100", "h200")
"""Chips whose fitted constants are kept for these rows alone."""
APART_PARAMETERS = {"attention, prefill": ("attention", "attention_half")}
STORED = Path(__file__).parent / "kernels_hopper.json"
LIMITS = {
    "gemm": (0.05, 0.97), "attention_half": (100.0, 4000.0),
    "gemm_8bit": (0.05, 0.97), "stream": (0.05, 0.97), "grouped": (0.05, 0.97),
    "grouped_stream": (0.05, 0.97), "gqa_decode": (0.05, 0.97), "attention_stream": (0.05, 0.97),
    "mla_decode": (0.05, 0.97), "attention": (0.05, 0.97), "kernel_s": (1e-6, 1e-5),
    "attention_s": (1e-6, 5e-5), "pull": (1.0, 30.0), "sharpness": (1.5, 12.0),
}  # fmt: skip
ROWS_AT_MOST = 120
"""Rows of one kind that a fit looks at, evenly taken."""


def fit_chip(name: str, cases: list[KernelCase]) -> dict[str, float]:
    """Efficiencies of one chip, each kind of kernel in turn."""
    fit = Efficiency()
    found: dict[str, float] = {}
    chosen = PARAMETERS | (APART_PARAMETERS if name in APART else {})
    for kind, parameters in chosen.items():
        own = [case for case in cases if case.chip == name and case.kind == kind]
        fitted = [case for case in own if not case.held_out] or own
        if not fitted or kind == "MLA, prefill" and "attention" in found:
            continue
        part = fitted[:: max(1, len(fitted) // ROWS_AT_MOST)]
        values = _fit_kind(fit, part, parameters)
        fit = replace(fit, **values)
        found.update({key: float(f"{value:.4g}") for key, value in values.items()})
    return found


def constants(name: str) -> Efficiency:
    """Constants that the page compares a chip's rows with."""
    stored = json.loads(STORED.read_text(encoding="utf-8"))
    return efficiency_from(stored[name]) if name in stored else efficiency(chip(name))


def _fit_kind(
    fit: Efficiency, cases: list[KernelCase], parameters: tuple[str, ...]
) -> dict[str, float]:
    prior = {key: getattr(fit, key) for key in parameters}
    return fit_logs(
        lambda trial: [case.error(replace(fit, **trial)) for case in cases],
        prior, pull=0.001, limits=LIMITS, rounds=15,
    )  # fmt: skip


def main() -> None:
    """Print the fitted values of every chip with kernel measurements."""
    cases = kernel_cases()
    stored: dict[str, dict[str, float]] = {}
    for name in sorted({case.chip for case in cases}):
        fitted = fit_chip(name, cases)
        print(name, fitted)
        if name in APART:
            stored[name] = fitted
    STORED.write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
