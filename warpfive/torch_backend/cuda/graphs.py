"""CUDA graphs: launches recorded from a stream and replayed."""

import ctypes
import itertools
from typing import Any

from warpfive.cuda import call, library, made
from warpfive.torch_backend.native import native

POOLS = itertools.count(1)
RELAXED = 2  # cudaStreamCaptureModeRelaxed: the allocator may call cudaMalloc meanwhile
REEXPORTED = ("CUDAGraph", "graph", "graph_pool_handle", "is_current_stream_capturing",
              "make_graphed_callables")  # fmt: skip

Pool = tuple[int, int]


class CudaGraph:
    """Base of ``torch.cuda.CUDAGraph``. Memory allocated while recording is the graph's own."""

    def __new__(cls, keep_graph: bool = False) -> "CudaGraph":
        graph = super().__new__(cls)
        graph.keep_graph = keep_graph
        graph.graph, graph.executable, graph.stream = 0, 0, 0
        graph.pool_id = (0, 0)
        return graph

    keep_graph: bool
    graph: int
    executable: int
    stream: int
    pool_id: Pool

    def capture_begin(self, pool: Pool | None = None, capture_error_mode: str = "global") -> None:
        if self.executable:
            raise RuntimeError("a CUDAGraph records once; make another, or reset() it")
        self.pool_id = tuple(pool) if pool else (0, next(POOLS))
        self.stream = native().wf_current_stream() or 0
        if not self.stream:
            raise RuntimeError("CUDA graphs must be captured on a non-default stream.")
        native().wf_begin_pool(self.pool_id[1])
        try:
            call("cudaStreamBeginCapture", ctypes.c_void_p(self.stream), RELAXED)
        except BaseException:
            native().wf_end_pool()
            raise

    def capture_end(self) -> None:
        native().wf_end_pool()
        out = ctypes.c_void_p()
        call("cudaStreamEndCapture", ctypes.c_void_p(self.stream), ctypes.byref(out))
        self.graph = out.value or 0
        if not self.keep_graph:
            self.instantiate()

    def instantiate(self) -> None:
        self.executable = made("cudaGraphInstantiate", ctypes.c_void_p(self.graph),
                               ctypes.c_ulonglong(0))  # fmt: skip

    def replay(self) -> None:
        if not self.executable:
            if not self.graph:
                raise RuntimeError("a CUDAGraph is replayed after capture_end")
            self.instantiate()
        stream = native().wf_current_stream() or 0
        call("cudaGraphLaunch", ctypes.c_void_p(self.executable), ctypes.c_void_p(stream))

    def reset(self) -> None:
        chip = library()
        if self.executable:
            chip.cudaGraphExecDestroy(ctypes.c_void_p(self.executable))
        if self.graph:
            chip.cudaGraphDestroy(ctypes.c_void_p(self.graph))
        if self.graph:
            native().wf_release_pool(self.pool_id[1])
        self.graph = self.executable = 0

    def pool(self) -> Pool:
        return self.pool_id

    def raw_cuda_graph(self) -> int:
        return self.graph

    def raw_cuda_graph_exec(self) -> int:
        return self.executable

    def enable_debug_mode(self) -> None:
        self.keep_graph = True

    def register_generator_state(self, generator: Any) -> None:
        raise RuntimeError("a recorded graph draws the same random numbers at every replay")

    def debug_dump(self, path: str) -> None:
        call("cudaGraphDebugDotPrint", ctypes.c_void_p(self.graph), path.encode(), 0)

    def __del__(self) -> None:
        if getattr(self, "graph", 0):
            self.reset()


def is_capturing() -> bool:
    status = ctypes.c_int()
    stream = ctypes.c_void_p(native().wf_current_stream() or 0)
    call("cudaStreamIsCapturing", stream, ctypes.byref(status))
    return status.value != 0


NAMES: dict[str, Any] = {
    "_CUDAGraph": CudaGraph,
    "_graph_pool_handle": lambda: (0, next(POOLS)),
    "_cuda_isCurrentStreamCapturing": is_capturing,
    "_cuda_releasePool": lambda index, pool: native().wf_release_pool(pool[1]),
    "_cuda_beginAllocateCurrentThreadToPool": lambda i, pool: native().wf_begin_pool(pool[1]),
    "_cuda_beginAllocateCurrentStreamToPool": lambda i, pool: native().wf_begin_pool(pool[1]),
    "_cuda_endAllocateToPool": lambda index, pool: native().wf_end_pool(),
}
