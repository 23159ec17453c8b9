"""One function over many items: here, on this machine's cores, or on a Ray cluster."""

import multiprocessing
import os
import socket
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from warpfive.errors import InputError

Item = TypeVar("Item")
Result = TypeVar("Result")


def sweep(
    function: Callable[[Item], Result], items: Sequence[Item], *, workers: int = 0, ray: str = ""
) -> list[Result]:
    """Results in the order of ``items``.

    ``workers`` 0 takes every core, 1 stays in this process. ``ray`` is a cluster's address,
    ``auto`` for the one that runs here, or ``local`` to start one. ``function`` must be importable
    by name.
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
        _reach(address)
        try:
            ray.init(address=address, ignore_reinit_error=True, log_to_driver=False)
        except (ConnectionError, ValueError, RuntimeError) as error:
            reason = str(error).strip().splitlines()[0]
            raise InputError(f"--ray {address}: no cluster answers there ({reason})") from None
    remote = ray.remote(_apply)
    shared = ray.put(function)
    pace = max(1, len(items) // (8 * max(1, int(ray.cluster_resources().get("CPU", 1)))))
    parts = [items[begin : begin + pace] for begin in range(0, len(items), pace)]
    answers = ray.get([remote.remote(shared, part) for part in parts])
    return [result for answer in answers for result in answer]


def _reach(address: str) -> None:
    """Refuse a host and port that nobody answers on; Ray itself would try for minutes."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if not colon or not port.isdigit():
        return
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
    except OSError as error:
        reason = error.strerror or error
        raise InputError(f"--ray {address}: no cluster answers there ({reason})") from None


def _apply(function: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
    """One task on Ray: some items at once, any callable."""
    return [function(item) for item in items]
