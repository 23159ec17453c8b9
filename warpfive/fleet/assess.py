"""One setup in closed form: its best operating points under the limits."""

from dataclasses import dataclass, field

import numpy as np

from warpfive.catalog import ModelSpec
from warpfive.errors import InputError
from warpfive.fleet.demand import Demand
from warpfive.fleet.instance import Instance, Setup
from warpfive.fleet.screen import Points, screen, screen_decode, screen_prefill
from warpfive.fleet.slo import Slo

TAIL = {"ttft": 2.2, "tpot": 1.2, "e2e": 1.3}
"""Values at a high share of requests over the mean, as the screen assumes them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick:
    """An operating point of a setup that the screen likes."""

    setup: Setup
    batch: int
    chunk: int
    rate: float
    """Requests per second of the instance."""
    usd_per_h: float | None
    worst: float = 0.0
    """Largest limit ratio by the screen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessed:
    """What the screen says of a setup."""

    setup: Setup
    refused: str = ""
    """Why it cannot run."""
    points: int = 0
    """Configurations looked at."""
    serve: Pick | None = None
    prefill: Pick | None = None
    decode: Pick | None = None
    nearest: Pick | None = None
    """The point closest to the limits, whether they hold or not."""
    front: list[tuple[Setup, tuple[int, int, float], float, float]] = field(default_factory=list)
    """(setup, (batch, chunk, TTFT), tokens/s a user, tokens/s a chip) of its own front."""


def assess(model: ModelSpec, need: Demand, slo: Slo, setup: Setup) -> Assessed:
    """Screen one setup."""
    try:
        instance = Instance(model, setup, need.context)
    except InputError as error:
        return Assessed(setup=setup, refused=_cause(str(error)))
    if instance.kv_tokens < need.longest:
        return Assessed(setup=setup, refused="too little KV cache for the longest request")
    both = screen(instance, need)
    first, later = screen_prefill(instance, need), screen_decode(instance, need)
    everything = _worst(both, slo, need)
    return Assessed(
        setup=setup,
        points=len(both) + len(first) + len(later),
        serve=_best(instance, both, everything),
        prefill=_best(instance, first, _worst(first, slo, need, ("ttft",))),
        decode=_best(instance, later, _worst(later, slo, need, ("tpot",))),
        nearest=_nearest(instance, both, everything),
        front=_front(instance, both),
    )


def _cause(text: str) -> str:
    """The kind of refusal, without the setup's own figures."""
    return "does not fit" if "does not fit" in text else text


def _worst(
    points: Points, slo: Slo, need: Demand, only: tuple[str, ...] = ("ttft", "tpot", "e2e")
) -> np.ndarray:
    """Largest limit ratio of each point."""
    means = {
        "ttft": points.ttft_s,
        "tpot": points.tpot_s,
        "e2e": points.ttft_s + points.tpot_s * (need.output - 1),
    }
    worst = np.zeros(len(points))
    for name, bound in slo.limits.items():
        if name in only:
            worst = np.maximum(worst, means[name] * TAIL[name] / bound)
    return worst


def _pick(instance: Instance, points: Points, place: int, worst: np.ndarray) -> Pick:
    return Pick(
        setup=instance.setup, batch=int(points.batch[place]), chunk=int(points.chunk[place]),
        rate=float(points.rate[place]), usd_per_h=instance.usd_per_h, worst=float(worst[place]),
    )  # fmt: skip


def _best(instance: Instance, points: Points, worst: np.ndarray) -> Pick | None:
    """The highest rate within the limits."""
    if not len(points) or worst.min() > 1:
        return None
    place = int(np.argmax(np.where(worst <= 1, points.rate, 0.0)))
    return _pick(instance, points, place, worst)


def _nearest(instance: Instance, points: Points, worst: np.ndarray) -> Pick | None:
    if not len(points):
        return None
    return _pick(instance, points, int(np.argmin(worst)), worst)


def _front(
    instance: Instance, points: Points
) -> list[tuple[Setup, tuple[int, int, float], float, float]]:
    """The setup's points that none of its others beats."""
    user = 1 / points.tpot_s
    chip = points.batch * user / instance.chips
    front, best = [], -np.inf
    for place in np.lexsort((-chip, -user)):
        if chip[place] > best:
            best = float(chip[place])
            about = (int(points.batch[place]), int(points.chunk[place]),
                     float(points.ttft_s[place]))  # fmt: skip
            front.append((instance.setup, about, float(user[place]), best))
    return front
