"""A CUDA error code as an exception."""

from warpfive.errors import DeviceError


class CudaError(DeviceError):
    """What a call of the CUDA API returned.

    ``name`` and ``code`` are CUDA's: ``cudaErrorInvalidValue``, 1.
    """

    def __init__(self, code: int, name: str, text: str) -> None:
        super().__init__(f"{name}: {text}")
        self.code = code
        self.name = name
