"""Puts our functions and classes where ``torch.cuda`` looks for them."""

import importlib
from typing import Any

import torch

from warpfive.torch_backend.cuda import comm, device, graphs, memory, storage, streams

CUDA_VERSION = "12.8"
"""Version of CUDA's API that is reported; libraries ask for it to decide what they may use."""


def install() -> None:
    """Fills ``torch._C`` and reloads the parts of ``torch.cuda`` that looked there at import."""
    core: Any = torch._C
    for module in (comm, device, memory, streams, graphs):
        for name, value in module.NAMES.items():
            setattr(core, name, value)
    core._has_cuda = True
    torch.version.cuda = CUDA_VERSION
    importlib.reload(torch.cuda.streams)
    importlib.reload(torch.cuda.graphs)
    for name in ("Stream", "Event", "ExternalStream"):
        setattr(torch.cuda, name, getattr(torch.cuda.streams, name))
    for name in graphs.REEXPORTED:
        setattr(torch.cuda, name, getattr(torch.cuda.graphs, name))
    torch.cuda._cudart = device.Cudart()
    torch.cuda._get_device_properties = device.properties
    torch.cuda._exchange_device = device.only_zero
    torch.cuda._maybe_exchange_device = device.maybe_exchange
    torch.cuda._CudaDeviceProperties = device.Properties
    torch.cuda.nvtx._nvtx = device.Ranges()
    torch.cuda._device_count_nvml = lambda: -1
    torch.cuda.default_generators = (device.default_generator(),)
    storage.install()
