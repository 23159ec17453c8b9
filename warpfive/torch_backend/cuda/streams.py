"""Streams and events: torch's generic ones over our device guard, with CUDA's names."""

import ctypes
from typing import Any

import torch

from warpfive.cuda import call
from warpfive.torch_backend.native import native

CUDA = 1  # c10::DeviceType


class CudaStreamBase(torch.Stream):
    """Base of ``torch.cuda.Stream``. Its number is the runtime's handle; 0 is the default."""

    def __new__(
        cls, priority: int = 0, stream_id: int | None = None, device_index: int = 0,
        device_type: int = CUDA, stream_ptr: int = 0,
    ) -> "CudaStreamBase":  # fmt: skip
        handle = stream_id if stream_id is not None else stream_ptr or None
        if handle is None:
            return super().__new__(cls, device="cuda:0", priority=priority)
        return super().__new__(cls, stream_id=handle, device_index=0, device_type=CUDA)

    @property
    def cuda_stream(self) -> int:
        return self.stream_id

    @property
    def priority(self) -> int:
        return 0

    @staticmethod
    def priority_range() -> tuple[int, int]:
        """Lowest and highest priority."""
        return 0, -1


class CudaEventBase(torch.Event):
    """Base of ``torch.cuda.Event``; times are the chip's."""

    def __new__(
        cls, enable_timing: bool = False, blocking: bool = False, interprocess: bool = False,
        external: bool = False,
    ) -> "CudaEventBase":  # fmt: skip
        return super().__new__(cls, device="cuda", enable_timing=enable_timing)

    @property
    def cuda_event(self) -> int:
        return self.event_id

    def elapsed_time(self, end_event: "CudaEventBase") -> float:
        """Milliseconds of the chip's clock between two passed events."""
        out = ctypes.c_float()
        first, last = ctypes.c_void_p(self.event_id), ctypes.c_void_p(end_event.event_id)
        call("cudaEventElapsedTime", ctypes.byref(out), first, last)
        return out.value

    @classmethod
    def from_ipc_handle(cls, device: Any, handle: bytes) -> "CudaEventBase":
        raise RuntimeError("events of another process cannot be opened on the chip")

    def ipc_handle(self) -> bytes:
        raise RuntimeError("events cannot be shared with another process on the chip")


def current(index: int = 0) -> tuple[int, int, int]:
    return native().wf_current_stream() or 0, 0, CUDA


def choose(stream_id: int = 0, device_index: int = 0, device_type: int = CUDA) -> None:
    native().wf_set_stream(stream_id)


NAMES: dict[str, Any] = {
    "_CudaStreamBase": CudaStreamBase,
    "_CudaEventBase": CudaEventBase,
    "_cuda_getCurrentStream": current,
    "_cuda_getDefaultStream": lambda index=0: (0, 0, CUDA),
    "_cuda_getCurrentRawStream": lambda index=0: native().wf_current_stream() or 0,
    "_cuda_setStream": choose,
    "_cuda_getStreamFromExternal": lambda handle, index=0: (handle, 0, CUDA),
}
