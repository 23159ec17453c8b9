"""One function over many items: here, on this machine's cores, or on a Ray cluster."""

import multiprocessing
import os
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from warpfive.errors import InputError

Item = TypeVar("Item")
Result = TypeVar("Result")


def sweep(
    function: Callable[[Item], Result], items: Sequence[Item], *, workers: int = 0, ray: str = ""
) -> list[Result]:
    """Results in the order of ``items``.

    ``workers`` 0 takes every core, 1 stays in this process. ``ray`` is a cluster's address
    (``auto`` for a local one). ``function`` must be importable by name.
    """
    if ray:
        return _on_ray(function, items, ray)
    workers = min(workers or len(os.sched_getaffinity(0)), len(items))
    if workers <= 1 or multiprocessing.current_process().daemon:
        return [function(item) for item in items]
    method = "fork" if "fork" in multiprocessing.get_all_start_methods() else "spawn"
    chunk = max(1, len(items) // (8 * workers))
    with multiprocessing.get_context(method).Pool(workers) as pool:
        return pool.map(function, items, chunksize=chunk)


def _on_ray(function: Callable[[Any], Any], items: Sequence[Any], address: str) -> list[Any]:
    try:
        import ray
    except ImportError:
        raise InputError(
            f"--ray {address}: the ray package is not installed; pip install 'warpfive[ray]'"
        ) from None
    if not ray.is_initialized():
        ray.init(address=address, ignore_reinit_error=True, log_to_driver=False)
    remote = ray.remote(function)
    return ray.get([remote.remote(item) for item in items])
