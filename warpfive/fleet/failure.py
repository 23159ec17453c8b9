"""Replicas that stop and come back."""

from dataclasses import dataclass

from warpfive.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One replica is down from ``at_s`` for ``for_s`` seconds and loses all it holds."""

    replica: int
    at_s: float
    for_s: float

    def __post_init__(self) -> None:
        if self.at_s < 0 or self.for_s <= 0:
            raise InputError(
                f"failure of replica {self.replica} at {self.at_s} s for {self.for_s} s: "
                "it must start at 0 or later and last longer than 0"
            )
