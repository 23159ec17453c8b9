"""Least squares in the logarithms of positive parameters, with a pull towards a prior.

Small and plain: a damped Gauss-Newton iteration with numeric derivatives, robust to outliers.
"""

import math
from collections.abc import Callable, Mapping, Sequence

Values = dict[str, float]


def fit_logs(
    residuals: Callable[[Values], Sequence[float]],
    prior: Mapping[str, float],
    *,
    pull: float | Mapping[str, float] = 0.05,
    limits: Mapping[str, tuple[float, float]] | None = None,
    rounds: int = 8,
    scale: float = 0.15,
    uses: int = 1,
    weights: Sequence[float] | None = None,
    begin: Mapping[str, float] | None = None,
) -> Values:
    """Parameters that make ``residuals`` (log ratios) small; ``pull`` weighs the prior.

    Residuals beyond ``scale`` count linearly, so that a few odd rows do not bend the fit; each
    counts by its share of ``weights``. Derivatives serve ``uses`` rounds. The search begins at the
    prior, or at ``begin``.
    """
    names = list(prior)
    held = [pull if isinstance(pull, int | float) else pull[name] for name in names]
    start = [math.log(prior[name]) for name in names]
    limits = limits or {}
    point = [math.log(begin[name]) for name in names] if begin else list(start)
    damping = 1e-2
    base = residuals(_values(names, point))
    share = _shares(weights, len(base))
    best = _cost(base, share, point, start, held, scale)
    columns: list[list[float]] = []
    for turn in range(rounds):
        if turn % uses == 0:
            columns = _derivatives(residuals, names, point, base)
        step = _step(
            base,
            share,
            columns,
            [a - b for a, b in zip(point, start, strict=True)],
            held,
            scale,
            damping,
        )
        trial = [_clip(names[i], point[i] + step[i], limits) for i in range(len(names))]
        errors = residuals(_values(names, trial))
        cost = _cost(errors, share, trial, start, held, scale)
        if cost < best:
            gain, point, best, base = best - cost, trial, cost, errors
            damping = max(damping / 5, 1e-6)
            if gain < 1e-4 * best:
                break
        else:
            damping *= 10
            if damping > 1e4:
                break
    return {name: math.exp(value) for name, value in zip(names, point, strict=True)}


def _clip(name: str, value: float, limits: Mapping[str, tuple[float, float]]) -> float:
    if name not in limits:
        return value
    low, high = limits[name]
    return min(max(value, math.log(low)), math.log(high))


def _values(names: Sequence[str], point: Sequence[float]) -> Values:
    return {name: math.exp(value) for name, value in zip(names, point, strict=True)}


def _loss(error: float, scale: float) -> float:
    return 2 * scale * scale * (math.sqrt(1 + (error / scale) ** 2) - 1)


def _shares(weights: Sequence[float] | None, count: int) -> list[float]:
    total = sum(weights) if weights else max(1, count)
    return [weight / total for weight in weights or [1.0] * count]


def _cost(errors, share, point, start, held, scale) -> float:  # type: ignore[no-untyped-def]
    fitted = sum(w * _loss(error, scale) for w, error in zip(share, errors, strict=True))
    strayed = sum(w * (a - b) ** 2 for w, a, b in zip(held, point, start, strict=True))
    return fitted + scale * scale * strayed / len(held)


def _derivatives(residuals, names, point, base) -> list[list[float]]:  # type: ignore[no-untyped-def]
    """Change of every residual with the logarithm of each parameter."""
    columns = []
    for index in range(len(names)):
        moved = list(point)
        moved[index] += 0.05
        pairs = zip(residuals(_values(names, moved)), base, strict=True)
        columns.append([(after - before) / 0.05 for after, before in pairs])
    return columns


def _step(base, share, columns, strayed, held, scale, damping):  # type: ignore[no-untyped-def]
    """Solve the damped normal equations of the weighted residuals."""
    size = len(columns)
    weights = [
        part / math.sqrt(1 + (error / scale) ** 2) for part, error in zip(share, base, strict=True)
    ]
    matrix = [[0.0] * size for _ in range(size)]
    right = [0.0] * size
    for i in range(size):
        for j in range(i + 1):
            value = sum(w * a * b for w, a, b in zip(weights, columns[i], columns[j], strict=True))
            matrix[i][j] = matrix[j][i] = value
        right[i] = -sum(w * a * b for w, a, b in zip(weights, columns[i], base, strict=True))
        spring = held[i] * scale * scale / size
        matrix[i][i] += spring + damping * (matrix[i][i] + 1e-6)
        right[i] -= spring * strayed[i]
    return [max(-1.0, min(1.0, value)) for value in solve_linear(matrix, right)]


def solve_linear(matrix: list[list[float]], right: list[float]) -> list[float]:
    """Gaussian elimination with pivoting."""
    size = len(right)
    rows = [[*matrix[i], right[i]] for i in range(size)]
    for i in range(size):
        pivot = max(range(i, size), key=lambda r: abs(rows[r][i]))
        rows[i], rows[pivot] = rows[pivot], rows[i]
        head = rows[i][i] or 1e-12
        for r in range(i + 1, size):
            factor = rows[r][i] / head
            if factor:
                rows[r] = [a - factor * b for a, b in zip(rows[r], rows[i], strict=True)]
    answer = [0.0] * size
    for i in reversed(range(size)):
        known = sum(rows[i][j] * answer[j] for j in range(i + 1, size))
        answer[i] = (rows[i][size] - known) / (rows[i][i] or 1e-12)
    return answer
