"""One device: its figures, and choosing it."""

import functools
import types
from typing import Any

import torch

from warpfive.cuda import Device, call
from warpfive.torch_backend.native import native

API_VERSION = 12080


class Properties(types.SimpleNamespace):
    """Figures of the chip by the names that ``torch.cuda.get_device_properties`` uses."""

    def __repr__(self) -> str:
        return (
            f"_CudaDeviceProperties(name='{self.name}', major={self.major}, minor={self.minor}, "
            f"total_memory={self.total_memory // (1 << 20)}MB, "
            f"multi_processor_count={self.multi_processor_count})"
        )


@functools.cache
def properties(index: int = 0) -> Properties:
    """Bytes, kHz and counts; compute capability is what the runtime reports."""
    chip = Device(index).properties
    return Properties(
        name=chip.name, major=chip.major, minor=chip.minor, total_memory=chip.totalGlobalMem,
        multi_processor_count=chip.multiProcessorCount, warp_size=chip.warpSize,
        max_threads_per_block=chip.maxThreadsPerBlock,
        max_threads_per_multi_processor=chip.maxThreadsPerMultiProcessor,
        regs_per_multiprocessor=chip.regsPerBlock, L2_cache_size=chip.l2CacheSize,
        shared_memory_per_block=chip.sharedMemPerBlock,
        shared_memory_per_block_optin=chip.sharedMemPerBlockOptin,
        shared_memory_per_multiprocessor=chip.sharedMemPerMultiprocessor,
        clock_rate=chip.clockRate, memory_clock_rate=chip.memoryClockRate,
        memory_bus_width=chip.memoryBusWidth, is_integrated=0, is_multi_gpu_board=0,
        gcnArchName="", uuid="", pci_bus_id=0, pci_device_id=0, pci_domain_id=0,
    )  # fmt: skip


def default_generator() -> torch.Generator:
    """The generator that operators use when none is given."""
    return torch.Generator("cuda")


class Cudart:
    """The few entry points of libcudart that ``torch.cuda.cudart()`` offers."""

    class cudaError:
        success = 0

    def cudaMemGetInfo(self, index: int = 0) -> tuple[int, int]:
        return Device(0).mem_info

    def cudaGetErrorString(self, code: int) -> str:
        from warpfive.cuda import library

        return library().cudaGetErrorString(int(code)).decode()

    def cudaProfilerStart(self) -> int:
        return call("cudaProfilerStart")

    def cudaProfilerStop(self) -> int:
        return call("cudaProfilerStop")

    def cudaHostRegister(self, address: int, count: int, flags: int) -> int:
        import ctypes

        return call("cudaHostRegister", ctypes.c_void_p(address), ctypes.c_size_t(count), flags)

    def cudaHostUnregister(self, address: int) -> int:
        import ctypes

        return call("cudaHostUnregister", ctypes.c_void_p(address))


class Ranges:
    """NVTX: nested ranges are counted, so that programs that mark them run."""

    def __init__(self) -> None:
        self.depth = 0

    def rangePushA(self, message: str) -> int:
        self.depth += 1
        return self.depth - 1

    def rangePop(self) -> int:
        self.depth -= 1
        return self.depth

    def rangeStartA(self, message: str) -> int:
        return 0

    def rangeEnd(self, number: int) -> None:
        pass

    def markA(self, message: str) -> None:
        pass


def only_zero(index: int) -> int:
    """The device before and after choosing ``index``, which can only be 0."""
    if index > 0:
        raise RuntimeError(f"there is one chip, cuda:0; there is no cuda:{index}")
    return 0


def maybe_exchange(index: int) -> int:
    """A function of its own: Dynamo tells the two ways to choose a device apart by identity."""
    return only_zero(index)


def synchronize() -> None:
    from warpfive.cuda import wait

    wait("cudaStreamQuery", 0, "cudaStreamSynchronize")
    if not native().wf_device_synchronize():
        raise RuntimeError(native().wf_error().decode())


NAMES: dict[str, Any] = {
    "_cuda_init": lambda: None,
    "_cuda_getDeviceCount": lambda: 1,
    "_cuda_getDevice": lambda: 0,
    "_cuda_setDevice": only_zero,
    "_cuda_exchangeDevice": only_zero,
    "_cuda_maybeExchangeDevice": only_zero,
    "_cuda_synchronize": synchronize,
    "_cuda_isInBadFork": lambda: False,
    "_cuda_getArchFlags": lambda: f"sm_{properties().major}{properties().minor}",
    "_cuda_getCompiledVersion": lambda: API_VERSION,
    "_cuda_canDeviceAccessPeer": lambda one, other: False,
    "_cuda_ipc_collect": lambda: None,
    "_cuda_hasPrimaryContext": lambda index: True,
    "_cuda_sleep": lambda cycles: None,
    "_cuda_clearCublasWorkspaces": lambda: None,
    "_cuda_getCurrentBlasHandle": lambda: 0,
    "_cuda_get_cudnn_benchmark_limit": lambda: 10,
    "_cuda_set_cudnn_benchmark_limit": lambda limit: None,
    "_cuda_set_sync_debug_mode": lambda mode: None,
    "_cuda_get_sync_debug_mode": lambda: 0,
    "_CudaDeviceProperties": Properties,
}
