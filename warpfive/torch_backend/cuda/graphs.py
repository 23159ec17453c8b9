"""CUDA graphs: launches recorded from a stream and replayed."""

import ctypes
import itertools
from typing import Any

import torch

from warpfive.cuda import call, library, made
from warpfive.torch_backend.native import native

POOLS = itertools.count(1)
RELAXED = 2  # cudaStreamCaptureModeRelaxed: the allocator may call cudaMalloc meanwhile
REEXPORTED = ("CUDAGraph", "graph", "graph_pool_handle", "is_current_stream_capturing",
              "make_graphed_callables")  # fmt: skip

Pool = tuple[int, int]


class Recorded:
    """A generator that a graph draws from, and where its kernels read seed and offset."""

    def __init__(self, generator: torch.Generator) -> None:
        self.generator = generator
        # Not cleared: the recording stream might do it after a replay has filled it.
        self.place = torch.empty(2, dtype=torch.int64, device="cuda")
        self.increment = 0

    def start(self) -> None:
        torch.ops.warpfive.start_recording(self.generator, self.place)

    def stop(self) -> None:
        self.increment = torch.ops.warpfive.stop_recording(self.generator)

    def fill(self) -> None:
        """Takes the next stretch of the generator for one replay."""
        if self.increment:
            found = torch.ops.warpfive.advance_generator(self.generator, self.increment)
            for place, word in zip(self.place, found, strict=True):
                place.fill_(word)


class CudaGraph:
    """Base of ``torch.cuda.CUDAGraph``. Memory allocated while recording is the graph's own.

    Recorded kernels read a generator's seed and offset from a place on the chip, which every replay
    fills before it launches them: so a replay draws on where the generator stands.
    """

    def __new__(cls, keep_graph: bool = False) -> "CudaGraph":
        graph = super().__new__(cls)
        graph.keep_graph = keep_graph
        graph.graph, graph.executable, graph.stream = 0, 0, 0
        graph.pool_id = (0, 0)
        graph.generators = []
        return graph

    keep_graph: bool
    graph: int
    executable: int
    stream: int
    pool_id: Pool
    generators: "list[Recorded]"

    def capture_begin(self, pool: Pool | None = None, capture_error_mode: str = "global") -> None:
        if self.executable:
            raise RuntimeError("a CUDAGraph records once; make another, or reset() it")
        self.pool_id = tuple(pool) if pool else (0, next(POOLS))
        self.stream = native().wf_current_stream() or 0
        if not self.stream:
            raise RuntimeError("CUDA graphs must be captured on a non-default stream.")
        self.register_generator_state(torch.cuda.default_generators[0])
        for each in self.generators:
            each.start()
        native().wf_begin_pool(self.pool_id[1])
        try:
            call("cudaStreamBeginCapture", ctypes.c_void_p(self.stream), RELAXED)
        except BaseException:
            native().wf_end_pool()
            for each in self.generators:
                each.stop()
            raise

    def capture_end(self) -> None:
        native().wf_end_pool()
        for each in self.generators:
            each.stop()
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
        for each in self.generators:
            each.fill()
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
        """Lets the recorded kernels draw from ``generator``; call it before recording begins."""
        if self.graph or is_capturing():
            raise RuntimeError("a generator is registered with a graph before it is recorded")
        if all(each.generator is not generator for each in self.generators):
            self.generators.append(Recorded(generator))

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
