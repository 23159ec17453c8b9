// Random numbers: torch's stubs draw a stretch of the generator's stream and fill from it.
// `warpfive::draw` (ops/random.py) launches the kernel and says which number uses which word.
#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/native/TensorIterator.h>
#include <ATen/native/UnaryOps.h>

#include "device.h"
#include "stubs.h"

namespace wf::torch_backend {
namespace {

using Iterator = at::TensorIteratorBase;
using Generator = std::optional<at::Generator>;
using Draw = void(const at::Tensor &, c10::string_view, double, double, int64_t, int64_t, int64_t,
                  int64_t, int64_t);

struct Whole {
  uint64_t range = 0;
  int64_t base = 0;
};

/// Every element takes one number of two words at most.
void draw(const char *name, const at::TensorBase &out, double a, double b,
          const Generator &generator, Whole whole = {}) {
  if (out.numel() == 0) return;
  static const auto op =
      c10::Dispatcher::singleton().findSchemaOrThrow("warpfive::draw", "").typed<Draw>();
  const auto [seed, offset, state] = philox(generator, 2 * static_cast<uint64_t>(out.numel()));
  op.call(at::Tensor(out), name, a, b, static_cast<int64_t>(whole.range), whole.base,
          static_cast<int64_t>(seed), static_cast<int64_t>(offset),
          reinterpret_cast<int64_t>(state));
}

void uniform(Iterator &it, double from, double to, Generator generator) {
  draw("uniform", it.tensor_base(0), from, to, generator);
}
void normal(const at::TensorBase &self, double mean, double deviation, Generator generator) {
  draw("normal", self, mean, deviation, generator);
}
void log_normal(Iterator &it, double mean, double deviation, Generator generator) {
  draw("log_normal", it.tensor_base(0), mean, deviation, generator);
}
void cauchy(Iterator &it, double median, double sigma, Generator generator) {
  draw("cauchy", it.tensor_base(0), median, sigma, generator);
}
void exponential(Iterator &it, double rate, Generator generator) {
  draw("exponential", it.tensor_base(0), rate, 0, generator);
}
void geometric(Iterator &it, double p, Generator generator) {
  draw("geometric", it.tensor_base(0), p, 0, generator);
}
void bernoulli(const at::TensorBase &self, double p, Generator generator) {
  draw("bernoulli", self, p, 0, generator);
}
void bernoulli_each(const at::TensorBase &self, const at::TensorBase &p, Generator generator) {
  const at::Tensor target(self), chance(p);
  const at::Tensor u =
      at::empty(self.sizes(), target.options().dtype(chance.scalar_type() == at::kDouble
                                                         ? at::kDouble : at::kFloat));
  draw("uniform", u, 0, 1, generator);
  target.copy_(u.lt(chance.expand(self.sizes())));
}
void random_between(Iterator &it, uint64_t range, int64_t base, Generator generator) {
  draw("whole", it.tensor_base(0), 0, 0, generator, {range, base});
}
/// Range 0 means all 64 bits.
void random_full(Iterator &it, Generator generator) {
  draw("whole", it.tensor_base(0), 0, 0, generator, {0, std::numeric_limits<int64_t>::min()});
}
/// From 0 to the greatest number that the type holds without a gap.
void random_plain(Iterator &it, Generator generator) {
  const at::ScalarType type = it.dtype(0);
  uint64_t range = 0;
  if (type == at::kBool) range = 2;
  else if (type == at::kDouble) range = (1ull << 53) + 1;
  else if (type == at::kFloat) range = (1ull << 24) + 1;
  else if (type == at::kHalf) range = (1ull << 11) + 1;
  else if (type == at::kBFloat16) range = (1ull << 8) + 1;
  else if (type == at::kByte) range = 1ull << 8;
  else range = 1ull << (8 * c10::elementSize(type) - 1);
  draw("whole", it.tensor_base(0), 0, 0, generator, {range, 0});
}

/// The first place whose cumulated weight is greater than a uniform number of the row's total.
void multinomial(at::Tensor &result, const at::Tensor &self, int64_t count, Generator generator) {
  const at::Tensor weights = self.to(self.scalar_type() == at::kDouble ? at::kDouble : at::kFloat);
  const at::Tensor sums = weights.cumsum(-1);
  const at::Tensor total = sums.narrow(-1, self.size(-1) - 1, 1);
  std::vector<int64_t> shape(self.sizes().begin(), self.sizes().end());
  shape.back() = count;
  const at::Tensor u = at::empty(shape, weights.options());
  draw("uniform", u, 0, 1, generator);
  const at::Tensor found = at::searchsorted(sums, u * total, false, true);
  result.copy_(found.clamp_max(self.size(-1) - 1));
}

}  // namespace

void fill_random_stubs() {
  at::native::uniform_stub.set_cuda_dispatch_ptr(&uniform);
  at::native::normal_stub.set_cuda_dispatch_ptr(&normal);
  at::native::log_normal_stub.set_cuda_dispatch_ptr(&log_normal);
  at::native::cauchy_stub.set_cuda_dispatch_ptr(&cauchy);
  at::native::exponential_stub.set_cuda_dispatch_ptr(&exponential);
  at::native::geometric_stub.set_cuda_dispatch_ptr(&geometric);
  at::native::bernoulli_scalar_stub.set_cuda_dispatch_ptr(&bernoulli);
  at::native::bernoulli_tensor_stub.set_cuda_dispatch_ptr(&bernoulli_each);
  at::native::random_from_to_stub.set_cuda_dispatch_ptr(&random_between);
  at::native::random_full_64_bits_range_stub.set_cuda_dispatch_ptr(&random_full);
  at::native::random_stub.set_cuda_dispatch_ptr(&random_plain);
  at::native::multinomial_with_replacement_stub.set_cuda_dispatch_ptr(&multinomial);
}

}  // namespace wf::torch_backend
