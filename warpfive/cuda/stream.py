"""Streams and events."""

import ctypes
from types import TracebackType

from warpfive.cuda.library import NOT_READY, call, library, made, wait

NON_BLOCKING = 1
DISABLE_TIMING = 2


class Stream:
    """Work in order on the device.

    ``Stream()`` makes one; ``Stream.null`` is the default stream. As a context manager it is
    synchronised at the end.
    """

    null: "Stream"

    def __init__(self, *, non_blocking: bool = False, priority: int = 0) -> None:
        flags = NON_BLOCKING if non_blocking else 0
        self.handle = made("cudaStreamCreateWithPriority", flags, priority)

    @classmethod
    def from_handle(cls, handle: int) -> "Stream":
        """A stream that someone else made and will destroy."""
        stream = Borrowed.__new__(Borrowed)
        stream.handle = handle
        return stream

    def synchronize(self) -> None:
        """Waits until everything in the stream is done; raises what went wrong in it."""
        wait("cudaStreamQuery", self.handle, "cudaStreamSynchronize")

    @property
    def done(self) -> bool:
        """Whether everything in the stream is done."""
        return call("cudaStreamQuery", self.handle) != NOT_READY

    def record(self, event: "Event | None" = None) -> "Event":
        """Records an event (a new one unless given) after what is in the stream so far."""
        event = event or Event()
        event.record(self)
        return event

    def wait_event(self, event: "Event") -> None:
        """Lets what is put in the stream from now on wait for the event."""
        call("cudaStreamWaitEvent", self.handle, event.handle, 0)

    def __enter__(self) -> "Stream":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.synchronize()

    def __del__(self) -> None:
        if getattr(self, "handle", 0):
            library().cudaStreamDestroy(self.handle)


class Borrowed(Stream):
    """A stream that is not ours to destroy."""

    def __del__(self) -> None:
        pass


Stream.null = Stream.from_handle(0)


class Event:
    """A point in a stream, with the chip's time when it was passed."""

    def __init__(self, *, timing: bool = True) -> None:
        self.handle = made("cudaEventCreateWithFlags", 0 if timing else DISABLE_TIMING)

    def record(self, stream: Stream | None = None) -> None:
        """Marks what is in the stream so far."""
        call("cudaEventRecord", self.handle, (stream or Stream.null).handle)

    def synchronize(self) -> None:
        """Waits until the point is passed."""
        wait("cudaEventQuery", self.handle, "cudaEventSynchronize")

    @property
    def done(self) -> bool:
        """Whether the point is passed."""
        return call("cudaEventQuery", self.handle) != NOT_READY

    def elapsed_ms(self, later: "Event") -> float:
        """Milliseconds on the chip's clock from this event to a later one, both passed."""
        out = ctypes.c_float()
        call("cudaEventElapsedTime", ctypes.byref(out), self.handle, later.handle)
        return out.value

    def __del__(self) -> None:
        if getattr(self, "handle", 0):
            library().cudaEventDestroy(self.handle)
