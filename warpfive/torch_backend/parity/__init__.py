"""Trained there, served here: how far the chip's answers are from a float32 reference."""

from warpfive.torch_backend.parity.chart import write_chart
from warpfive.torch_backend.parity.compare import DTYPES, Options, Parity, measure

__all__ = ["DTYPES", "Options", "Parity", "measure", "write_chart"]
