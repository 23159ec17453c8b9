"""Random numbers from a stream of Philox 4x32-10 (Salmon et al., SC 2011).

The stream of a seed is the words of the counters (0, 0), (1, 0), ... with the seed as key, four
words each; the generator's offset counts words and is a multiple of four. Element i of the result,
in row-major order, takes word i of the stretch it draws, or words 2i and 2i + 1 where one is too
short: for float64, normal numbers and whole numbers over 2^32. A word w is the uniform number
(w >> 8) 2^-24, two are ((w1 << 32 | w0) >> 11) 2^-53; normal numbers are Box and Muller's
sqrt(-2 log(1 - u0)) cos(2 pi u1).
"""

import functools

import torch
from torch import Tensor

from warpfive.torch_backend.ops.create import dense
from warpfive.torch_backend.ops.launch import Kernel, cpp, numbers
from warpfive.torch_backend.ops.registry import KEPT, op

THREADS = 128

PHILOX = """
struct Words { unsigned w[4]; };
/// Four words of the stream of ``key`` at the counter (low, high).
__device__ inline Words philox(unsigned long low, unsigned long high, unsigned long key) {
  unsigned x0 = (unsigned)low, x1 = (unsigned)(low >> 32);
  unsigned x2 = (unsigned)high, x3 = (unsigned)(high >> 32);
  unsigned k0 = (unsigned)key, k1 = (unsigned)(key >> 32);
  for (int round = 0; round < 10; ++round) {
    const unsigned long p = 0xD2511F53ul * x0, r = 0xCD9E8D57ul * x2;
    const unsigned y0 = (unsigned)(r >> 32) ^ x1 ^ k0, y2 = (unsigned)(p >> 32) ^ x3 ^ k1;
    x1 = (unsigned)r;
    x3 = (unsigned)p;
    x0 = y0;
    x2 = y2;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return {{x0, x1, x2, x3}};
}
struct Place { unsigned long key, counter; };
/// Where a stretch begins. A recorded kernel reads seed and offset of the replay from ``state``.
__device__ inline Place place_of(unsigned long seed, unsigned long offset, const char *state) {
  const unsigned long *at = (const unsigned long *)state;
  return {at ? at[0] : seed, (offset + (at ? at[1] : 0)) / 4};
}
"""

DRAW = """
struct Parameters { char *out; long count; double a, b; unsigned long range; long base;
                    unsigned long seed, offset; const char *state; };
__device__ inline T one(unsigned w) { return (T)(w >> 8) * (T)5.9604644775390625e-8; }
__device__ inline T two(unsigned low, unsigned high) {
  const unsigned long bits = ((unsigned long)high << 32 | low) >> 11;
  return (T)((double)bits * 1.1102230246251565404e-16);
}
extern "C" __global__ void k(const Parameters q) {
  const long t = (long)blockIdx.x * blockDim.x + threadIdx.x;
  const int each = 4 / WIDTH;
  if (t * each >= q.count) return;
  const Place place = place_of(q.seed, q.offset, q.state);
  const Words words = philox(place.counter + (unsigned long)t, 0, place.key);
  for (int j = 0; j < each; ++j) {
    const long i = t * each + j;
    if (i >= q.count) return;
    const unsigned low = words.w[j * WIDTH], high = words.w[j * WIDTH + WIDTH - 1];
    const T u = PAIR ? one(low) : WIDTH == 2 ? two(low, high) : one(low);
    const T v = one(high), a = (T)q.a, b = (T)q.b;
    ((X *)q.out)[i] = FORMULA;
  }
}
"""

FORMULAS = {
    "uniform": "to<X>(a + u * (b - a))",
    "normal": "to<X>(a + b * sqrt((T)-2 * log1p(-u)) * cospi((T)2 * v))",
    "log_normal": "to<X>(exp(a + b * sqrt((T)-2 * log1p(-u)) * cospi((T)2 * v)))",
    "cauchy": "to<X>(a + b * tan((T)3.14159265358979323846 * (u - (T)0.5)))",
    "exponential": "to<X>(-log1p(-u) / a)",
    "geometric": "to<X>(fmax((T)1, ceil(log1p(-u) / log1p(-a))))",
    "bernoulli": "to<X>(u < a)",
    "whole": "to<X>(q.base + (long)(q.range ? ((unsigned long)(WIDTH == 2 ? high : 0) << 32 | low)"
    " % q.range : (unsigned long)high << 32 | low))",
}
PAIRED = ("normal", "log_normal")


@functools.cache
def draw_kernel(name: str, dtype: torch.dtype, width: int, pair: bool) -> Kernel:
    work = "double" if dtype == torch.float64 else "float"
    head = f"{numbers()}\ntypedef {cpp(dtype)} X; typedef {work} T;\n{PHILOX}"
    head += f"#define WIDTH {width}\n#define PAIR {int(pair)}\n"
    return Kernel(head + DRAW.replace("FORMULA", FORMULAS[name]), "PqddQqQQP")


def draw(
    out: Tensor, name: str, a: float, b: float, whole: int, base: int, seed: int, offset: int,
    state: int,
) -> None:  # fmt: skip
    """Fills ``out`` from the stretch of the stream that begins at ``offset`` words; ``state`` is
    the device's address of a recorded graph's seed and offset, or 0."""
    pair = name in PAIRED
    whole %= 1 << 64
    wide = not 0 < whole <= 1 << 32 if name == "whole" else out.dtype == torch.float64
    width = 2 if wide or pair else 1
    target = dense(out)
    draw_kernel(name, out.dtype, width, pair)(
        -(-out.numel() * width // (4 * THREADS)), THREADS, target, out.numel(), a, b, whole, base,
        seed % (1 << 64), offset % (1 << 64), state,
    )  # fmt: skip
    if target is not out:
        out.copy_(target)


def drawn(generator: torch.Generator | None, increment: int) -> tuple[int, int, int]:
    """Seed, offset and state's address of the next stretch, of ``increment`` words."""
    seed, offset, state = torch.ops.warpfive.drawn(generator, increment)
    return seed % (1 << 64), offset % (1 << 64), state


def define() -> None:
    """The operator that the native library's stubs call."""
    library = torch.library.Library("warpfive", "FRAGMENT")
    library.define(
        "draw(Tensor(a!) out, str name, float a, float b, int whole, int base, int seed, "
        "int offset, int state) -> ()"
    )
    library.impl("draw", draw, "CUDA")
    KEPT.append(library)


define()


@op("randperm.generator_out")
def randperm(n: int, *, generator: torch.Generator | None, out: Tensor) -> Tensor:
    """Places of n random 63-bit keys in ascending order."""
    keys = torch.empty(n, dtype=torch.int64, device=out.device)
    order = keys.random_(0, (1 << 63) - 1, generator=generator).sort(stable=True).indices
    return out.resize_((n,)).copy_(order)
