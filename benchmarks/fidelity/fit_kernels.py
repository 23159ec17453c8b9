"""Fit the kernel efficiencies of ``warpfive/perf/efficiency.json`` on one half of the shapes.

python -m benchmarks.fidelity.fit_kernels
"""

from dataclasses import replace

from benchmarks.fidelity.kernel_rows import KernelCase, kernel_cases
from warpfive.perf import Efficiency
from warpfive.perf.solve import fit_logs

PARAMETERS = {
    "GEMM": ("gemm_8bit", "stream", "kernel_s", "pull", "sharpness"),
    "grouped GEMM": ("grouped", "grouped_stream"),
    "attention, decode": ("gqa_decode", "attention_stream", "attention_s"),
    "MLA, decode": ("mla_decode",),
    "attention, prefill": ("attention",),
    "MLA, prefill": ("attention",),
}
LIMITS = {
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
    for kind, parameters in PARAMETERS.items():
        own = [case for case in cases if case.chip == name and case.kind == kind]
        fitted = [case for case in own if not case.held_out] or own
        if not fitted or kind == "MLA, prefill" and "attention" in found:
            continue
        part = fitted[:: max(1, len(fitted) // ROWS_AT_MOST)]
        values = _fit_kind(fit, part, parameters)
        fit = replace(fit, **values)
        found.update({key: float(f"{value:.4g}") for key, value in values.items()})
    return found


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
    for name in sorted({case.chip for case in cases}):
        print(name, fit_chip(name, cases))


if __name__ == "__main__":
    main()
