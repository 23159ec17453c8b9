"""Samples of distributions that reject: Poisson, binomial, gamma and Dirichlet, and the gradients
of the last two.

Element i takes its words from counters (c, i + 1): c = 0, 1, ... from the generator's offset, four
words each. Elements therefore draw as many as they need, and none meets a word of the plain stream
(``random.py``), whose counters are (c, 0).

Poisson: below a mean of 10 products of uniform numbers; else W. Hoermann, "The transformed
rejection method for generating Poisson random variables" (1993), PTRS. Binomial: below 10 expected
successes gaps between them; else Hoermann, "The generation of binomial random variates" (1993),
BTRS.
Gamma: G. Marsaglia and W. Tsang, "A simple method for generating gamma variables" (2000).
Gradients are implicit: -(d CDF / d parameter) / density, the CDF by its power series.
"""

import functools

import torch
from torch import Tensor

from warpfive.torch_backend.codegen import prelude
from warpfive.torch_backend.ops.launch import Kernel, cpp, numbers
from warpfive.torch_backend.ops.random import PHILOX, drawn
from warpfive.torch_backend.ops.registry import op

THREADS = 64
CALLS = 64
"""Philox calls that the generator's offset advances by: far more than an element ever needs."""

SAMPLERS = """
/// Uniform and normal numbers of one element.
struct Stream {
  unsigned long counter, element, key;
  unsigned w[4];
  int left;
  __device__ unsigned word() {
    if (!left) {
      const Words words = philox(counter++, element, key);
      for (int j = 0; j < 4; ++j) w[j] = words.w[j];
      left = 4;
    }
    // Indexed by a constant in each case, so that the words stay in registers.
    --left;
    return left == 3 ? w[0] : left == 2 ? w[1] : left == 1 ? w[2] : w[3];
  }
  /// In (0, 1).
  __device__ double uniform() { return ((double)word() + 0.5) * 2.3283064365386962891e-10; }
  __device__ double normal() {
    const double u = uniform(), v = uniform();
    return sqrt(-2 * log(u)) * cospi(2 * v);
  }
};

__device__ inline double poisson_sample(Stream &stream, double mean) {
  if (!(mean > 0)) return 0;
  if (mean < 10) {
    const double end = exp(-mean);
    double product = stream.uniform();
    long count = 0;
    for (; product > end; ++count) product *= stream.uniform();
    return (double)count;
  }
  const double b = 0.931 + 2.53 * sqrt(mean), a = -0.059 + 0.02483 * b;
  const double inverse = 1.1239 + 1.1328 / (b - 3.4), accept = 0.9277 - 3.6224 / (b - 2);
  for (;;) {
    const double u = stream.uniform() - 0.5, v = stream.uniform(), us = 0.5 - fabs(u);
    const double k = floor((2 * a / us + b) * u + mean + 0.43);
    if (us >= 0.07 && v <= accept) return k;
    if (k < 0 || (us < 0.013 && v > us)) continue;
    if (log(v * inverse / (a / (us * us) + b)) <= k * log(mean) - mean - lgamma(k + 1)) return k;
  }
}

/// Of at most half a chance; n p of 10 and more.
__device__ inline double binomial_rejected(Stream &stream, double n, double p) {
  const double q = 1 - p, spread = sqrt(n * p * q), b = 1.15 + 2.53 * spread;
  const double a = -0.0873 + 0.0248 * b + 0.01 * p, c = n * p + 0.5, r = p / q;
  const double alpha = (2.83 + 5.1 / b) * spread, accept = 0.92 - 4.2 / b;
  const double m = floor((n + 1) * p), h = lgamma(m + 1) + lgamma(n - m + 1);
  for (;;) {
    const double u = stream.uniform() - 0.5, v = stream.uniform(), us = 0.5 - fabs(u);
    const double k = floor((2 * a / us + b) * u + c);
    if (us >= 0.07 && v <= accept) return k;
    if (k < 0 || k > n) continue;
    const double bound = h - lgamma(k + 1) - lgamma(n - k + 1) + (k - m) * log(r);
    if (log(v * alpha / (a / (us * us) + b)) <= bound) return k;
  }
}

__device__ inline double binomial_counted(Stream &stream, double n, double p) {
  const double gap = log1p(-p);
  double passed = 0;
  for (long successes = 0;; ++successes) {
    passed += ceil(log(stream.uniform()) / gap);
    if (passed > n) return (double)successes;
  }
}

__device__ inline double binomial_sample(Stream &stream, double n, double p) {
  if (!(n > 0) || !(p > 0)) return p != p || n != n ? p + n : 0;
  if (p >= 1) return n;
  const bool swapped = p > 0.5;
  const double chance = swapped ? 1 - p : p;
  const double k = n * chance >= 10 ? binomial_rejected(stream, n, chance)
                                    : binomial_counted(stream, n, chance);
  return swapped ? n - k : k;
}

__device__ inline double gamma_sample(Stream &stream, double shape) {
  double scale = 1;
  if (shape < 1) {
    if (shape == 0) return 0;
    scale = pow(stream.uniform(), 1 / shape);
    shape += 1;
  }
  const double d = shape - 1.0 / 3, c = 1 / sqrt(9 * d);
  for (;;) {
    const double x = stream.normal(), y = 1 + c * x;
    if (y <= 0) continue;
    const double v = y * y * y;
    if (log(stream.uniform()) < 0.5 * x * x + d - d * v + d * log(v)) return scale * d * v;
  }
}
"""

GRADIENTS = """
/// d x / d a where the CDF of Gamma(a, 1) stays; x is a sample.
__device__ inline double gamma_slope(double a, double x) {
  if (!(x > 0)) return 0;
  if (a > 1e4) {
    // Cornish and Fisher's expansion of the quantile about the normal one, w.
    const double root = sqrt(a), z = (x - a) / root;
    double w = z;
    for (int i = 0; i < 4; ++i)
      w = z - (w * w - 1) / (3 * root) - (w * w * w - 7 * w) / (36 * a);
    return 1 + w / (2 * root) - (w * w * w - 7 * w) / (72 * a * root);
  }
  double term = x / a, psi = digamma_of(a + 1), sum = 0;
  const double logarithm = log(x);
  for (long n = 0; n < 100000; ++n) {
    const double part = term * (logarithm - psi);
    sum += part;
    const double next = a + (double)n + 1;
    if (next > x && term * (fabs(logarithm - psi) + 1) < 1e-17 * (fabs(sum) + 1e-300)) break;
    term *= x / next;
    psi += 1 / next;
  }
  return -sum;
}

/// -(d CDF / d a) / density / (1 - x) of Beta(a, b).
__device__ inline double beta_slope(double a, double b, double x) {
  if (!(x > 0) || !(x < 1)) return 0;
  const double total = a + b, y = 1 - x, logarithm = log(x);
  const bool low = x * total <= a;
  // Below the mean the series in x of the CDF, above it that in y of what is left.
  const double z = low ? x : y, first = low ? a : b;
  double term = x / first, up = digamma_of(total), down = digamma_of(low ? a + 1 : a);
  double sum = 0;
  for (long n = 0; n < 100000; ++n) {
    const double part = term * (logarithm + up - down);
    sum += part;
    const double above = total + (double)n, below = first + (double)n + 1;
    const double ratio = z * above / below;
    if (ratio < 1 && fabs(term) * (fabs(logarithm + up - down) + 1) <
                         1e-17 * (1 - ratio) * (fabs(sum) + 1e-300))
      break;
    term *= ratio;
    up += 1 / above;
    if (low) down += 1 / below;
  }
  return low ? -sum : sum;
}
"""

DRAW = """
struct Parameters {
  char *out, *first, *second; long count;
                    unsigned long seed, offset; const char *state;
};
extern "C" __global__ void k(const Parameters q) {
  const long i = (long)blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= q.count) return;
  const Place place = place_of(q.seed, q.offset, q.state);
  Stream stream{place.counter, (unsigned long)i + 1, place.key, {}, 0};
  const double a = to<double>(((const X *)q.first)[i]);
  const double b = q.second ? to<double>(((const X *)q.second)[i]) : 0.0;
  ((X *)q.out)[i] = to<X>(SAMPLE);
}
"""

SLOPE = """
struct Parameters { char *out, *first, *second, *third; long count; };
extern "C" __global__ void k(const Parameters q) {
  const long i = (long)blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= q.count) return;
  const double a = to<double>(((const X *)q.first)[i]), b = to<double>(((const X *)q.second)[i]);
  const double c = q.third ? to<double>(((const X *)q.third)[i]) : 0.0;
  ((X *)q.out)[i] = to<X>(FORMULA);
}
"""


@functools.cache
def sample_kernel(sample: str, dtype: torch.dtype) -> Kernel:
    head = f"{numbers()}\ntypedef {cpp(dtype)} X;\n{PHILOX}"
    return Kernel(head + SAMPLERS + DRAW.replace("SAMPLE", sample), "PPPqQQP", "sample")


def sampled(
    sample: str, first: Tensor, generator: torch.Generator | None, second: Tensor | None = None
) -> Tensor:
    """A sample for each element, in the type of ``first``."""
    out = torch.empty_like(first, memory_format=torch.contiguous_format)
    if out.numel():
        seed, offset, state = drawn(generator, 4 * CALLS)
        sample_kernel(sample, first.dtype)(
            -(-out.numel() // THREADS), THREADS, out, first.contiguous(),
            0 if second is None else second.to(first.dtype).expand_as(first).contiguous(),
            out.numel(), seed, offset, state,
        )  # fmt: skip
    return out


@functools.cache
def slope_kernel(formula: str, dtype: torch.dtype) -> Kernel:
    head = f"{numbers()}\n{prelude('special')}\ntypedef {cpp(dtype)} X;\n"
    return Kernel(head + GRADIENTS + SLOPE.replace("FORMULA", formula), "PPPPq", "slope")


def slopes(formula: str, *given: Tensor) -> Tensor:
    parts = [part.contiguous() for part in torch.broadcast_tensors(*given)]
    out = torch.empty_like(parts[0])
    if out.numel():
        slope_kernel(formula, out.dtype)(
            -(-out.numel() // THREADS), THREADS, out, *parts, *([0] * (3 - len(parts))), out.numel()
        )
    return out


@op("poisson")
def poisson(self: Tensor, generator: torch.Generator | None = None) -> Tensor:
    return sampled("poisson_sample(stream, a)", self, generator)


@op("binomial")
def binomial(count: Tensor, prob: Tensor, generator: torch.Generator | None = None) -> Tensor:
    count, prob = torch.broadcast_tensors(count, prob)
    return sampled("binomial_sample(stream, a, b)", count, generator, prob)


@op("_standard_gamma")
def standard_gamma(self: Tensor, generator: torch.Generator | None = None) -> Tensor:
    least = torch.finfo(self.dtype).tiny
    return sampled("gamma_sample(stream, a)", self, generator).clamp_(min=least)


@op("_sample_dirichlet")
def sample_dirichlet(self: Tensor, generator: torch.Generator | None = None) -> Tensor:
    parts = standard_gamma(self.double(), generator)
    return (parts / parts.sum(-1, keepdim=True)).to(self.dtype)


@op("_standard_gamma_grad")
def standard_gamma_grad(self: Tensor, output: Tensor) -> Tensor:
    return slopes("gamma_slope(a, b)", self, output)


@op("_dirichlet_grad")
def dirichlet_grad(x: Tensor, alpha: Tensor, total: Tensor) -> Tensor:
    return slopes("beta_slope(b, c - b, a)", x, alpha, total)
