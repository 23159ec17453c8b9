"""Memory statistics and snapshots, from the native allocator's own figures."""

import json
from typing import Any

from warpfive.torch_backend.native import call, native


def stats(index: int = 0) -> dict[str, Any]:
    """The nested dictionary that ``torch.cuda.memory_stats`` flattens; bytes and counts."""
    tree: dict[str, Any] = {}
    for line in native().wf_memory_stats().decode().splitlines():
        name, value = line.rsplit(" ", 1)
        *path, last = name.split(".")
        place = tree
        for word in path:
            place = place.setdefault(word, {})
        place[last] = int(value)
    empty = {pool: dict.fromkeys(("current", "peak", "allocated", "freed"), 0)
             for pool in ("all", "small_pool", "large_pool")}  # fmt: skip
    tree.setdefault("oversize_allocations", empty["all"])
    tree.setdefault("oversize_segments", empty["all"])
    return tree


def snapshot(arguments: Any = None) -> dict[str, Any]:
    """Segments of device memory and the blocks in them."""
    segments = json.loads(native().wf_memory_snapshot().decode())
    for segment in segments:
        segment["segment_pool_id"] = tuple(segment["segment_pool_id"])
        address = segment["address"]
        for block in segment["blocks"]:
            block["address"] = address
            address += block["size"]
    return {"segments": segments, "device_traces": [[]], "allocator_settings": {}}


FRACTION = [1.0]


def set_fraction(fraction: float, index: int = 0) -> None:
    call("wf_memory_fraction", float(fraction))
    FRACTION[0] = fraction


def raw_alloc(count: int, stream: int = 0) -> int:
    return native().wf_allocate(count) or 0


class AllocatorState:
    """Opaque; torch's own graph trees ask for the name."""


NAMES: dict[str, Any] = {
    "_cuda_memoryStats": stats,
    "_cuda_memorySnapshot": snapshot,
    "_cuda_emptyCache": lambda: native().wf_empty_cache(),
    "_cuda_resetPeakMemoryStats": lambda index=0: native().wf_reset_peaks(),
    "_cuda_resetAccumulatedMemoryStats": lambda index=0: native().wf_reset_accumulated(),
    "_host_emptyCache": lambda: None,  # freed pinned memory is not kept
    "_cuda_hostMemoryStats": lambda: {},
    "_cuda_resetPeakHostMemoryStats": lambda: None,
    "_cuda_resetAccumulatedHostMemoryStats": lambda: None,
    "_cuda_setMemoryFraction": set_fraction,
    "_cuda_getMemoryFraction": lambda index=0: FRACTION[0],
    "_cuda_getAllocatorBackend": lambda: "native",
    "_cuda_isHistoryEnabled": lambda: False,
    "_cuda_record_memory_history": lambda *arguments, **named: None,
    "_cuda_record_memory_history_legacy": lambda *arguments, **named: None,
    "_cuda_cudaCachingAllocator_raw_alloc": raw_alloc,
    "_cuda_cudaCachingAllocator_raw_delete": lambda address: native().wf_free(address),
    "_cuda_cudaCachingAllocator_is_enabled": lambda: True,
    "_cuda_cudaCachingAllocator_enable": lambda enabled: None,
    "_cuda_CUDAAllocator_AllocatorState": AllocatorState,
}

