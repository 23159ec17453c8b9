// Philox 4x32-10 as CUDA's PyTorch uses it: a seed, and an offset that counts numbers per thread.
#include <ATen/EmptyTensor.h>
#include <ATen/Utils.h>
#include <ATen/ops/empty.h>
#include <c10/core/GeneratorImpl.h>
#include <torch/library.h>

#include <cstring>
#include <mutex>

#include "device.h"
#include "driver.h"

namespace wf::torch_backend {
namespace {

constexpr size_t kStateBytes = 16;  // seed and offset

uint64_t whole_calls(uint64_t numbers) { return (numbers + 3) / 4 * 4; }  // four numbers each

struct State final : c10::intrusive_ptr_target {
  uint64_t seed = c10::default_rng_seed_val;
  uint64_t offset = 0;
  /// While a graph is recorded: where on the device a replay puts its seed and offset, and how many
  /// numbers the graph draws so far.
  at::Tensor recorded;
  uint64_t drawn = 0;

  void require_no_recording(const char *what) const {
    TORCH_CHECK(!recorded.defined(), what, " of a generator cannot change while a graph that draws "
                "from it is recorded; do it before or after");
  }
};

bool recording_stream() {
  int status = 0;
  if (void *stream = current_stream()) check(driver.cudaStreamIsCapturing(stream, &status));
  return status != 0;
}

struct Philox final : c10::GeneratorImpl {
  explicit Philox(c10::intrusive_ptr<State> state = c10::make_intrusive<State>())
      : c10::GeneratorImpl(c10::Device(c10::kCUDA, 0), c10::DispatchKeySet(c10::DispatchKey::CUDA)),
        state_(std::move(state)) {}

  void set_current_seed(uint64_t seed) override {
    if (seed == state_->seed && state_->recorded.defined()) return;
    state_->require_no_recording("the seed");
    state_->seed = seed, state_->offset = 0;
  }
  void set_offset(uint64_t offset) override {
    state_->require_no_recording("the offset");
    state_->offset = offset;
  }
  uint64_t get_offset() const override { return state_->offset; }
  uint64_t current_seed() const override { return state_->seed; }
  uint64_t seed() override {
    set_current_seed(c10::detail::getNonDeterministicRandom(true));
    return state_->seed;
  }
  void set_state(const c10::TensorImpl &given) override {
    at::detail::check_rng_state(given);
    state_->require_no_recording("the state");
    const auto bytes = static_cast<size_t>(given.numel());
    TORCH_CHECK(bytes == kStateBytes || bytes == kStateBytes / 2,
                "a CUDA generator's state has ", kStateBytes, " bytes, not ", bytes);
    const auto *data = given.data_dtype_initialized<uint8_t>();
    uint64_t words[2] = {0, 0};
    std::memcpy(words, data, bytes);
    state_->seed = words[0], state_->offset = words[1];
  }
  c10::intrusive_ptr<c10::TensorImpl> get_state() const override {
    at::TensorBase out = at::detail::empty_cpu({kStateBytes}, at::kByte);
    const uint64_t words[2] = {state_->seed, state_->offset};
    std::memcpy(out.mutable_data_ptr(), words, kStateBytes);
    return out.getIntrusivePtr();
  }
  void graphsafe_set_state(const c10::intrusive_ptr<c10::GeneratorImpl> &given) override {
    state_ = c10::static_intrusive_pointer_cast<Philox>(given)->state_;
  }
  c10::intrusive_ptr<c10::GeneratorImpl> graphsafe_get_state() const override {
    return c10::make_intrusive<Philox>(state_);
  }

  Drawn draw(uint64_t increment) {
    std::lock_guard lock(mutex_);
    if (!recording_stream()) return {state_->seed, advance(increment), nullptr};
    TORCH_CHECK(state_->recorded.defined(),
                "random numbers of this generator are recorded in a graph that does not know it; "
                "call graph.register_generator_state(generator) before the graph is recorded");
    const uint64_t offset = state_->drawn;
    state_->drawn += whole_calls(increment);
    return {0, offset, state_->recorded.data_ptr()};
  }

  /// The offset before it moves on by `increment` numbers.
  uint64_t advance(uint64_t increment) {
    const uint64_t offset = state_->offset;
    state_->offset += whole_calls(increment);
    return offset;
  }

  void start_recording(const at::Tensor &place) {
    state_->require_no_recording("the graph");
    state_->recorded = place, state_->drawn = 0;
  }
  uint64_t stop_recording() {
    state_->recorded = at::Tensor();
    return state_->drawn;
  }

 private:
  Philox *clone_impl() const override {
    auto copy = c10::make_intrusive<State>();
    copy->seed = state_->seed, copy->offset = state_->offset;
    return new Philox(std::move(copy));
  }

  c10::intrusive_ptr<State> state_;
};

}  // namespace

const at::Generator &default_generator() {
  static auto *generator = new at::Generator(at::make_generator<Philox>());
  return *generator;
}

at::Generator new_generator() {
  static std::once_flag first;
  at::Generator generator = default_generator();
  bool is_first = false;
  std::call_once(first, [&] { is_first = true; });
  return is_first ? generator : at::make_generator<Philox>();
}

namespace {

Philox &of_chip(const std::optional<at::Generator> &given) {
  const at::Generator &generator = given && given->defined() ? *given : default_generator();
  TORCH_CHECK(generator.device().is_cuda(), "expected a generator on cuda, found one on ",
              generator.device());
  return *static_cast<Philox *>(generator.unsafeGetGeneratorImpl());
}

using Given = std::optional<at::Generator>;

std::tuple<int64_t, int64_t, int64_t> drawn(Given generator, int64_t increment) {
  const Drawn found = philox(generator, static_cast<uint64_t>(increment));
  return {static_cast<int64_t>(found.seed), static_cast<int64_t>(found.offset),
          reinterpret_cast<int64_t>(found.state)};
}
void start_recording(Given generator, const at::Tensor &place) {
  of_chip(generator).start_recording(place);
}
int64_t stop_recording(Given generator) {
  return static_cast<int64_t>(of_chip(generator).stop_recording());
}
/// Seed and offset for one replay of a graph that draws `increment` numbers.
std::tuple<int64_t, int64_t> advance(Given generator, int64_t increment) {
  Philox &philox = of_chip(generator);
  std::lock_guard lock(philox.mutex_);
  const uint64_t offset = philox.advance(static_cast<uint64_t>(increment));
  return {static_cast<int64_t>(philox.current_seed()), static_cast<int64_t>(offset)};
}

}  // namespace

Drawn philox(const std::optional<at::Generator> &given, uint64_t increment) {
  return of_chip(given).draw(increment);
}

TORCH_LIBRARY_FRAGMENT(warpfive, library) {
  library.def("drawn(Generator? generator, int increment) -> (int, int, int)", &drawn);
  library.def("start_recording(Generator? generator, Tensor place) -> ()", &start_recording);
  library.def("stop_recording(Generator? generator) -> int", &stop_recording);
  library.def("advance_generator(Generator? generator, int increment) -> (int, int)", &advance);
}

}  // namespace wf::torch_backend
