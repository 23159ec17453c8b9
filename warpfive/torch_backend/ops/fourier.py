"""Discrete Fourier transforms along dimensions.

Lines whose length is a power of two take Stockham's passes (Cochran et al., 1967), a launch each;
others are summed term by term, a thread a result.
"""

import functools
from collections.abc import Sequence

import torch
from torch import Tensor

from warpfive.torch_backend.ops.launch import Kernel, cpp, numbers
from warpfive.torch_backend.ops.registry import op

THREADS = 128
SHORT = 32
"""Lines up to this length are summed term by term in any case."""

HEAD = """
struct Pair { R re, im; };
struct Parameters { char *out, *in; long count, length, half, sign; };
/// exp(2 pi i sign k / n)
__device__ inline Pair turn(long k, long n, long sign) {
  const double angle = 2.0 * (double)(k % n) / (double)n;
  return {(R)cospi(angle), (R)(sign * sinpi(angle))};
}
"""

TERMS = """
extern "C" __global__ void k(const Parameters q) {
  const long i = (long)blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= q.count) return;
  const long k = i % q.length;
  const Pair *in = (const Pair *)q.in + (i - k);
  double re = 0, im = 0;
  for (long j = 0; j < q.length; ++j) {
    const double angle = 2.0 * (double)(j * k % q.length) / (double)q.length;
    const double c = cospi(angle), s = q.sign * sinpi(angle);
    re += in[j].re * c - in[j].im * s;
    im += in[j].re * s + in[j].im * c;
  }
  ((Pair *)q.out)[i] = {(R)re, (R)im};
}
"""

PASS = """
/// One of Stockham's passes over lines of `length`, whose halves so far are `half` long.
extern "C" __global__ void k(const Parameters q) {
  const long i = (long)blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= q.count / 2) return;
  const long line = i / (q.length / 2) * q.length, at = i % (q.length / 2);
  const long k = at % q.half, group = at / q.half;
  const Pair *in = (const Pair *)q.in + line;
  Pair *out = (Pair *)q.out + line;
  const Pair a = in[at], b = in[at + q.length / 2], w = turn(k, 2 * q.half, q.sign);
  const Pair c = {b.re * w.re - b.im * w.im, b.re * w.im + b.im * w.re};
  const long place = group * 2 * q.half + k;
  out[place] = {a.re + c.re, a.im + c.im};
  out[place + q.half] = {a.re - c.re, a.im - c.im};
}
"""


@functools.cache
def fourier_kernel(text: str, dtype: torch.dtype) -> Kernel:
    return Kernel(f"{numbers()}\ntypedef {cpp(dtype)} R;\n{HEAD}{text}", "PPqqqq")


def transformed(lines: Tensor, forward: bool) -> Tensor:
    """The transforms of contiguous (..., length, 2) lines of real and imaginary parts."""
    if lines.dtype not in (torch.float32, torch.float64):
        raise NotImplementedError(
            f"Fourier transforms of {lines.dtype} have no kernel on the chip; float32 and float64 "
            "have"
        )
    length, count = lines.shape[-2], lines.numel() // 2
    out = torch.empty_like(lines)
    sign = -1 if forward else 1
    blocks = -(-count // THREADS)
    if length <= SHORT or length & (length - 1):
        fourier_kernel(TERMS, lines.dtype)(blocks, THREADS, out, lines, count, length, 0, sign)
        return out
    kernel, source, half = fourier_kernel(PASS, lines.dtype), lines, 1
    spare = torch.empty_like(lines)
    while half < length:
        kernel(blocks, THREADS, out, source, count, length, half, sign)
        source, out, spare = out, spare, out
        half *= 2
    return source


def along(self: Tensor, dims: Sequence[int], forward: bool) -> Tensor:
    """Complex transforms of a complex tensor, without scaling."""
    for dim in dims:
        lines = torch.view_as_real(self.movedim(dim, -1).resolve_conj().contiguous())
        self = torch.view_as_complex(transformed(lines, forward)).movedim(-1, dim)
    return self


def scaled(self: Tensor, shape: Sequence[int], dims: Sequence[int], normalization: int) -> Tensor:
    """Divided by nothing (0), by the root of the transform's size (1), or by the size (2)."""
    size = 1
    for dim in dims:
        size *= shape[dim]
    if normalization and size:
        pairs = torch.view_as_real(self) if self.is_complex() else self
        pairs.mul_(size**-0.5 if normalization == 1 else 1 / size)
    return self


@op("_fft_c2c")
def complex_to_complex(
    self: Tensor, dim: list[int], normalization: int, forward: bool
) -> Tensor:
    if not dim:
        return self.clone()
    return scaled(along(self, dim, forward).contiguous(), self.shape, dim, normalization)


@op("_fft_r2c")
def real_to_complex(self: Tensor, dim: list[int], normalization: int, onesided: bool) -> Tensor:
    pairs = torch.stack([self, torch.zeros_like(self)], -1)
    # The last dimension goes first: only half of its results are needed.
    out = along(torch.view_as_complex(pairs), dim[-1:], True)
    if onesided:
        out = out.narrow(dim[-1], 0, self.shape[dim[-1]] // 2 + 1)
    out = along(out, dim[:-1], True).contiguous()
    return scaled(out, self.shape, dim, normalization)


@op("_fft_c2r")
def complex_to_real(
    self: Tensor, dim: list[int], normalization: int, last_dim_size: int
) -> Tensor:
    self = along(self, dim[:-1], False)
    last, size = dim[-1], last_dim_size
    half = self.narrow(last, 0, size // 2 + 1)
    # The other half of a real signal's spectrum is the conjugate, backwards.
    rest = half.narrow(last, 1, (size - 1) // 2).flip(last).conj().resolve_conj()
    whole = along(torch.cat([half, rest], last), [last], False)
    out = torch.view_as_real(whole)[..., 0].contiguous()
    return scaled(out, out.shape, dim, normalization)


@op("_fft_c2c.out")
def complex_to_complex_out(
    self: Tensor, dim: list[int], normalization: int, forward: bool, *, out: Tensor
) -> Tensor:
    result = complex_to_complex(self, dim, normalization, forward)
    return out.resize_(result.shape).copy_(result)


@op("_fft_r2c.out")
def real_to_complex_out(
    self: Tensor, dim: list[int], normalization: int, onesided: bool, *, out: Tensor
) -> Tensor:
    result = real_to_complex(self, dim, normalization, onesided)
    return out.resize_(result.shape).copy_(result)


@op("_fft_c2r.out")
def complex_to_real_out(
    self: Tensor, dim: list[int], normalization: int, last_dim_size: int, *, out: Tensor
) -> Tensor:
    result = complex_to_real(self, dim, normalization, last_dim_size)
    return out.resize_(result.shape).copy_(result)
